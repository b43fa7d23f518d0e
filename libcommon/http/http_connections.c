/*
 * One list under one lock, and a thread that walks it: a walk touches nothing but memory, so it
 * costs less than keeping the deadlines in order would cost each request, which only stores a
 * number here.
 *
 * An overdue connection is shut down, not closed: its owner reads the end of it and closes it.
 * Under the lock the descriptor cannot have become another connection's.
 */
#include "http_connections.h"

#include "cleanup.h"
#include "clock.h"
#include "thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct http_connections {
    void (*disconnected)(void *context, void *client);
    void *context; /* of it */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the first connection has come, or `ending` */
    TAILQ_HEAD(http_connection_list, http_connection) list;
    _Atomic size_t count;
    bool ending;
    bool started;
    pthread_t thread;
    struct metrics_counter overdue;
};

static uint64_t request_due_us(void)
{
    return clock_now_us() + HTTP_CONNECTIONS_REQUEST_MS * UINT64_C(1000);
}

static void set_deadline(struct http_connection *connection, uint64_t deadline_us)
{
    atomic_store_explicit(&connection->deadline_us, deadline_us, memory_order_relaxed);
}

/* Under the lock. */
static void sweep(struct http_connections *connections)
{
    struct http_connection *connection;
    uint64_t now = clock_now_us();
    for (connection = TAILQ_FIRST(&connections->list); connection;
         connection = TAILQ_NEXT(connection, entry)) {
        if (atomic_load_explicit(&connection->deadline_us, memory_order_relaxed) > now)
            continue;
        set_deadline(connection, UINT64_MAX);
        metrics_count(&connections->overdue);
        shutdown(connection->fd, SHUT_RDWR);
    }
}

static void *look_after_deadlines(void *context)
{
    struct http_connections *connections = context;
    pthread_mutex_lock(&connections->lock);
    while (!connections->ending) {
        if (TAILQ_EMPTY(&connections->list)) {
            pthread_cond_wait(&connections->wake, &connections->lock);
            continue;
        }
        struct timespec until =
            clock_timespec(clock_now_us() + HTTP_CONNECTIONS_SWEEP_MS * UINT64_C(1000));
        pthread_cond_timedwait(&connections->wake, &connections->lock, &until);
        sweep(connections);
    }
    pthread_mutex_unlock(&connections->lock);
    return NULL;
}

struct http_connections *http_connections_new(void (*disconnected)(void *context, void *client),
                                              void *context)
{
    struct http_connections *connections = calloc(1, sizeof *connections);
    if (!connections)
        return NULL;
    connections->disconnected = disconnected;
    connections->context = context;
    pthread_mutex_init(&connections->lock, NULL);
    clock_cond_init(&connections->wake);
    TAILQ_INIT(&connections->list);
    connections->started =
        thread_start(&connections->thread, "http-deadlines", look_after_deadlines, connections);
    if (connections->started)
        return connections;
    http_connections_free(connections);
    return NULL;
}

void http_connections_free(struct http_connections *connections)
{
    if (!connections)
        return;
    if (connections->started) {
        pthread_mutex_lock(&connections->lock);
        connections->ending = true;
        pthread_cond_signal(&connections->wake);
        pthread_mutex_unlock(&connections->lock);
        pthread_join(connections->thread, NULL);
    }
    pthread_cond_destroy(&connections->wake);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

struct http_connection *http_connections_add(struct http_connections *connections, int fd)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->connections = connections;
    connection->fd = fd;
    connection->owners = 1;
    set_deadline(connection, request_due_us());
    LOCKED(&connections->lock);
    if (TAILQ_EMPTY(&connections->list))
        pthread_cond_signal(&connections->wake);
    TAILQ_INSERT_TAIL(&connections->list, connection, entry);
    atomic_fetch_add_explicit(&connections->count, 1, memory_order_relaxed);
    return connection;
}

size_t http_connections_count(const struct http_connections *connections)
{
    return atomic_load_explicit(&connections->count, memory_order_relaxed);
}

uint64_t http_connections_overdue(const struct http_connections *connections)
{
    return metrics_counted(&connections->overdue);
}

void http_connections_refuse(struct http_connection *connection)
{
    LOCKED(&connection->connections->lock);
    shutdown(connection->fd, SHUT_RDWR);
}

void http_connections_shutdown(struct http_connections *connections)
{
    struct http_connection *connection;
    LOCKED(&connections->lock);
    for (connection = TAILQ_FIRST(&connections->list); connection;
         connection = TAILQ_NEXT(connection, entry))
        shutdown(connection->fd, SHUT_RDWR);
}

void http_connections_take(struct http_connection *connection, int fd)
{
    LOCKED(&connection->connections->lock);
    connection->fd = fd;
    connection->owners++;
}

void http_connections_release(struct http_connection *connection)
{
    if (!connection)
        return;
    struct http_connections *connections = connection->connections;
    {
        LOCKED(&connections->lock);
        if (--connection->owners)
            return;
        TAILQ_REMOVE(&connections->list, connection, entry);
        atomic_fetch_sub_explicit(&connections->count, 1, memory_order_relaxed);
    }
    if (connection->client)
        connections->disconnected(connections->context, connection->client);
    free(connection);
}

void http_connections_begin(struct http_connection *connection)
{
    uint64_t due_us = request_due_us();
    if (due_us < atomic_load_explicit(&connection->deadline_us, memory_order_relaxed))
        set_deadline(connection, due_us);
}

void http_connections_whole(struct http_connection *connection)
{
    set_deadline(connection, UINT64_MAX);
}

void http_connections_rest(struct http_connection *connection)
{
    set_deadline(connection, request_due_us() + HTTP_CONNECTIONS_IDLE_S * UINT64_C(1000000));
}
