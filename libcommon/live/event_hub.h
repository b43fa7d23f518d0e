/*
 * The fan-out of one room's events to its subscribers.
 *
 * An event is formatted once, kept in a ring and copied from there into each subscriber's
 * connection; a subscriber is one small struct, without a thread or a queue. One who has nothing to
 * read waits suspended. One who falls out of the ring is dropped and never slows anyone.
 *
 * Not thread-safe: all functions but event_hub_resume are called under one lock, the owner's; what
 * event_hub_take_waiting returned is resumed after that lock is given up.
 */
#ifndef TEMPMESSENGER_EVENT_HUB_H
#define TEMPMESSENGER_EVENT_HUB_H

#include "blob.h"
#include "event_text.h"
#include "http_exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    EVENT_HUB_EVENTS_MAX = 1024,          /* events that a subscriber may be behind */
    EVENT_HUB_BYTES_MAX = 4 * 1024 * 1024 /* and their bytes, unless it is a single event */
};

struct event_hub;

/* One event, ready to be sent. */
struct event {
    struct blob *text;    /* whole server-sent events, each with its empty line */
    struct event_id id;   /* of its message; number 0 where it is none */
    uint64_t deadline_us; /* it is not sent at or after this; UINT64_MAX: always */
};

/* One reader. Owned by its stream; linked into its hub from join to leave. */
struct subscriber {
    struct http_connection *connection;
    char retry[EVENT_TEXT_RETRY_SIZE]; /* what is sent first; empty once it is */
    struct blob *opening;              /* what is sent then; NULL once it is */
    uint64_t position;                 /* of the next event in the ring */
    size_t offset;                     /* bytes already sent of the opening or of that event */
    struct event_id after;             /* messages of its epoch up to its number are passed over */
    struct subscriber *next, *previous;
    struct subscriber *next_waiting;
};

/* NULL when out of memory. */
struct event_hub *event_hub_new(void);

/* No subscriber may be left. Takes NULL. */
void event_hub_free(struct event_hub *hub);

/* Keeps a reference of its own to the text. */
void event_hub_publish(struct event_hub *hub, const struct event *event);

/* Drops every subscriber at its next read: something that cannot be told was left out. */
void event_hub_drop_all(struct event_hub *hub);

/* Whether a subscriber who waits has something to read, or the end. */
bool event_hub_has_news(const struct event_hub *hub);

/* Lets go of the events that every subscriber has read. */
void event_hub_trim(struct event_hub *hub);

/* After this a subscriber who has read all is told the end. */
void event_hub_end(struct event_hub *hub);

/* Joins behind the last event published. The subscriber's retry, opening and after are set. */
void event_hub_join(struct event_hub *hub, struct subscriber *subscriber);

/* Takes a subscriber who never joined too. */
void event_hub_leave(struct event_hub *hub, struct subscriber *subscriber);

/* Whether the subscriber has joined, and has fallen out of the ring since: its next read is the end. */
bool event_hub_fell_behind(const struct event_hub *hub, const struct subscriber *subscriber);

size_t event_hub_subscribers(const struct event_hub *hub);

/* As http_stream_ops.read: copies what there is, or suspends the connection, or says the end.
 * `now_us` is the monotonic time. */
ssize_t event_hub_read(struct event_hub *hub, struct subscriber *subscriber, uint64_t now_us,
                       char *bytes, size_t max);

/* All subscribers who wait, taken off the hub's list; they stay suspended. */
struct subscriber *event_hub_take_waiting(struct event_hub *hub);

/* Resumes a list that event_hub_take_waiting returned; without the lock. Takes NULL. */
void event_hub_resume(struct subscriber *waiting);

#endif
