/*
 * What the parts of the subscriber share: redis_subscriber.c (its life, and what any thread may ask
 * of it), redis_subscriber_thread.c (the thread and its connection) and redis_subscriber_rooms.c
 * (what a room goes through). All functions are the thread's.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_INTERNAL_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_INTERNAL_H

#include "redis_clock.h"
#include "redis_connection.h"
#include "redis_key.h"
#include "redis_pool.h"
#include "redis_subscriber.h"
#include "redis_watches.h"

#include <pthread.h>

struct redis_subscriber {
    struct redis_url url;
    char prefix[REDIS_PREFIX_MAX + 1];
    uint64_t timeout_us;
    const struct clock *clock;
    int wake_fd; /* readable: watches have changed */
    int stop_fd; /* readable: end */
    struct redis_watches watches;

    pthread_mutex_t start_lock; /* over these two */
    bool started;
    pthread_t thread;

    pthread_mutex_t telling; /* held around each call of the listener */
    struct message_store_listener listener;

    /* The thread's own. */
    struct redis_pool *pool; /* of one connection */
    struct redis_script list_script;
    struct redis_connection *connection; /* the one that is subscribed; NULL: none */
    struct redis_watch_queue rooms;      /* all that it looks after */
    struct redis_watch_queue to_list;    /* now, in turn */
    struct redis_watch_queue to_retry;   /* when their time comes, soonest first */
    unsigned unanswered;                 /* requests under way on the connection */
    uint64_t heard_us;                   /* from the server, or asked after having heard */
    uint64_t connected_us;
    uint64_t connect_at_us; /* the next try */
    uint64_t backoff_us;
    bool warned;                 /* of the outage that lasts */
    bool nonsense_warned;        /* once in a life */
    uint64_t list_warn_after_us; /* until then it is not told again that a room cannot be listed */
    struct redis_clock redis_clock;
};

/* ---- redis_subscriber_thread.c ---- */

/* The thread; `argument` is the subscriber. Returns NULL when it was told to stop. */
void *redis_subscriber_run(void *argument);

/* Puts SUBSCRIBE or UNSUBSCRIBE of the room's channel in the queue. */
enum error_code redis_subscriber_request(struct redis_subscriber *subscriber, const char *name,
                                         const char *room, struct error *err) ERROR_MUST_USE;

/* ---- redis_subscriber_rooms.c ---- */

/* Does what the room needs next; it may be freed. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_settle(struct redis_subscriber *subscriber,
                                        struct redis_watch *room, struct error *err) ERROR_MUST_USE;

/* There is no connection and will be none for a while: the rooms are told. */
void redis_subscriber_lose_rooms(struct redis_subscriber *subscriber);

/* Takes in what the server sent. UNAVAILABLE: it cannot be gone on with. */
enum error_code redis_subscriber_handle(struct redis_subscriber *subscriber,
                                        const redisReply *reply, struct error *err) ERROR_MUST_USE;

/* Lists the room whose turn it is, if there is one. */
void redis_subscriber_list_next(struct redis_subscriber *subscriber);

/* When redis_subscriber_list_next has something to do; UINT64_MAX: never. */
uint64_t redis_subscriber_list_at_us(const struct redis_subscriber *subscriber);

#endif
