/*
 * The functions of stream_loops.h are defined here, so that the program does not get
 * the real ones: a stream that has something to read is in the loop's queue, which nobody serves
 * but the test.
 */
#include "server.h"

#include "cleanup.h"
#include "clock.h"
#include "stream_loops.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the loop ---- */

struct stream_loops {
    pthread_mutex_t lock;
    struct ring queue;
};

/* How often the loop was woken, and when last. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
    uint64_t last_us;
} wakes = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

unsigned server_wakes(void)
{
    LOCKED(&wakes.lock);
    return wakes.count;
}

uint64_t server_await_wake(unsigned count)
{
    LOCKED(&wakes.lock);
    while (wakes.count <= count)
        pthread_cond_wait(&wakes.changed, &wakes.lock);
    return wakes.last_us;
}

struct stream_loops *stream_loops_new(unsigned count)
{
    struct stream_loops *loops = calloc(1, sizeof *loops);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_nonnull(loops);
    pthread_mutex_init(&loops->lock, NULL);
    ring_init(&loops->queue);
    return loops;
}

void stream_loops_hasten(struct stream_loops *loops)
{
    (void)loops;
}

void stream_loops_free(struct stream_loops *loops)
{
    if (!loops)
        return;
    ck_assert(ring_empty(&loops->queue));
    pthread_mutex_destroy(&loops->lock);
    free(loops);
}

void stream_loops_add(struct stream_loops *loops, struct stream_source *source,
                      struct stream *stream, struct http_takeover *takeover)
{
    stream->source = source;
    stream->takeover = takeover;
    ring_init(&stream->stalled);
    LOCKED(&loops->lock);
    ring_init(&stream->place);
    ring_append(&loops->queue, &stream->place);
}

unsigned stream_loops_queue(struct stream_loops *loops, struct stream_source *source)
{
    if (ring_empty(&source->waiting[0]))
        return 0;
    LOCKED(&loops->lock);
    ring_move(&loops->queue, &source->waiting[0]);
    return 1;
}

void stream_loops_wake(struct stream_loops *loops, unsigned to_wake)
{
    (void)loops;
    if (!to_wake)
        return;
    LOCKED(&wakes.lock);
    wakes.count++;
    wakes.last_us = clock_monotonic_us(&clock_system);
    pthread_cond_broadcast(&wakes.changed);
}

/* ---- the answers ---- */

void http_answer_set_header(struct http_exchange *exchange, const char *name, const char *format,
                            ...)
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

bool http_request_is_head(const struct http_exchange *exchange)
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
                                   const struct http_stream_ops *ops, void *stream)
{
    ck_assert_str_eq(content_type, HTTP_TYPE_EVENTS);
    if (exchange->fails) {
        ops->free(stream);
        return ERROR_INTERNAL;
    }
    exchange->ops = ops;
    exchange->stream = stream;
    exchange->status = 200;
    return ERROR_NONE;
}
