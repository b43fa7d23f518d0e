/*
 * The threads that write event streams: each has an epoll set of its own and owns the sockets of
 * the streams that were given to it. What a stream is, and which thread may touch it when, is in
 * stream.h.
 *
 * While a loop sends, more gathers at the sources: the next read takes all of it in one piece, so
 * the busier a room is the fewer writes an event costs. Nothing waits to make that so.
 */
#ifndef TEMPMESSENGER_STREAM_LOOPS_H
#define TEMPMESSENGER_STREAM_LOOPS_H

#include "stream.h"

enum {
    /* So many streams of a source go to one loop, one after the other, then as many to the next: an
     * event for a few readers wakes one thread, and many readers are spread all the same. */
    STREAM_LOOPS_TOGETHER = 16,
    /* A reader who takes nothing of what it is sent for so long is cut off. */
    STREAM_STALL_MAX_MS = 30 * 1000,
    /* The same once the streams are to end. */
    STREAM_STALL_STOPPING_MS = 1000,
};

struct stream_loops;

/* Starts `count` loops, at most STREAM_LOOPS_MAX. NULL when out of memory or of descriptors. */
struct stream_loops *stream_loops_new(unsigned count);

/* Streams end soon now: who does not take the end is not waited for. Any thread. */
void stream_loops_hasten(struct stream_loops *loops);

/* No stream may be left. Takes NULL. */
void stream_loops_free(struct stream_loops *loops);

/* Gives a stream, zeroed but for what is the source's own, to a loop, which reads for it at once.
 * Where that is not possible the stream is closed and freed. Without the source's lock. */
void stream_loops_add(struct stream_loops *loops, struct stream_source *source,
                      struct stream *stream, struct http_takeover *takeover);

/* There is something to read for all who wait: queues them. Under the source's lock; the loops to
 * wake are returned, to be woken without it. */
unsigned stream_loops_queue(struct stream_loops *loops, struct stream_source *source);
void stream_loops_wake(struct stream_loops *loops, unsigned to_wake);

#endif
