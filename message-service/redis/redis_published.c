/*
 * Anyone who can reach the Redis can publish to a channel: each publication is validated, and its
 * number and room must agree with those in its JSON.
 */
#include "redis_published.h"

#include <jansson.h>
#include <string.h>

/* Reads a number above 0 and the space behind it, and moves *at behind both. */
static bool read_number(const char **at, const char *end, uint64_t *ret_number)
{
    enum { DIGITS_MAX = 16 };
    uint64_t number = 0;
    const char *from = *at;
    for (; *at < end && **at >= '0' && **at <= '9' && *at - from < DIGITS_MAX; (*at)++)
        number = number * 10 + (uint64_t)(**at - '0');
    if (*at == from || *at == end || **at != ' ')
        return false;
    (*at)++;
    *ret_number = number;
    return number > 0;
}

static void read_previous(struct redis_published *published)
{
    const json_t *previous = json_object_get(published->message.object, "previous");
    published->has_previous = json_is_integer(previous) && json_integer_value(previous) >= 0;
    if (published->has_previous)
        published->previous = (uint64_t)json_integer_value(previous);
}

bool redis_published_read(const char *room, const char *payload, size_t len,
                          struct redis_published *ret_published)
{
    const char *at = payload, *end = payload + len;
    *ret_published = (struct redis_published){0};
    struct message_store_position *position = &ret_published->position;
    struct redis_message *message = &ret_published->message;
    if (!read_number(&at, end, &position->number) || !read_number(&at, end, &position->epoch) ||
        redis_message_parse(at, (size_t)(end - at), message) != ERROR_NONE)
        return false;
    read_previous(ret_published);
    return message->fields.number == position->number && strcmp(message->fields.room, room) == 0;
}

void redis_published_fini(struct redis_published *published)
{
    redis_message_fini(&published->message);
}
