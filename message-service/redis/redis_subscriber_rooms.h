/*
 * The rooms that the subscriber looks after, and their channels: each is joined at the room's first
 * watch and left after the last.
 *
 * All functions are the subscriber's thread's.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H

#include "redis_subscriber_link.h"
#include "redis_subscriber_sync.h"
#include "redis_watches.h"

#include <stdbool.h>

/* All pointers are borrowed. Set up `all` with TAILQ_INIT. */
struct redis_subscriber_rooms {
    const char *prefix;
    struct redis_watches *watches;
    struct redis_subscriber_link *link;
    struct redis_subscriber_sync *sync;
    struct redis_watch_queue all;
};

/* Whether there are any. */
bool redis_subscriber_rooms_any(const struct redis_subscriber_rooms *rooms);

/* Does what the rooms whose watches changed need next, or what all rooms do, after a new
 * connection. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_rooms_take_changes(struct redis_subscriber_rooms *rooms,
                                                    struct error *err) ERROR_MUST_USE;
enum error_code redis_subscriber_rooms_settle(struct redis_subscriber_rooms *rooms,
                                              struct error *err) ERROR_MUST_USE;

/* The link was lost: reports it for each room. */
void redis_subscriber_rooms_lose(struct redis_subscriber_rooms *rooms);

/* Takes in what redis_subscriber_link_next returned. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_rooms_handle(struct redis_subscriber_rooms *rooms,
                                              const redisReply *push,
                                              struct error *err) ERROR_MUST_USE;

#endif
