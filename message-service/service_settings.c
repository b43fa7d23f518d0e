/*
 * The message service's rows, and the rules between its lifetimes and between its sizes.
 * settings.c reads them, and the stores' backends validate a STORE_URL (message_store_url_valid).
 *
 * STORE_URL may carry a password: settings.c shows no value with an @ in it.
 */
#include "service_settings.h"
#include "draft.h"
#include "message_store.h"
#include "setting_value.h"
#include "settings_refusal.h"

#include <string.h>

static bool prefix_valid(const char *text, const char **ret_rule)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  ":_.-";
    size_t len = strlen(text);
    *ret_rule = "1 to 64 of A-Z, a-z, 0-9, :, _, . and -";
    _Static_assert(STORE_PREFIX_MAX == 64, "the rule names the limit");
    return len && len <= STORE_PREFIX_MAX && strspn(text, allowed) == len;
}

static bool store_url_valid(const char *text, const char **ret_rule)
{
    return message_store_url_valid(text, ret_rule);
}

/* clang-format off */
static const struct setting rows[] = {
    COMMON_SETTINGS(struct service_settings, "8001"),
    {.name = "STORE_URL", SETTING_TEXT_AT(struct service_settings, store_url),
     .fallback = "memory:", .valid = store_url_valid, .may_hold_secret = true,
     .help = "where messages are kept: memory:, redis://[user:password@]host[:port][/db] or "
             "unix:///path/redis.sock"},
    {.name = "STORE_PREFIX", SETTING_TEXT_AT(struct service_settings, store_prefix),
     .fallback = "tempmessenger", .valid = prefix_valid,
     .help = "the prefix of every key in the store"},
    {.name = "STORE_TIMEOUT", SETTING_DURATION_AT(struct service_settings, store_timeout_ms),
     .fallback = "1s", .minimum = CALL_TIMEOUT_MIN_MS, .maximum = CALL_TIMEOUT_MAX_MS,
     .help = "how long to wait for the store"},
    {.name = "MESSAGE_TTL", SETTING_DURATION_AT(struct service_settings, message_ttl_ms),
     .fallback = "60s", .minimum = MESSAGE_TTL_LEAST_MS, .maximum = MESSAGE_TTL_MOST_MS,
     .help = "the lifetime of a message that names none"},
    {.name = "MESSAGE_TTL_MIN", SETTING_DURATION_AT(struct service_settings, message_ttl_min_ms),
     .fallback = "1s", .minimum = MESSAGE_TTL_LEAST_MS, .maximum = MESSAGE_TTL_MOST_MS,
     .help = "the shortest lifetime a message may name"},
    {.name = "MESSAGE_TTL_MAX", SETTING_DURATION_AT(struct service_settings, message_ttl_max_ms),
     .fallback = "1d", .minimum = MESSAGE_TTL_LEAST_MS, .maximum = MESSAGE_TTL_MOST_MS,
     .help = "the longest lifetime a message may name"},
    {.name = "MESSAGE_MAX_BYTES", SETTING_BYTES_AT(struct service_settings, message_max_bytes),
     .fallback = "4096", .minimum = 1, .maximum = MESSAGE_BYTES_MAX,
     .help = "the longest message, in bytes of UTF-8"},
    {.name = "ROOM_MAX_MESSAGES", SETTING_UNSIGNED_AT(struct service_settings, room_max_messages),
     .fallback = "10000", .minimum = 1, .maximum = ROOM_MESSAGES_MAX,
     .help = "how many live messages a room may hold"},
    {.name = "ROOM_MAX_BYTES", SETTING_SIZE_AT(struct service_settings, room_max_bytes),
     .fallback = "8MiB", .minimum = ROOM_BYTES_LEAST, .maximum = ROOM_BYTES_MOST,
     .help = "how many bytes of text and authors the live messages of a room may hold, such as "
             "512KiB"},
};
/* clang-format on */

/* MESSAGE_TTL_MIN <= MESSAGE_TTL <= MESSAGE_TTL_MAX */
static bool check_lifetimes(const struct service_settings *settings, FILE *err)
{
    const struct settings_program *program = &service_settings_program;
    char ttl[SETTING_DURATION_SIZE], least[SETTING_DURATION_SIZE], most[SETTING_DURATION_SIZE];
    setting_value_format_duration(settings->message_ttl_ms, ttl);
    setting_value_format_duration(settings->message_ttl_min_ms, least);
    setting_value_format_duration(settings->message_ttl_max_ms, most);
    if (settings->message_ttl_min_ms > settings->message_ttl_max_ms) {
        settings_refusal_rule(err, program, "MESSAGE_TTL_MIN", least,
                              "at most MESSAGE_TTL_MAX (%s)", most);
        return false;
    }
    if (settings->message_ttl_ms < settings->message_ttl_min_ms ||
        settings->message_ttl_ms > settings->message_ttl_max_ms) {
        settings_refusal_rule(err, program, "MESSAGE_TTL", ttl,
                              "from MESSAGE_TTL_MIN (%s) to MESSAGE_TTL_MAX (%s)", least, most);
        return false;
    }
    return true;
}

/* MESSAGE_MAX_BYTES and an author fit into ROOM_MAX_BYTES: otherwise no room would take some
 * messages, however empty it is. */
static bool check_sizes(const struct service_settings *settings, FILE *err)
{
    enum { AUTHOR_MAX_BYTES = 4 * AUTHOR_MAX_CHARACTERS };
    if (settings->room_max_bytes >= settings->message_max_bytes + AUTHOR_MAX_BYTES)
        return true;
    char room[SETTING_SIZE_SIZE];
    setting_value_format_size(settings->room_max_bytes, room);
    settings_refusal_rule(err, &service_settings_program, "ROOM_MAX_BYTES", room,
                          "at least MESSAGE_MAX_BYTES + %d (%zu)", AUTHOR_MAX_BYTES,
                          settings->message_max_bytes + AUTHOR_MAX_BYTES);
    return false;
}

static bool complete(void *target, FILE *err)
{
    return check_lifetimes(target, err) && check_sizes(target, err);
}

const struct settings_program service_settings_program = {
    .name = "message-service",
    .summary = "Keeps the messages of TempMessenger until they expire: what is valid, how long\n"
               "they live and where they are stored. Speaks HTTP and JSON.",
    .settings = rows,
    .count = sizeof rows / sizeof rows[0],
    .complete = complete,
};
