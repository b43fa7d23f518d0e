/*
 * A ring of events with a position that only grows, and two lists of subscribers: all, and those who
 * wait suspended.
 *
 * A subscriber on a list that event_hub_take_waiting gave away is still suspended, and only the one
 * who resumes it can make libmicrohttpd touch it again: so the list can be walked without a lock,
 * as long as each one's `next_waiting` is read before it is resumed.
 */
#include "event_hub.h"

#include <stdlib.h>
#include <string.h>

enum { RING_MIN_CAPACITY = 16 };

struct event_hub {
    struct event *ring;
    size_t capacity; /* of the ring: a power of two, EVENT_HUB_EVENTS_MAX at most */
    uint64_t tail;   /* position of the oldest event kept */
    uint64_t head;   /* position that the next event gets */
    size_t bytes;    /* of the events kept */
    bool ended;
    bool news; /* something was published, or the end said, since those who wait were taken */
    struct subscriber *first; /* all */
    size_t count;
    struct subscriber *waiting;
};

struct event_hub *event_hub_new(void)
{
    return calloc(1, sizeof(struct event_hub));
}

static struct event *event_at(struct event_hub *hub, uint64_t position)
{
    return &hub->ring[position & (hub->capacity - 1)];
}

static void drop_oldest(struct event_hub *hub)
{
    struct event *oldest = event_at(hub, hub->tail++);
    hub->bytes -= oldest->text->len;
    blob_release(oldest->text);
    *oldest = (struct event){0};
}

void event_hub_free(struct event_hub *hub)
{
    if (!hub)
        return;
    while (hub->tail < hub->head)
        drop_oldest(hub);
    free(hub->ring);
    free(hub);
}

/* Doubles a ring that is full and may grow. Where there is no memory the ring stays as it is, and
 * its oldest event makes room. */
static void grow(struct event_hub *hub)
{
    if (hub->head - hub->tail < hub->capacity || hub->capacity == EVENT_HUB_EVENTS_MAX)
        return;
    size_t capacity = hub->capacity ? hub->capacity * 2 : RING_MIN_CAPACITY;
    struct event *ring = calloc(capacity, sizeof *ring);
    if (!ring)
        return;
    for (uint64_t position = hub->tail; position < hub->head; position++)
        ring[position & (capacity - 1)] = *event_at(hub, position);
    free(hub->ring);
    hub->ring = ring;
    hub->capacity = capacity;
}

void event_hub_publish(struct event_hub *hub, const struct event *event)
{
    if (!hub->first || hub->ended)
        return;
    grow(hub);
    if (!hub->capacity) {
        event_hub_drop_all(hub);
        return;
    }
    hub->news = true;
    while (hub->tail < hub->head && (hub->head - hub->tail == hub->capacity ||
                                     hub->bytes + event->text->len > EVENT_HUB_BYTES_MAX))
        drop_oldest(hub);
    struct event *place = event_at(hub, hub->head++);
    *place = *event;
    blob_retain(place->text);
    hub->bytes += place->text->len;
}

void event_hub_drop_all(struct event_hub *hub)
{
    while (hub->tail < hub->head)
        drop_oldest(hub);
    hub->tail = ++hub->head;
    hub->news = true;
}

bool event_hub_has_news(const struct event_hub *hub)
{
    return hub->news;
}

void event_hub_trim(struct event_hub *hub)
{
    uint64_t oldest_wanted = hub->head;
    for (const struct subscriber *s = hub->first; s; s = s->next)
        if (s->position < oldest_wanted)
            oldest_wanted = s->position;
    while (hub->tail < oldest_wanted)
        drop_oldest(hub);
}

void event_hub_end(struct event_hub *hub)
{
    hub->ended = true;
    hub->news = true;
}

void event_hub_join(struct event_hub *hub, struct subscriber *subscriber)
{
    subscriber->position = hub->head;
    subscriber->previous = NULL;
    subscriber->next = hub->first;
    if (hub->first)
        hub->first->previous = subscriber;
    hub->first = subscriber;
    hub->count++;
}

