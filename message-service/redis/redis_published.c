/*
 * Anyone who can reach the Redis can publish to a channel: each publication is validated, and its
 * number and room must agree with those in its JSON.
 */
#include "redis_published.h"

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

bool redis_published_read(const char *room, const char *payload, size_t len,
                          struct redis_published *ret_published)
{
    const char *at = payload, *end = payload + len;
    *ret_published = (struct redis_published){0};
    struct message_store_position *position = &ret_published->position;
    struct redis_message *message = &ret_published->message;
    return read_number(&at, end, &position->number) && read_number(&at, end, &position->epoch) &&
           redis_message_parse(at, (size_t)(end - at), message) == ERROR_NONE &&
           message->fields.number == position->number && strcmp(message->fields.room, room) == 0;
}

void redis_published_fini(struct redis_published *published)
{
    redis_message_fini(&published->message);
}
