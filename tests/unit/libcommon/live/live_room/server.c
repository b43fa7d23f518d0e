/*
 * Suspending and resuming are recorded, under the lock of the connection's thread, and take effect
 * as in the real server: when that thread looks.
 */
#include "server.h"

#include "cleanup.h"
#include "clock.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct server_thread server_only_thread = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                           .wake = PTHREAD_COND_INITIALIZER};

void http_stream_suspend(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    ck_assert(!connection->suspended);
    ck_assert(!connection->resuming);
    connection->suspended = true;
}

void http_stream_resume(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    ck_assert(connection->suspended);
    ck_assert(!connection->resuming);
    connection->resuming = true;
    connection->thread->resumed = true;
    connection->thread->resumed_us = clock_monotonic_us(&clock_system);
    pthread_cond_signal(&connection->thread->wake);
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *format, ...)
{
    char value[64];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (strcmp(name, "Last-Event-ID") == 0)
        memcpy(exchange->last_event_id, value, sizeof value);
    if (strcmp(name, "X-Accel-Buffering") == 0)
        exchange->unbuffered = strcmp(value, "no") == 0;
}

bool http_is_head(const struct http_exchange *exchange)
{
    return exchange->head;
}

enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len)
{
    ck_assert_str_eq(content_type, HTTP_TYPE_EVENTS);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(len, 0);
    exchange->status = status;
    return ERROR_NONE;
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream,
                                   struct http_connection **ret_connection)
{
    ck_assert_str_eq(content_type, HTTP_TYPE_EVENTS);
    if (exchange->fails) {
        ops->free(stream);
        return ERROR_INTERNAL;
    }
    *ret_connection = exchange->connection;
    exchange->ops = ops;
    exchange->stream = stream;
    exchange->status = 200;
    return ERROR_NONE;
}

bool server_readable(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    if (connection->resuming)
        connection->suspended = connection->resuming = false;
    return !connection->suspended;
}
