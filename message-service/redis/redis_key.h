/*
 * The names of Redis' keys and channels: prefix:{room}:name and a suffix. The braces put all keys
 * of a room into one slot of a cluster.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_KEY_H
#define TEMPMESSENGER_REDIS_KEY_H

#include "idempotency_key.h"
#include "room_name.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REDIS_PREFIX_MAX = 128,
    REDIS_KEY_SIZE = REDIS_PREFIX_MAX + ROOM_NAME_MAX + IDEMPOTENCY_KEY_MAX + 32,
};

/* `name` is one of the literals below, `suffix` "", an id or an idempotency key: it always fits. */
void redis_key_make(const char *prefix, const char *room, const char *name, const char *suffix,
                    char ret_key[REDIS_KEY_SIZE]);

#define REDIS_KEY_MESSAGE "message:"         /* then the id */
#define REDIS_KEY_IDEMPOTENCY "idempotency:" /* then the key */
#define REDIS_KEY_INDEX "index"
#define REDIS_KEY_EVENT "event"
#define REDIS_KEY_SIZES "sizes"

/* A room's channel. All databases of a Redis share its channels, so the name has the number of the
 * database, unless that is 0. */
void redis_key_make_channel(const char *prefix, const char *room, int db,
                            char ret_channel[REDIS_KEY_SIZE]);

/* The room whose channel this is; false where it is none of ours. */
bool redis_key_channel_room(const char *prefix, int db, const char *channel, size_t len,
                            char ret_room[ROOM_NAME_SIZE]) __attribute__((warn_unused_result));

#endif
