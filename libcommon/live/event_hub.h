/*
 * The events of one room that its readers have yet to be sent: each is formatted once and kept in a
 * ring, a reader is a position in it.
 *
 * Pure data. Not thread-safe: all functions are called under one lock, the owner's; batches that
 * were handed out may be used without it.
 */
#ifndef TEMPMESSENGER_EVENT_HUB_H
#define TEMPMESSENGER_EVENT_HUB_H

#include "event_batch.h"
#include "event_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVENT_HUB_EVENTS_MAX = 1024,           /* events that a reader may be behind */
    EVENT_HUB_BYTES_MAX = 4 * 1024 * 1024, /* and their bytes, unless it is a single event */
    EVENT_HUB_BATCH_MAX = 128 * 1024,      /* bytes of a batch, unless it is a single event */
};

struct event_hub;

/* One event, ready to be sent. */
struct event {
    const char *text;     /* whole server-sent events, each with its empty line */
    size_t len;           /* of it */
    struct event_id id;   /* of its message; number 0 where it is none */
    uint64_t deadline_us; /* it is not sent at or after this; UINT64_MAX: always */
};

/* Where a reader stands. */
struct event_place {
    uint64_t position;     /* of the next event in the ring */
    struct event_id after; /* messages of its epoch up to its number are passed over */
    bool chunked;          /* each event is to be an HTTP chunk */
};

/* NULL when out of memory. */
struct event_hub *event_hub_new(void);

/* Takes NULL. */
void event_hub_free(struct event_hub *hub);

/* Keeps a copy of the event. Without memory for it every reader falls behind. */
void event_hub_publish(struct event_hub *hub, const struct event *event);

/* Every reader falls behind: something that cannot be told was left out. */
void event_hub_drop_all(struct event_hub *hub);

/* Lets go of all events: every reader has been sent them. */
void event_hub_trim(struct event_hub *hub);

/* Counts as news without an event. */
void event_hub_wake(struct event_hub *hub);

/* Whether there was news since it was last taken: an event, the end, or a wake. */
bool event_hub_take_news(struct event_hub *hub);
bool event_hub_has_news(const struct event_hub *hub);

/* After this a reader who has been sent everything is at the end. */
void event_hub_end(struct event_hub *hub);
bool event_hub_ended(const struct event_hub *hub);

/* The position that the next event gets. */
uint64_t event_hub_head(const struct event_hub *hub);

/* Whether the reader has fallen out of the ring: it cannot be sent everything any more. */
bool event_hub_fell_behind(const struct event_hub *hub, const struct event_place *place);

/*
 * What a reader at `place` is sent at `now_us`, which has not fallen behind; its position moves on.
 * The caller releases the batch. *ret_batch is NULL where there is nothing for it. False when out
 * of memory.
 */
bool event_hub_read(struct event_hub *hub, struct event_place *place, uint64_t now_us,
                    struct event_batch **ret_batch) __attribute__((warn_unused_result));

#endif
