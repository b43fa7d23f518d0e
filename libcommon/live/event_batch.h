/*
 * Some events in a row, as bytes that all readers at one place are sent. Immutable once it is made,
 * and counted.
 */
#ifndef TEMPMESSENGER_EVENT_BATCH_H
#define TEMPMESSENGER_EVENT_BATCH_H

#include "blob.h"
#include "cleanup.h"
#include "event_id.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What readers at one place are sent, shared by them. */
struct event_batch {
    struct blob *bytes;
    uint64_t from, to;      /* positions: it holds what is between */
    uint64_t soonest_us;    /* the first deadline of an event in it */
    struct event_id lowest; /* of its messages; number 0: it has none */
    _Atomic unsigned references;
    size_t count;
    struct event_batch_part { /* its events, in order */
        uint64_t next;        /* the position behind the event */
        size_t end;           /* of the event in the bytes */
    } parts[];
};

/* An empty one, with room for so many events and bytes, which the caller fills; NULL when out of
 * memory. */
struct event_batch *event_batch_new(size_t count, size_t bytes);

/* One reference more; returns `batch`. Any thread. */
struct event_batch *event_batch_retain(struct event_batch *batch);

/* Takes NULL. Any thread. */
void event_batch_release(struct event_batch *batch);

CLEANUP_DEFINE(struct event_batch, event_batch_release)

/* What is left, from byte `sent` on, of the event in which that byte is, as bytes of their own; the
 * position behind that event. NULL when out of memory. */
struct blob *event_batch_rest(const struct event_batch *batch, size_t sent, uint64_t *ret_position);

#endif
