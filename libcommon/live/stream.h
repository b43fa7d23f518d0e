/*
 * An event stream to one reader, as the loops that write it (stream_loops.h) and the source that it
 * is read from see it. A loop knows nothing of rooms.
 *
 * A stream is in one ring at a time, and that is what keeps threads apart:
 *
 * - *waiting*: in its source's ring for its loop, under the source's lock;
 * - *queued*: in its loop's queue, under the loop's lock, which is taken after the source's;
 * - in the hands of its loop's thread, which alone reads for it, sends, ends and frees it.
 */
#ifndef TEMPMESSENGER_STREAM_H
#define TEMPMESSENGER_STREAM_H

#include "blob.h"
#include "http_takeover.h"
#include "ring.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_LOOPS_MAX = 4 };

struct stream;
struct stream_loop;
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
    _Atomic unsigned streams;              /* that it has ever had */
    _Atomic unsigned loop;                 /* for the next of them */
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

void stream_source_init(struct stream_source *source, const struct stream_source_ops *ops,
                        pthread_mutex_t *lock);

/* From within `read` or `hold`: what the stream sends next, from byte `from` on. Takes the
 * reference. */
void stream_send(struct stream *stream, struct blob *output, size_t from);

/* From within `read`: the stream ends, after what it sends. */
void stream_end(struct stream *stream);

/* From within `read`: the stream, which is in `run`, waits. Under the source's lock. */
void stream_wait(struct stream *stream, unsigned loop);

#endif
