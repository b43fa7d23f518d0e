/*
 * The rooms of the subscriber: each goes from its watch through SUBSCRIBE and a list to what is
 * published, and back.
 *
 * All functions are the subscriber's thread's, but for those that say otherwise.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H

#include "message_store_listener.h"
#include "redis_clock.h"
#include "redis_key.h"
#include "redis_pool.h"
#include "redis_subscriber_link.h"
#include "redis_watches.h"

#include <pthread.h>

enum { REDIS_SUBSCRIBER_ROOMS_RETRY_US = 500 * 1000 }; /* between tries to list a room */

struct redis_subscriber_rooms {
    char prefix[REDIS_PREFIX_MAX + 1];
    const struct clock *clock; /* borrowed, as are the next three */
    struct redis_watches *watches;
    struct redis_subscriber_link *link;
    struct redis_pool *pool; /* of one connection, to list over */

    pthread_mutex_t listener_lock; /* held around each call of the listener */
    struct message_store_listener listener;

    struct redis_watch_queue all;
    struct redis_watch_queue to_list;  /* now, in turn */
    struct redis_watch_queue to_retry; /* when their time comes, soonest first */
    struct redis_clock redis_clock;
    bool malformed_logged;      /* once in a life */
    uint64_t list_log_after_us; /* until then no more failures to list are logged */
};

/* Sets up the locks and the queues of a zeroed one, before its other members are set. */
void redis_subscriber_rooms_init(struct redis_subscriber_rooms *rooms);
void redis_subscriber_rooms_fini(struct redis_subscriber_rooms *rooms);

/* Waits for the call of the listener that is under way, if there is one. Any thread. */
void redis_subscriber_rooms_await_listener(struct redis_subscriber_rooms *rooms);

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

/* Lists the room whose turn it is, if there is one. */
void redis_subscriber_rooms_list_next(struct redis_subscriber_rooms *rooms);

/* When redis_subscriber_rooms_list_next has something to do; UINT64_MAX: never. */
uint64_t redis_subscriber_rooms_list_at_us(const struct redis_subscriber_rooms *rooms);

#endif
