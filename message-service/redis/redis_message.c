/*
 * The content is made here and not by Redis' own JSON library, which reads numbers as doubles and
 * is not exact to the byte. Parsing is jansson's.
 *
 * Anyone who can write to the Redis may have written a message: it is validated like all input.
 */
#include "redis_message.h"

#include "json_read.h"

#include <string.h>

/* Longer than any lifetime that a setting allows, and far from the end of a uint64_t. */
static const int64_t left_max_ms = (int64_t)1 << 40;

void redis_message_append_content(struct buffer *buffer, const char *room,
                                  const struct draft *draft)
{
    buffer_append_string(buffer, "\"room\":");
    buffer_append_json_string(buffer, room, strlen(room));
    if (draft->author) {
        buffer_append_string(buffer, ",\"author\":");
        buffer_append_json_string(buffer, draft->author, strlen(draft->author));
    }
    buffer_append_string(buffer, ",\"message\":");
    buffer_append_json_string(buffer, draft->text, draft->text_len);
}

static const char *string_member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Reads a member that is a whole number from 1 to `max`. */
static bool number_member(const json_t *object, const char *name, int64_t max, int64_t *ret_number)
{
    *ret_number = json_integer_value(json_object_get(object, name));
    return *ret_number > 0 && *ret_number <= max;
}

/* Fills `fields` with pointers into `object`. */
static bool read_fields(const json_t *object, struct message_fields *fields)
{
    const json_t *author = json_object_get(object, "author");
    int64_t number;
    fields->id = string_member(object, "id");
    fields->room = string_member(object, "room");
    fields->author = json_string_value(author);
    fields->text = string_member(object, "message");
    if (!fields->id || !message_id_valid(fields->id) || !fields->room ||
        !room_name_valid(fields->room) || (author && !fields->author) || !fields->text ||
        !number_member(object, "created_at", REDIS_MESSAGE_TIME_MAX_MS, &fields->created_at_ms) ||
        !number_member(object, "expires_at", REDIS_MESSAGE_TIME_MAX_MS, &fields->expires_at_ms) ||
        !number_member(object, "number", INT64_MAX, &number))
        return false;
    fields->number = (uint64_t)number;
    return true;
}

enum error_code redis_message_parse(const char *json, size_t len, struct redis_message *ret_parsed)
{
    json_error_t fault;
    *ret_parsed = (struct redis_message){0};
    enum error_code code = json_read(json, len, 0, &ret_parsed->object, &fault);
    if (!code && read_fields(ret_parsed->object, &ret_parsed->fields))
        return ERROR_NONE;
    redis_message_fini(ret_parsed);
    return code == ERROR_INTERNAL ? ERROR_INTERNAL : ERROR_MESSAGE_NOT_FOUND;
}

void redis_message_fini(struct redis_message *parsed)
{
    json_decref(parsed->object);
    *parsed = (struct redis_message){0};
}

enum error_code redis_message_make(const struct redis_message *parsed,
                                   const struct redis_moment *moment, struct message **ret_message)
{
    struct message_fields fields = parsed->fields;
    int64_t left_ms = fields.expires_at_ms - moment->redis_ms;
    if (left_ms <= 0 || left_ms > left_max_ms)
        return ERROR_MESSAGE_NOT_FOUND;
    fields.deadline_us = moment->monotonic_us + (uint64_t)left_ms * 1000u;
    struct message *message = message_new(&fields);
    if (!message)
        return ERROR_INTERNAL;
    *ret_message = message;
    return ERROR_NONE;
}

enum error_code redis_message_read(const char *json, size_t len, const struct redis_moment *moment,
                                   struct message **ret_message)
{
    CLEANUP_FINI(redis_message_fini) struct redis_message parsed;
    enum error_code code = redis_message_parse(json, len, &parsed);
    return code ? code : redis_message_make(&parsed, moment, ret_message);
}
