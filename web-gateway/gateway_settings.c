/*
 * The web gateway's rows and its two lists. settings.c reads the rows; address_block.c, origin.c
 * and service_url.c know the grammars.
 *
 * The same function splits a list twice: a copy to check it, and then the text itself, whose commas
 * become ends of strings, once all settings are right.
 */
#include "gateway_settings.h"
#include "origin.h"
#include "process.h"
#include "rate_limit.h"
#include "service_url.h"

#include <stdlib.h>
#include <string.h>

/* Room for 64 origins of the longest kind. */
enum { LIST_TEXT_MAX = SETTINGS_FILE_MAX };

/* Where an installation has the templates, and a build too. */
#define TEMPLATE_DIR_BESIDE_PROGRAM "../share/tempmessenger/templates"

/* Splits `text` at its commas, in place, into at most `max` elements without the spaces around
 * them. False if there are more, or one is empty; a blank text is a list of none. */
static bool split_list(char *text, size_t max, const char **ret_elements, size_t *ret_count)
{
    size_t count = 0;
    for (bool last = !text[strspn(text, " ")]; !last;) {
        text += strspn(text, " ");
        size_t span = strcspn(text, ",");
        last = !text[span];
        size_t len = span;
        while (len && text[len - 1] == ' ')
            len--;
        if (!len || count == max)
            return false;
        text[len] = '\0';
        ret_elements[count++] = text;
        text += span + 1;
    }
    *ret_count = count;
    return true;
}

static bool read_proxies(char *text, struct gateway_settings *settings)
{
    const char *elements[TRUSTED_PROXIES_MAX];
    size_t count;
    if (!split_list(text, TRUSTED_PROXIES_MAX, elements, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!address_block_parse(elements[i], &settings->trusted_proxies[i]))
            return false;
    settings->trusted_proxies_count = count;
    return true;
}

static bool read_origins(char *text, struct gateway_settings *settings)
{
    size_t count;
    if (!split_list(text, ALLOWED_ORIGINS_MAX, settings->allowed_origins, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!origin_valid(settings->allowed_origins[i]))
            return false;
    settings->allowed_origins_count = count;
    return true;
}

/* Whether `read` takes the list; drops what it reads. */
static bool try_list(const char *text, bool (*read)(char *text, struct gateway_settings *settings))
{
    struct gateway_settings spare = {0};
    char *copy = strdup(text);
    bool good = copy && read(copy, &spare);
    free(copy);
    return good;
}

static bool proxies_valid(const char *text, const char **ret_rule)
{
    _Static_assert(TRUSTED_PROXIES_MAX == 64, "the rule names the limit");
    *ret_rule = "a list of at most 64 addresses or blocks such as 10.0.0.0/8,2001:db8::1";
    return try_list(text, read_proxies);
}

static bool origins_valid(const char *text, const char **ret_rule)
{
    _Static_assert(ALLOWED_ORIGINS_MAX == 64, "the rule names the limit");
    *ret_rule = "a list of at most 64 origins such as https://example.org,http://localhost:8080";
    return try_list(text, read_origins);
}

static bool url_valid(const char *text, const char **ret_rule)
{
    *ret_rule = "an http:// or https:// URL with a host and without user, query or fragment";
    return service_url_valid(text);
}

/* clang-format off */
static const struct setting rows[] = {
    COMMON_SETTINGS(struct gateway_settings, "8000"),
    {.name = "MESSAGE_SERVICE_URL",
     SETTING_TEXT_AT(struct gateway_settings, message_service_url),
     .fallback = "http://127.0.0.1:8001", .valid = url_valid,
     .help = "where the message service is"},
    {.name = "UPSTREAM_TIMEOUT", SETTING_DURATION_AT(struct gateway_settings, upstream_timeout_ms),
     .fallback = "2s", .minimum = CALL_TIMEOUT_MIN_MS, .maximum = CALL_TIMEOUT_MAX_MS,
     .help = "how long to wait for the message service"},
    {.name = "TEMPLATE_DIR", SETTING_TEXT_AT(struct gateway_settings, template_dir),
     .fallback = TEMPLATE_DIR_BESIDE_PROGRAM,
     .help = "the directory of the page's templates and static files; the default is relative to "
             "the program's own directory"},
    {.name = "RATE_LIMIT", SETTING_RATE_AT(struct gateway_settings, rate_limit),
     .fallback = "20/s", .minimum = 1, .maximum = RATE_LIMIT_COUNT_MAX,
     .help = "how many messages a client address may send: 20/s, 100/m, 1000/h or off"},
    {.name = "CLIENT_MAX_STREAMS",
     SETTING_UNSIGNED_AT(struct gateway_settings, client_max_streams),
     .fallback = "1024", .zero_word = "off", .minimum = 1, .maximum = CONNECTIONS_MAX,
     .help = "how many event streams a client address may have open"},
    {.name = "CLIENT_MAX_CONNECTIONS",
     SETTING_UNSIGNED_AT(struct gateway_settings, client_max_connections),
     .fallback = "2048", .zero_word = "off", .minimum = 1, .maximum = CONNECTIONS_MAX,
     .help = "how many connections a client address may have open"},
    {.name = "ROOM_OPEN_LIMIT", SETTING_RATE_AT(struct gateway_settings, room_open_limit),
     .fallback = "20/s", .minimum = 1, .maximum = RATE_LIMIT_COUNT_MAX,
     .help = "how many rooms that are not open yet a client address may request, as RATE_LIMIT"},
    {.name = "TRUSTED_PROXIES", SETTING_TEXT_AT(struct gateway_settings, trusted_proxies_text),
     .maximum = LIST_TEXT_MAX, .valid = proxies_valid,
     .help = "the proxies whose X-Forwarded-For is trusted: addresses or blocks, comma separated"},
    {.name = "ALLOWED_ORIGINS", SETTING_TEXT_AT(struct gateway_settings, allowed_origins_text),
     .maximum = LIST_TEXT_MAX, .valid = origins_valid,
     .help = "other origins whose pages may send messages, such as https://example.org, comma "
             "separated"},
};
/* clang-format on */

/* The default is relative to the program, not to the working directory. */
static bool find_template_dir(char **template_dir)
{
    if (strcmp(*template_dir, TEMPLATE_DIR_BESIDE_PROGRAM) != 0)
        return true;
    char *found = process_path_beside_program(*template_dir);
    if (!found)
        return false;
    free(*template_dir);
    *template_dir = found;
    return true;
}

static void strip_slashes(char *url)
{
    size_t len = strlen(url);
    while (len && url[len - 1] == '/')
        url[--len] = '\0';
}

/* The lists are known to be right: here only memory can be missing. */
static bool complete(void *target, FILE *err)
{
    struct gateway_settings *settings = target;
    char *proxies = settings->trusted_proxies_text;
    char *origins = settings->allowed_origins_text;
    settings->trusted_proxies_count = settings->allowed_origins_count = 0;
    strip_slashes(settings->message_service_url);
    if (find_template_dir(&settings->template_dir) &&
        (!proxies || read_proxies(proxies, settings)) &&
        (!origins || read_origins(origins, settings)))
        return true;
    fprintf(err, "%s: out of memory\n", gateway_settings_program.name);
    return false;
}

const struct settings_program gateway_settings_program = {
    .name = "web-gateway",
    .summary = "Shows the messages of TempMessenger to people: the page, live events and JSON,\n"
               "for browsers and for curl, in front of the message service.",
    .settings = rows,
    .count = sizeof rows / sizeof rows[0],
    .complete = complete,
};
