/*
 * The subscriber's thread: it keeps one connection subscribed to all rooms that are watched, and
 * sleeps in poll() while nothing is to be done. Without a watched room there is no connection, and
 * nothing wakes it at all. What a room goes through is in redis_subscriber_rooms.c.
 *
 * Rooms are listed one at a time between two looks at the connection, on a connection of their own:
 * rooms that are up to date hear what is new while a thousand others are being listed.
 *
 * A connection may die without a word. After a silence the server is asked if it is there, and a
 * request that is not answered in time is the end of the connection. Redis cuts a subscriber off
 * that falls too far behind (client-output-buffer-limit): a lost connection as any other, and the
 * lists after it make up for what was missed.
 */
#include "redis_subscriber_thread.h"

#include "fd_wait.h"
#include "log.h"
#include "redis_subscriber_link.h"
#include "redis_subscriber_private.h"
#include "redis_subscriber_rooms.h"

#include <sys/eventfd.h>
#include <sys/random.h>

static uint64_t now_us(void)
{
    return clock_monotonic_us(&clock_system);
}

/* ---- the connection ---- */

/* From a half to one and a half times the delay: services that lost the same server do not come
 * back to it all at once. */
static uint64_t with_jitter(uint64_t delay_us)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = UINT32_MAX / 2;
    return delay_us / 2 + (delay_us * random >> 32);
}

/* The connection is lost, or there is none to be had: all begins anew after a while. */
static void lose(struct redis_subscriber *subscriber, const struct error *err)
{
    if (!subscriber->warned)
        log_write(LOG_LEVEL_WARNING, "Redis subscription lost", LOG_TEXT("cause", err->cause));
    subscriber->warned = true;
    uint64_t lived_us = subscriber->connection ? now_us() - subscriber->connected_us : 0;
    if (lived_us > REDIS_SUBSCRIBER_BACKOFF_MAX_US)
        subscriber->backoff_us = REDIS_SUBSCRIBER_BACKOFF_MIN_US;
    redis_subscriber_link_close(subscriber);
    subscriber->connect_at_us = now_us() + with_jitter(subscriber->backoff_us);
    subscriber->backoff_us *= 2;
    if (subscriber->backoff_us > REDIS_SUBSCRIBER_BACKOFF_MAX_US)
        subscriber->backoff_us = REDIS_SUBSCRIBER_BACKOFF_MAX_US;
    redis_subscriber_rooms_lose(subscriber);
}

static enum error_code settle_all(struct redis_subscriber *subscriber, struct error *err)
{
    struct redis_watch *next;
    enum error_code code = ERROR_NONE;
    for (struct redis_watch *room = TAILQ_FIRST(&subscriber->rooms); room && !code; room = next) {
        next = TAILQ_NEXT(room, entry);
        code = redis_subscriber_rooms_settle(subscriber, room, err);
    }
    return code;
}

static enum error_code connect_again(struct redis_subscriber *subscriber, struct error *err)
{
    uint64_t deadline_us = now_us() + subscriber->timeout_us;
    enum error_code code = redis_connection_open(&subscriber->url, deadline_us, subscriber->stop_fd,
                                                 &subscriber->connection, err);
    if (code)
        return code;
    subscriber->connected_us = now_us();
    subscriber->heard_us = subscriber->connected_us;
    subscriber->unanswered = 0;
    return settle_all(subscriber, err);
}

static enum error_code take_in(struct redis_subscriber *subscriber, struct error *err)
{
    enum error_code code = redis_connection_receive(subscriber->connection, err);
    subscriber->heard_us = now_us();
    while (!code) {
        CLEANUP(redis_reply_free) redisReply *reply = NULL;
        code = redis_connection_next_reply(subscriber->connection, &reply, err);
        if (!code && !reply)
            return ERROR_NONE;
        if (!code)
            code = redis_subscriber_rooms_handle(subscriber, reply, err);
    }
    return code;
}

/* Takes in what there is, and sends what there is to send. Only where nothing came is the silence
 * judged: this thread itself may have been held up. */
static enum error_code exchange(struct redis_subscriber *subscriber, short events,
                                struct error *err)
{
    enum error_code code = ERROR_NONE;
    if (events & ~POLLOUT)
        code = take_in(subscriber, err);
    else
        code = redis_subscriber_link_look_into_silence(subscriber, err);
    if (!code && redis_connection_has_unsent(subscriber->connection))
        code = redis_connection_send(subscriber->connection, err);
    return code;
}

/* ---- the thread ---- */

static enum error_code take_changes(struct redis_subscriber *subscriber, struct error *err)
{
    struct redis_watch *room;
    enum error_code code = ERROR_NONE;
    while (!code && (room = redis_watches_next_change(&subscriber->watches)))
        code = redis_subscriber_rooms_settle(subscriber, room, err);
    return code;
}

static uint64_t sooner(uint64_t a_us, uint64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

static uint64_t wake_at_us(const struct redis_subscriber *subscriber)
{
    if (subscriber->connection)
        return sooner(redis_subscriber_rooms_list_at_us(subscriber),
                      redis_subscriber_link_alive_until_us(subscriber));
    return TAILQ_EMPTY(&subscriber->rooms) ? UINT64_MAX : subscriber->connect_at_us;
}

/* Sleeps until there is something to do; false when it is to end. *ret_events is the
 * connection's. */
static bool sleep_until_needed(struct redis_subscriber *subscriber, short *ret_events)
{
    struct pollfd fds[] = {
        {.fd = subscriber->stop_fd, .events = POLLIN},
        {.fd = subscriber->wake_fd, .events = POLLIN},
        {.fd = -1, .events = POLLIN},
    };
    if (subscriber->connection) {
        fds[2].fd = redis_connection_fd(subscriber->connection);
        if (redis_connection_has_unsent(subscriber->connection))
            fds[2].events |= POLLOUT;
    }
    if (poll(fds, sizeof fds / sizeof *fds, fd_wait_poll_ms(wake_at_us(subscriber))) < 0)
        fds[0].revents = fds[1].revents = fds[2].revents = 0;
    if (fds[1].revents)
        eventfd_read(subscriber->wake_fd, &(eventfd_t){0});
    *ret_events = fds[2].revents;
    return !fds[0].revents;
}

/* One round with what poll said of the connection. */
static enum error_code work(struct redis_subscriber *subscriber, short events, struct error *err)
{
    enum error_code code = take_changes(subscriber, err);
    if (!code && !subscriber->connection && !TAILQ_EMPTY(&subscriber->rooms) &&
        now_us() >= subscriber->connect_at_us)
        code = connect_again(subscriber, err);
    if (code || !subscriber->connection)
        return code;
    if (TAILQ_EMPTY(&subscriber->rooms)) {
        redis_subscriber_link_close(subscriber);
        return ERROR_NONE;
    }
    code = exchange(subscriber, events, err);
    if (!code)
        redis_subscriber_rooms_list_next(subscriber);
    return code;
}

void *redis_subscriber_thread_run(void *argument)
{
    struct redis_subscriber *subscriber = argument;
    short events;
    while (sleep_until_needed(subscriber, &events)) {
        struct error err = {0};
        if (work(subscriber, events, &err))
            lose(subscriber, &err);
    }
    redis_subscriber_link_close(subscriber);
    return NULL;
}
