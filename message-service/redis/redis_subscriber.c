/*
 * The subscriber as others see it: its parts, its beginning and its end, and the watches that any
 * thread sets and takes back. Those are left in a table (redis_watches.c), and the thread is woken
 * to look there; nobody waits for it, but for one thing: who takes back a watch may free at once
 * what the listener works on, so a call of the listener that is under way is waited for.
 */
#include "redis_subscriber.h"

#include "redis_scripts.h"
#include "redis_subscriber_private.h"
#include "redis_subscriber_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static enum error_code open_parts(struct redis_subscriber *subscriber,
                                  const struct redis_subscriber_config *config, struct error *err)
{
    subscriber->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    subscriber->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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

enum error_code redis_subscriber_new(const struct redis_subscriber_config *config,
                                     struct redis_subscriber **ret_subscriber, struct error *err)
{
    struct redis_subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber)
        return error_because(err, ERROR_INTERNAL, "redis: out of memory");
    subscriber->url = *config->url;
    snprintf(subscriber->prefix, sizeof subscriber->prefix, "%s", config->prefix);
    subscriber->timeout_us = config->timeout_ms * 1000u;
    subscriber->clock = config->clock;
    subscriber->list_script.source = redis_script_list;
    subscriber->backoff_us = REDIS_SUBSCRIBER_BACKOFF_MIN_US;
    redis_watches_init(&subscriber->watches);
    pthread_mutex_init(&subscriber->start_lock, NULL);
    pthread_mutex_init(&subscriber->telling, NULL);
    TAILQ_INIT(&subscriber->rooms);
    TAILQ_INIT(&subscriber->to_list);
    TAILQ_INIT(&subscriber->to_retry);
    enum error_code code = open_parts(subscriber, config, err);
    if (code) {
        redis_subscriber_free(subscriber);
        return code;
    }
    *ret_subscriber = subscriber;
    return ERROR_NONE;
}

void redis_subscriber_free(struct redis_subscriber *subscriber)
{
    if (!subscriber)
        return;
    if (subscriber->started) {
        eventfd_write(subscriber->stop_fd, 1);
        pthread_join(subscriber->thread, NULL);
    }
    redis_pool_free(subscriber->pool);
    redis_watches_fini(&subscriber->watches);
    pthread_mutex_destroy(&subscriber->telling);
    pthread_mutex_destroy(&subscriber->start_lock);
    if (subscriber->wake_fd >= 0)
        close(subscriber->wake_fd);
    if (subscriber->stop_fd >= 0)
        close(subscriber->stop_fd);
    explicit_bzero(&subscriber->url, sizeof subscriber->url);
    free(subscriber);
}

void redis_subscriber_listen(struct redis_subscriber *subscriber,
                             const struct message_store_listener *listener)
{
    subscriber->listener = *listener;
}

static bool start(struct redis_subscriber *subscriber)
{
    LOCKED(&subscriber->start_lock);
    if (!subscriber->started)
        subscriber->started =
            pthread_create(&subscriber->thread, NULL, redis_subscriber_thread_run, subscriber) == 0;
    return subscriber->started;
}

static void wake(const struct redis_subscriber *subscriber)
{
    eventfd_write(subscriber->wake_fd, 1);
}

bool redis_subscriber_watch(struct redis_subscriber *subscriber, const char *room)
{
    if (!start(subscriber) || !redis_watches_add(&subscriber->watches, room))
        return false;
    wake(subscriber);
    return true;
}

void redis_subscriber_unwatch(struct redis_subscriber *subscriber, const char *room)
{
    if (!redis_watches_remove(&subscriber->watches, room))
        return;
    wake(subscriber);
    /* A call of the listener that began before the watch was taken back: wait for its end. */
    LOCKED(&subscriber->telling);
}
