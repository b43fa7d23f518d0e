/*
 * What a subscriber is made of, for the files redis_subscriber_*.c alone; all others see
 * redis_subscriber.h.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_PRIVATE_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_PRIVATE_H

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

#endif
