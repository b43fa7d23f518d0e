/*
 * What the listener receives of a subscribed room: a list, and then what is published after it.
 *
 * All functions are the subscriber's thread's, but for those that say otherwise.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_SYNC_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_SYNC_H

#include "clock.h"
#include "message_store_listener.h"
#include "redis_clock.h"
#include "redis_ended.h"
#include "redis_pool.h"
#include "redis_watches.h"

#include <pthread.h>

enum { REDIS_SUBSCRIBER_SYNC_RETRY_US = 500 * 1000 }; /* between tries to list a room */

struct redis_subscriber_sync {
    const char *prefix; /* borrowed, as are the next four */
    const struct clock *clock;
    struct redis_ended *ended;
    struct redis_watches *watches;
    struct redis_pool *pool; /* of one connection, to list over */

    pthread_mutex_t listener_lock; /* held around each call of the listener */
    struct message_store_listener listener;

    struct redis_watch_queue to_list;  /* now, in turn */
    struct redis_watch_queue to_retry; /* when their time comes, soonest first */
    struct redis_clock redis_clock;
    bool malformed_logged;      /* once in a life */
    uint64_t list_log_after_us; /* until then no more failures to list are logged */
};

/* Sets up the lock and the queues of a zeroed one, before its other members are set. */
void redis_subscriber_sync_init(struct redis_subscriber_sync *sync);
void redis_subscriber_sync_fini(struct redis_subscriber_sync *sync);

/* Waits for the call of the listener that is under way, if there is one. Any thread. */
void redis_subscriber_sync_await_listener(struct redis_subscriber_sync *sync);

/* Has the room listed when its turn comes. */
void redis_subscriber_sync_request(struct redis_subscriber_sync *sync, struct redis_watch *room);

/* The room is not subscribed any more: it loses its turn, and follows no list. */
void redis_subscriber_sync_forget(struct redis_subscriber_sync *sync, struct redis_watch *room);

/* Answers the room's watches: it cannot be reached now. */
void redis_subscriber_sync_unreachable(struct redis_subscriber_sync *sync,
                                       struct redis_watch *room);

/* Lists the room whose turn it is, if there is one; whether a room was listed. */
bool redis_subscriber_sync_next(struct redis_subscriber_sync *sync);

/* When redis_subscriber_sync_next has something to do; UINT64_MAX: never. */
uint64_t redis_subscriber_sync_next_at_us(const struct redis_subscriber_sync *sync);

/* Passes on what was published to the room, a string, if it follows the list. */
void redis_subscriber_sync_publish(struct redis_subscriber_sync *sync, struct redis_watch *room,
                                   const redisReply *payload);

#endif
