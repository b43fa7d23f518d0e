/*
 * The life of the subscriber's parts, and the watches that any thread sets and takes back. Those
 * are left in a table (redis_watches.c), and the thread (redis_subscriber_thread.c) is woken to
 * look there. Nobody waits for it, with one exception: the caller that takes back a watch may free
 * what the listener works on, so it waits for a call of the listener that is under way.
 */
#include "redis_subscriber.h"

#include "redis_key.h"
#include "redis_subscriber_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct redis_subscriber {
    char prefix[REDIS_PREFIX_MAX + 1];
    int wake_fd; /* readable: watches have changed */
    int stop_fd; /* readable: end */
    struct redis_pool *pool;
    struct redis_watches watches;
    struct redis_subscriber_link link;
    struct redis_subscriber_sync sync;
    struct redis_subscriber_rooms rooms;
    struct redis_subscriber_thread thread;
    pthread_mutex_t start_lock; /* over the thread's start */
    bool started;
};

static enum error_code open_pool(struct redis_subscriber *subscriber,
                                 const struct redis_subscriber_config *config, struct error *err)
{
    if (subscriber->wake_fd < 0 || subscriber->stop_fd < 0)
        return error_because(err, ERROR_INTERNAL, "redis: no file descriptor");
    struct redis_pool_config pool = {
        .url = config->url,
        .timeout_ms = config->timeout_ms,
        .connections = 1,
        .clock = &clock_system,
        .stop_fd = subscriber->stop_fd,
    };
    return redis_pool_open(&pool, &subscriber->pool, err);
}

static void join_parts(struct redis_subscriber *subscriber,
                       const struct redis_subscriber_config *config)
{
    struct redis_subscriber_sync *sync = &subscriber->sync;
    redis_subscriber_sync_init(sync);
    sync->prefix = subscriber->prefix;
    sync->clock = config->clock;
    sync->ended = config->ended;
    sync->watches = &subscriber->watches;
    subscriber->rooms = (struct redis_subscriber_rooms){
        .prefix = subscriber->prefix,
        .watches = &subscriber->watches,
        .link = &subscriber->link,
        .sync = sync,
    };
    TAILQ_INIT(&subscriber->rooms.all);
    subscriber->thread = (struct redis_subscriber_thread){
        .link = &subscriber->link,
        .rooms = &subscriber->rooms,
        .sync = sync,
        .wake_fd = subscriber->wake_fd,
        .stop_fd = subscriber->stop_fd,
    };
}

enum error_code redis_subscriber_new(const struct redis_subscriber_config *config,
                                     struct redis_subscriber **ret_subscriber, struct error *err)
{
    struct redis_subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber)
        return error_because(err, ERROR_INTERNAL, "redis: out of memory");
    subscriber->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    subscriber->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&subscriber->start_lock, NULL);
    redis_watches_init(&subscriber->watches);
    redis_subscriber_link_init(&subscriber->link, config->url, config->timeout_ms * 1000u,
                               subscriber->stop_fd);
    snprintf(subscriber->prefix, sizeof subscriber->prefix, "%s", config->prefix);
    join_parts(subscriber, config);
    enum error_code code = open_pool(subscriber, config, err);
    if (code) {
        redis_subscriber_free(subscriber);
        return code;
    }
    subscriber->sync.pool = subscriber->pool;
    *ret_subscriber = subscriber;
    return ERROR_NONE;
}

void redis_subscriber_free(struct redis_subscriber *subscriber)
{
    if (!subscriber)
        return;
    if (subscriber->started) {
        eventfd_write(subscriber->stop_fd, 1);
        redis_subscriber_thread_join(&subscriber->thread);
    }
    redis_subscriber_sync_fini(&subscriber->sync);
    redis_subscriber_link_fini(&subscriber->link);
    redis_watches_fini(&subscriber->watches);
    redis_pool_free(subscriber->pool);
    pthread_mutex_destroy(&subscriber->start_lock);
    if (subscriber->wake_fd >= 0)
        close(subscriber->wake_fd);
    if (subscriber->stop_fd >= 0)
        close(subscriber->stop_fd);
    free(subscriber);
}

void redis_subscriber_listen(struct redis_subscriber *subscriber,
                             const struct message_store_listener *listener)
{
    subscriber->sync.listener = *listener;
}

static bool start(struct redis_subscriber *subscriber)
{
    LOCKED(&subscriber->start_lock);
    if (!subscriber->started)
        subscriber->started = redis_subscriber_thread_start(&subscriber->thread);
    return subscriber->started;
}

bool redis_subscriber_watch(struct redis_subscriber *subscriber, const char *room)
{
    if (!start(subscriber) || !redis_watches_add(&subscriber->watches, room))
        return false;
    eventfd_write(subscriber->wake_fd, 1);
    return true;
}

void redis_subscriber_unwatch(struct redis_subscriber *subscriber, const char *room)
{
    if (!redis_watches_remove(&subscriber->watches, room))
        return;
    eventfd_write(subscriber->wake_fd, 1);
    redis_subscriber_sync_await_listener(&subscriber->sync);
}
