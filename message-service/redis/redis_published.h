/*
 * A publication of save.lua: the number, the epoch and the JSON of a new message, separated by
 * spaces.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_PUBLISHED_H
#define TEMPMESSENGER_REDIS_PUBLISHED_H

#include "message_list.h"
#include "redis_message.h"

#include <stdbool.h>
#include <stddef.h>

struct redis_published {
    struct message_store_position position;
    /* Whether the number given out before is known (services of the release before do not tell
     * it), and which it is; 0: there was none. */
    bool has_previous;
    uint64_t previous;
    struct redis_message message;
};

/* Reads a payload of the room's channel; false where it is not of that form, or of another room (or
 * out of memory). *ret_published can be freed either way. */
bool redis_published_read(const char *room, const char *payload, size_t len,
                          struct redis_published *ret_published) ERROR_MUST_USE;

void redis_published_fini(struct redis_published *published);

#endif
