/*
 * The content is made here and not by Redis' own JSON library: that one takes numbers for doubles
 * and is not exact to the byte. Reading is jansson's.
 *
 * What is read was written by a service of ours, or by whoever else can write to that Redis: it is
 * checked for its form, as what comes from outside is.
 */
#include "redis_message.h"

#include <jansson.h>
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

/* Reads a member that is a whole number above 0. */
static bool number_member(const json_t *object, const char *name, int64_t *ret_number)
{
    *ret_number = json_integer_value(json_object_get(object, name));
    return *ret_number > 0;
}

/* Fills `fields` with pointers into `object`. */
static bool read_fields(const json_t *object, const struct redis_moment *moment,
                        struct message_fields *fields)
{
    const json_t *author = json_object_get(object, "author");
    int64_t number;
    fields->id = string_member(object, "id");
    fields->room = string_member(object, "room");
    fields->author = json_string_value(author);
    fields->text = string_member(object, "message");
    if (!fields->id || !message_id_valid(fields->id) || !fields->room ||
        !room_name_valid(fields->room) || (author && !fields->author) || !fields->text ||
        !number_member(object, "created_at", &fields->created_at_ms) ||
        !number_member(object, "expires_at", &fields->expires_at_ms) ||
        !number_member(object, "number", &number))
        return false;
    fields->number = (uint64_t)number;
    int64_t left_ms = fields->expires_at_ms - moment->redis_ms;
    if (left_ms <= 0 || left_ms > left_max_ms)
        return false;
    fields->deadline_us = moment->monotonic_us + (uint64_t)left_ms * 1000u;
    return true;
}

enum error_code redis_message_read(const char *json, size_t len, const struct redis_moment *moment,
                                   struct message **ret_message)
{
    struct message_fields fields = {0};
    enum error_code code = ERROR_MESSAGE_NOT_FOUND;
    json_t *object = json_loadb(json, len, 0, NULL);
    if (object && read_fields(object, moment, &fields)) {
        struct message *message = message_new(&fields);
        code = message ? ERROR_NONE : ERROR_INTERNAL;
        if (message)
            *ret_message = message;
    }
    json_decref(object);
    return code;
}
