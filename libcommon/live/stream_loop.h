/*
 * The threads that write event streams: each has an epoll set of its own and owns the sockets of the
 * streams that were given to it.
 *
 * A loop knows nothing of rooms. A stream belongs to a *source*, which has a lock; what the stream
 * sends next is read from there. A stream is in one ring at a time, and that is what keeps threads
 * apart:
 *
 * - *waiting*: in its source's ring for its loop, under the source's lock;
 * - *queued*: in its loop's queue, under the loop's lock, which is taken after the source's;
 * - in the hands of its loop's thread, which alone reads for it, sends, ends and frees it.
 *
 * While a loop sends, more gathers at the sources: the next read takes all of it in one piece, so
 * the busier a room is the fewer writes an event costs. Nothing waits to make that so.
 */
#ifndef TEMPMESSENGER_STREAM_LOOP_H
#define TEMPMESSENGER_STREAM_LOOP_H

#include "blob.h"
#include "http_takeover.h"
#include "ring.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_LOOPS_MAX = 4,
    /* A reader who takes nothing of what it is sent for so long is cut off. */
    STREAM_STALL_MAX_MS = 30 * 1000,
    /* The same once the streams are to end. */
    STREAM_STALL_STOPPING_MS = 1000,
};

struct stream;
struct stream_loop;
struct stream_loops;
struct stream_source;

struct stream_source_ops {
    /*
     * For each stream in `run`: sets what it sends next (stream_send), ends it (stream_end), or
     * puts it into source->waiting[loop], where there is nothing to send, under the source's lock.
     * Streams that are not put there stay in `run`. On the loop's thread.
     */
    void (*read)(struct stream_source *source, unsigned loop, struct ring *run);
    /* The socket takes no more for now. Of what the stream has not sent yet the source may keep
     * less than it was given (stream_send). On the loop's thread. */
    void (*hold)(struct stream *stream);
    /* The stream is in no ring, and its connection is closed: frees it. On the loop's thread. */
    void (*free)(struct stream *stream);
};

struct stream_source {
    const struct stream_source_ops *ops;
    pthread_mutex_t *lock;
    struct ring waiting[STREAM_LOOPS_MAX]; /* under the lock */
};

/* One reader's stream, a member of what the source has for each. */
struct stream {
    struct ring place;
    struct stream_source *source;
    struct http_takeover *takeover;
    struct stream_loop *loop;
    struct blob *output; /* what is being sent; NULL: nothing */
    size_t sent;         /* of it */
    struct ring stalled; /* among those whose socket takes no more */
    uint64_t stalled_us; /* when it last took something */
    bool ending;         /* it ends when the output is sent */
};

/* Starts `count` loops, at most STREAM_LOOPS_MAX. NULL when out of memory or of descriptors. */
struct stream_loops *stream_loops_new(unsigned count);

/* Streams end soon now: who does not take the end is not waited for. Any thread. */
void stream_loops_hasten(struct stream_loops *loops);

/* No stream may be left. Takes NULL. */
void stream_loops_free(struct stream_loops *loops);

void stream_source_init(struct stream_source *source, const struct stream_source_ops *ops,
                        pthread_mutex_t *lock);

/* Gives a stream, zeroed but for what is the source's own, to a loop, which reads for it at once.
 * Where that is not possible the stream is closed and freed. Without the source's lock. */
void stream_loops_add(struct stream_loops *loops, struct stream_source *source,
                      struct stream *stream, struct http_takeover *takeover);

/* There is something to read for all who wait: queues them. Under the source's lock; the loops to
 * wake are returned, to be woken without it. */
unsigned stream_loops_queue(struct stream_loops *loops, struct stream_source *source);
void stream_loops_wake(struct stream_loops *loops, unsigned to_wake);

/* From within `read` or `hold`: what the stream sends next, from byte `from` on. Takes the
 * reference. */
void stream_send(struct stream *stream, struct blob *output, size_t from);

/* From within `read`: the stream ends, after what it sends. */
void stream_end(struct stream *stream);

/* From within `read`: the stream, which is in `run`, waits. Under the source's lock. */
void stream_wait(struct stream *stream, unsigned loop);

#endif
