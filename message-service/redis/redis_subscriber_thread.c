/*
 * The thread keeps one connection subscribed to all rooms that are watched, and sleeps in poll()
 * while there is nothing to do. Without a watched room there is no connection, and nothing wakes
 * the thread at all.
 *
 * Rooms are listed one at a time between two looks at the connection, over a connection of their
 * own: rooms that are up to date receive new messages while a thousand others are being listed.
 */
#include "redis_subscriber_thread.h"

#include "clock.h"
#include "fd_wait.h"
#include "thread.h"

#include <sys/eventfd.h>

static enum error_code connect_again(struct redis_subscriber_thread *thread, struct error *err)
{
    enum error_code code = redis_subscriber_link_open(thread->link, err);
    return code ? code : redis_subscriber_rooms_settle(thread->rooms, err);
}

static enum error_code take_in(struct redis_subscriber_thread *thread, struct error *err)
{
    enum error_code code = redis_subscriber_link_receive(thread->link, err);
    while (!code) {
        CLEANUP(redis_reply_free) redisReply *push = NULL;
        code = redis_subscriber_link_next(thread->link, &push, err);
        if (!code && !push)
            return ERROR_NONE;
        if (!code)
            code = redis_subscriber_rooms_handle(thread->rooms, push, err);
    }
    return code;
}

/* Takes in what there is, and sends what there is to send. The silence is judged only where nothing
 * came: this thread itself may have been held up. */
static enum error_code exchange(struct redis_subscriber_thread *thread, short events,
                                struct error *err)
{
    enum error_code code = events & ~POLLOUT
                               ? take_in(thread, err)
                               : redis_subscriber_link_check_silence(thread->link, err);
    return code ? code : redis_subscriber_link_send(thread->link, err);
}

static uint64_t wake_at_us(const struct redis_subscriber_thread *thread)
{
    if (!thread->link->connection)
        return redis_subscriber_rooms_any(thread->rooms) ? thread->link->connect_at_us : UINT64_MAX;
    uint64_t list_at_us = redis_subscriber_sync_next_at_us(thread->sync);
    uint64_t silent_at_us = redis_subscriber_link_silent_at_us(thread->link);
    return list_at_us < silent_at_us ? list_at_us : silent_at_us;
}

/* Sleeps until there is something to do; false when the thread is to end. *ret_events is the
 * connection's. */
static bool sleep_until_needed(struct redis_subscriber_thread *thread, short *ret_events)
{
    const struct redis_connection *connection = thread->link->connection;
    struct pollfd fds[] = {
        {.fd = thread->stop_fd, .events = POLLIN},
        {.fd = thread->wake_fd, .events = POLLIN},
        {.fd = -1, .events = POLLIN},
    };
    if (connection)
        fds[2].fd = redis_connection_fd(connection);
    if (connection && redis_connection_has_unsent(connection))
        fds[2].events |= POLLOUT;
    if (poll(fds, sizeof fds / sizeof *fds, fd_wait_poll_ms(wake_at_us(thread))) < 0)
        fds[0].revents = fds[1].revents = fds[2].revents = 0;
    if (fds[1].revents)
        eventfd_read(thread->wake_fd, &(eventfd_t){0});
    *ret_events = fds[2].revents;
    return !fds[0].revents;
}

/* One round with what poll reported of the connection. */
static enum error_code work(struct redis_subscriber_thread *thread, short events, struct error *err)
{
    enum error_code code = redis_subscriber_rooms_take_changes(thread->rooms, err);
    if (!code && !thread->link->connection && redis_subscriber_rooms_any(thread->rooms) &&
        clock_now_us() >= thread->link->connect_at_us)
        code = connect_again(thread, err);
    if (code || !thread->link->connection)
        return code;
    if (!redis_subscriber_rooms_any(thread->rooms)) {
        redis_subscriber_link_close(thread->link);
        return ERROR_NONE;
    }
    code = exchange(thread, events, err);
    if (!code && redis_subscriber_sync_next(thread->sync))
        redis_subscriber_link_restored(thread->link);
    return code;
}

static void *run(void *argument)
{
    struct redis_subscriber_thread *thread = argument;
    short events;
    while (sleep_until_needed(thread, &events)) {
        struct error err = {0};
        if (!work(thread, events, &err))
            continue;
        redis_subscriber_link_lose(thread->link, &err);
        redis_subscriber_rooms_lose(thread->rooms);
    }
    return NULL;
}

bool redis_subscriber_thread_start(struct redis_subscriber_thread *thread)
{
    return thread_start(&thread->id, "redis-events", run, thread);
}

void redis_subscriber_thread_join(struct redis_subscriber_thread *thread)
{
    pthread_join(thread->id, NULL);
}