static bool is_joined(const struct event_hub *hub, const struct subscriber *subscriber)
{
    return subscriber->previous || hub->first == subscriber;
}

void event_hub_leave(struct event_hub *hub, struct subscriber *subscriber)
{
    if (!is_joined(hub, subscriber))
        return;
    if (subscriber->previous)
        subscriber->previous->next = subscriber->next;
    else
        hub->first = subscriber->next;
    if (subscriber->next)
        subscriber->next->previous = subscriber->previous;
    hub->count--;
}

bool event_hub_fell_behind(const struct event_hub *hub, const struct subscriber *subscriber)
{
    return is_joined(hub, subscriber) && subscriber->position < hub->tail;
}

size_t event_hub_subscribers(const struct event_hub *hub)
{
    return hub->count;
}

static size_t copy(const struct blob *text, size_t *offset, char *bytes, size_t max)
{
    size_t left = text->len - *offset;
    size_t len = left < max ? left : max;
    memcpy(bytes, text->data + *offset, len);
    *offset += len;
    return len;
}

static size_t copy_retry(struct subscriber *subscriber, char *bytes, size_t max)
{
    size_t left = strlen(subscriber->retry);
    size_t len = left < max ? left : max;
    memcpy(bytes, subscriber->retry, len);
    memmove(subscriber->retry, subscriber->retry + len, left - len + 1);
    return len;
}

static size_t copy_opening(struct subscriber *subscriber, char *bytes, size_t max)
{
    size_t len = copy_retry(subscriber, bytes, max);
    if (!subscriber->opening)
        return len;
    len += copy(subscriber->opening, &subscriber->offset, bytes + len, max - len);
    if (subscriber->offset == subscriber->opening->len) {
        blob_release(subscriber->opening);
        subscriber->opening = NULL;
        subscriber->offset = 0;
    }
    return len;
}

/* Whether the event is not for this subscriber, who has sent nothing of it yet: because the reader
 * had it before, or because its time is up. */
static bool passes_over(const struct subscriber *subscriber, const struct event *event,
                        uint64_t now_us)
{
    if (subscriber->offset)
        return false;
    bool had = event->id.number && event->id.tag == subscriber->after.tag &&
               event->id.number <= subscriber->after.number;
    return had || event->deadline_us <= now_us;
}

/* Copies from the ring what fits; the subscriber has not fallen out of it. */
static size_t copy_events(struct event_hub *hub, struct subscriber *subscriber, uint64_t now_us,
                          char *bytes, size_t max)
{
    size_t len = 0;
    while (len < max && subscriber->position < hub->head) {
        const struct event *event = event_at(hub, subscriber->position);
        if (!passes_over(subscriber, event, now_us)) {
            len += copy(event->text, &subscriber->offset, bytes + len, max - len);
            if (subscriber->offset < event->text->len)
                break;
        }
        subscriber->position++;
        subscriber->offset = 0;
    }
    return len;
}

ssize_t event_hub_read(struct event_hub *hub, struct subscriber *subscriber, uint64_t now_us,
                       char *bytes, size_t max)
{
    size_t len = copy_opening(subscriber, bytes, max);
    if (!subscriber->opening) {
        if (event_hub_fell_behind(hub, subscriber))
            return len ? (ssize_t)len : HTTP_STREAM_END;
        len += copy_events(hub, subscriber, now_us, bytes + len, max - len);
    }
    if (len)
        return (ssize_t)len;
    if (hub->ended)
        return HTTP_STREAM_END;
    subscriber->next_waiting = hub->waiting;
    hub->waiting = subscriber;
    http_stream_suspend(subscriber->connection);
    return HTTP_STREAM_LATER;
}

struct subscriber *event_hub_take_waiting(struct event_hub *hub)
{
    struct subscriber *waiting = hub->waiting;
    hub->waiting = NULL;
    hub->news = false;
    return waiting;
}

void event_hub_resume(struct subscriber *waiting)
{
    while (waiting) {
        struct subscriber *next = waiting->next_waiting;
        http_stream_resume(waiting->connection);
        waiting = next;
    }
}
