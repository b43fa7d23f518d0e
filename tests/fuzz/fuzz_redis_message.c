/*
 * The messages and publications of a Redis that others can write to. Whatever is accepted has the
 * form of a message, and its content, written again, reads the same.
 *
 * The first line is the room of the channel, the rest the payload; the stored JSON follows the
 * payload's second space.
 */
#include "input.h"
#include "redis_message.h"
#include "redis_published.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX = 4 * 1024 * 1024 };

static const struct redis_moment moment = {1795327200000, 5000000};

static void check_fields(const struct message_fields *fields)
{
    REQUIRE(message_id_valid(fields->id) && room_name_valid(fields->room) && fields->number);
    REQUIRE(text_valid_utf8(fields->text, strlen(fields->text)));
    REQUIRE(!fields->author || text_valid_utf8(fields->author, strlen(fields->author)));
    REQUIRE(fields->created_at_ms > 0 && fields->created_at_ms <= REDIS_MESSAGE_TIME_MAX_MS);
    REQUIRE(fields->expires_at_ms > 0 && fields->expires_at_ms <= REDIS_MESSAGE_TIME_MAX_MS);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* As save.lua writes it. */
static void append_stored(struct buffer *json, const struct message_fields *fields)
{
    char *text = strdup(fields->text);
    char *author = fields->author ? strdup(fields->author) : NULL;
    REQUIRE(text && !author == !fields->author);
    struct draft draft = {.text = text, .text_len = strlen(text), .author = author};
    buffer_append_format(json, "{\"id\":\"%s\",", fields->id);
    redis_message_append_content(json, fields->room, &draft);
    buffer_append_format(
        json, ",\"created_at\":%" PRId64 ",\"expires_at\":%" PRId64 ",\"number\":%" PRIu64 "}",
        fields->created_at_ms, fields->expires_at_ms, fields->number);
    draft_fini(&draft);
}

static void check_written(const struct redis_message *parsed)
{
    CLEANUP_FINI(buffer_fini) struct buffer json;
    CLEANUP_FINI(redis_message_fini) struct redis_message again = {0};
    const struct message_fields *fields = &parsed->fields;
    buffer_init(&json, JSON_MAX);
    append_stored(&json, fields);
    REQUIRE(!json.failed && redis_message_parse(json.data, json.len, &again) == ERROR_NONE);
    REQUIRE(same_text(again.fields.id, fields->id) && same_text(again.fields.room, fields->room));
    REQUIRE(same_text(again.fields.text, fields->text));
    REQUIRE(same_text(again.fields.author, fields->author));
    REQUIRE(again.fields.created_at_ms == fields->created_at_ms);
    REQUIRE(again.fields.expires_at_ms == fields->expires_at_ms);
    REQUIRE(again.fields.number == fields->number);
}

static void check_made(const struct redis_message *parsed)
{
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = redis_message_make(parsed, &moment, &message);
    REQUIRE(code == ERROR_NONE || code == ERROR_MESSAGE_NOT_FOUND);
    REQUIRE(!code == !!message);
    REQUIRE(code || parsed->fields.expires_at_ms > moment.redis_ms);
    if (!message)
        return;
    REQUIRE(message->number == parsed->fields.number);
    REQUIRE(!message_expired(message, moment.monotonic_us));
    REQUIRE((int64_t)message_expires_in_ms(message, moment.monotonic_us) ==
            message->expires_at_ms - moment.redis_ms);
}

static void check_stored(const char *json, size_t len)
{
    CLEANUP(message_release) struct message *message = NULL;
    struct redis_message parsed;
    bool good = redis_message_parse(json, len, &parsed) == ERROR_NONE;
    REQUIRE(good == (parsed.object != NULL));
    if (good) {
        check_fields(&parsed.fields);
        check_written(&parsed);
        check_made(&parsed);
    }
    redis_message_fini(&parsed);
    enum error_code code = redis_message_read(json, len, &moment, &message);
    REQUIRE(good ? code != ERROR_INTERNAL : code == ERROR_MESSAGE_NOT_FOUND);
}

static void check_published(const char *room, const char *payload, size_t len)
{
    struct redis_published published;
    if (redis_published_read(room, payload, len, &published)) {
        REQUIRE(published.position.epoch && published.position.number);
        REQUIRE(published.position.number == published.message.fields.number);
        REQUIRE(strcmp(published.message.fields.room, room) == 0);
        check_fields(&published.message.fields);
    }
    redis_published_fini(&published);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    char *room = input_string(&input, '\n');
    struct input json_input = input;
    size_t payload_len;
    char *payload = input_rest(&input, &payload_len);
    check_published(room, payload, payload_len);
    for (int i = 0; i < 2; i++) {
        size_t part_len;
        free(input_bytes(&json_input, ' ', &part_len));
    }
    size_t json_len;
    char *json = input_rest(&json_input, &json_len);
    check_stored(json, json_len);
    free(json);
    free(payload);
    free(room);
    return 0;
}
