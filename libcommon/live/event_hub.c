/*
 * A ring of events with a position that only grows, and the batch that was made last: those who
 * read next from the same place, on whatever thread, are sent the same bytes.
 *
 * An event is kept with the head and the end of an HTTP chunk around it, so that a batch is a row
 * of chunks and can be left off between any two.
 */
#include "event_hub.h"

#include "http_chunk.h"

#include <stdlib.h>
#include <string.h>

enum { RING_MIN_CAPACITY = 16 };

/* An event as it is kept. */
struct kept {
    struct blob *chunk;
    size_t text_at; /* in it */
    size_t text_len;
    struct event_id id;
    uint64_t deadline_us;
};

struct event_hub {
    struct kept *ring;
    size_t capacity; /* of the ring: a power of two, EVENT_HUB_EVENTS_MAX at most */
    uint64_t tail;   /* position of the oldest event kept */
    uint64_t head;   /* position that the next event gets */
    size_t bytes;    /* of the events kept */
    bool ended;
    bool news;
    struct event_batch *last; /* batch that was made; NULL: none */
};

/* ---- the ring ---- */

struct event_hub *event_hub_new(void)
{
    return calloc(1, sizeof(struct event_hub));
}

static struct kept *event_at(const struct event_hub *hub, uint64_t position)
{
    return &hub->ring[position & (hub->capacity - 1)];
}

static void forget_batch(struct event_hub *hub)
{
    event_batch_release(hub->last);
    hub->last = NULL;
}

static void drop_oldest(struct event_hub *hub)
{
    struct kept *oldest = event_at(hub, hub->tail++);
    hub->bytes -= oldest->chunk->len;
    blob_release(oldest->chunk);
    *oldest = (struct kept){0};
}

void event_hub_trim(struct event_hub *hub)
{
    forget_batch(hub);
    while (hub->tail < hub->head)
        drop_oldest(hub);
}

void event_hub_free(struct event_hub *hub)
{
    if (!hub)
        return;
    event_hub_trim(hub);
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
    struct kept *ring = calloc(capacity, sizeof *ring);
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
    if (hub->ended)
        return;
    grow(hub);
    struct blob *chunk = hub->capacity ? http_chunk_new(event->text, event->len) : NULL;
    if (!chunk) {
        event_hub_drop_all(hub);
        return;
    }
    hub->news = true;
    while (hub->tail < hub->head && (hub->head - hub->tail == hub->capacity ||
                                     hub->bytes + chunk->len > EVENT_HUB_BYTES_MAX))
        drop_oldest(hub);
    *event_at(hub, hub->head++) = (struct kept){
        .chunk = chunk,
        .text_at = chunk->len - event->len - HTTP_CHUNK_END_LEN,
        .text_len = event->len,
        .id = event->id,
        .deadline_us = event->deadline_us,
    };
    hub->bytes += chunk->len;
}

void event_hub_drop_all(struct event_hub *hub)
{
    event_hub_trim(hub);
    hub->tail = ++hub->head;
    hub->news = true;
}

bool event_hub_take_news(struct event_hub *hub)
{
    bool news = hub->news;
    hub->news = false;
    return news;
}

bool event_hub_has_news(const struct event_hub *hub)
{
    return hub->news;
}

void event_hub_wake(struct event_hub *hub)
{
    hub->news = true;
}

void event_hub_end(struct event_hub *hub)
{
    hub->ended = true;
    hub->news = true;
}

bool event_hub_ended(const struct event_hub *hub)
{
    return hub->ended;
}

uint64_t event_hub_head(const struct event_hub *hub)
{
    return hub->head;
}

bool event_hub_fell_behind(const struct event_hub *hub, const struct event_place *place)
{
    return place->position < hub->tail;
}

/* ---- batches ---- */

/* Whether a reader there has had this message before. */
static bool had(const struct event_place *place, struct event_id id)
{
    return id.number && id.tag == place->after.tag && id.number <= place->after.number;
}

/* Whether the event is not for a reader there: it had it before, or the event's time is up. */
static bool passes_over(const struct event_place *place, const struct kept *event, uint64_t now_us)
{
    return had(place, event->id) || event->deadline_us <= now_us;
}

/* Whether a reader there is sent just what the batch holds. */
static bool suits(const struct event_batch *batch, const struct event_place *place, uint64_t now_us)
{
    return place->chunked && batch->from == place->position && !had(place, batch->lowest) &&
           now_us < batch->soonest_us;
}

static size_t bytes_of(const struct kept *event, bool chunked)
{
    return chunked ? event->chunk->len : event->text_len;
}

/* How far a batch from there goes, how many events and bytes it has. */
static uint64_t measure(const struct event_hub *hub, const struct event_place *place,
                        uint64_t now_us, size_t *ret_count, size_t *ret_bytes)
{
    uint64_t position = place->position;
    *ret_count = *ret_bytes = 0;
    for (; position < hub->head; position++) {
        const struct kept *event = event_at(hub, position);
        if (passes_over(place, event, now_us))
            continue;
        size_t len = bytes_of(event, place->chunked);
        if (*ret_count && *ret_bytes + len > EVENT_HUB_BATCH_MAX)
            break;
        *ret_bytes += len;
        ++*ret_count;
    }
    return position;
}

static void add_event(struct event_batch *batch, const struct kept *event, uint64_t position,
                      bool chunked)
{
    size_t at = batch->count ? batch->parts[batch->count - 1].end : 0;
    size_t len = bytes_of(event, chunked);
    memcpy(batch->bytes->data + at, event->chunk->data + (chunked ? 0 : event->text_at), len);
    batch->parts[batch->count++] = (struct event_batch_part){.next = position + 1, .end = at + len};
    if (event->deadline_us < batch->soonest_us)
        batch->soonest_us = event->deadline_us;
    if (event->id.number && (!batch->lowest.number || event->id.number < batch->lowest.number))
        batch->lowest = event->id;
}

/* Whether the batch is for everyone who reads from there: it leaves out nothing that only some have
 * had before. */
static bool is_for_all(const struct event_hub *hub, const struct event_place *place, uint64_t to)
{
    if (!place->chunked)
        return false;
    for (uint64_t position = place->position; position < to; position++)
        if (had(place, event_at(hub, position)->id))
            return false;
    return true;
}

/* Makes the batch from there to `to`; NULL when out of memory. */
static struct event_batch *make_batch(const struct event_hub *hub, const struct event_place *place,
                                      uint64_t to, size_t count, size_t bytes, uint64_t now_us)
{
    struct event_batch *batch = event_batch_new(count, bytes);
    if (!batch)
        return NULL;
    batch->from = place->position;
    batch->to = to;
    for (uint64_t position = place->position; position < to; position++) {
        const struct kept *event = event_at(hub, position);
        if (!passes_over(place, event, now_us))
            add_event(batch, event, position, place->chunked);
    }
    return batch;
}

bool event_hub_read(struct event_hub *hub, struct event_place *place, uint64_t now_us,
                    struct event_batch **ret_batch)
{
    *ret_batch = NULL;
    if (hub->last && suits(hub->last, place, now_us)) {
        place->position = hub->last->to;
        *ret_batch = event_batch_retain(hub->last);
        return true;
    }
    size_t count, bytes;
    uint64_t to = measure(hub, place, now_us, &count, &bytes);
    if (count) {
        struct event_batch *batch = make_batch(hub, place, to, count, bytes, now_us);
        if (!batch)
            return false;
        if (is_for_all(hub, place, to)) {
            forget_batch(hub);
            hub->last = event_batch_retain(batch);
        }
        *ret_batch = batch;
    }
    place->position = to;
    return true;
}
