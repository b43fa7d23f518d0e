/*
 * A room's event stream to one reader: how it opens, and its way through the room's hub.
 *
 * A reader who names the last event it has, of this room and epoch, is sent the rest; anyone else is
 * sent a snapshot. Both hold only what the source has brought (live_room.c has the reason), and the
 * stream goes on behind it in the hub, joined under the same lock: nothing is missed or doubled.
 */
#include "event_text.h"
#include "live_room_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* How far an id may be ahead of us: other replicas may know more, and have other clocks. */
    AHEAD_MAX_US = 60 * 1000 * 1000,
};

/* What a stream owns. */
struct live_stream {
    struct subscriber subscriber;
    struct live_room *room; /* a use of it */
};

/* ---- reading, on the server's threads ---- */

static ssize_t read_stream(void *context, char *bytes, size_t max)
{
    struct live_stream *stream = context;
    struct live_room *room = stream->room;
    LOCKED(&room->lock);
    /* Under the lock: nothing may end while we wait for it. */
    uint64_t now_us = clock_monotonic_us(live_rooms_config(room->rooms)->clock);
    return event_hub_read(room->hub, &stream->subscriber, now_us, bytes, max);
}

static void free_stream(void *context)
{
    struct live_stream *stream = context;
    struct live_room *room = stream->room;
    pthread_mutex_lock(&room->lock);
    /* Here, not where the read says the end: who takes nothing at all is never read for again. */
    if (event_hub_fell_behind(room->hub, &stream->subscriber))
        metrics_count(&live_rooms_counts(room->rooms)->dropped);
    event_hub_leave(room->hub, &stream->subscriber);
    pthread_mutex_unlock(&room->lock);
    blob_release(stream->subscriber.opening);
    free(stream);
    live_rooms_remove_subscriber(room->rooms);
    live_room_release(room);
}

static const struct http_stream_ops stream_ops = {.read = read_stream, .free = free_stream};

/* ---- opening, under the room's lock ---- */

static bool same_id(struct event_id a, struct event_id b)
{
    return a.number == b.number && a.tag == b.tag;
}

/* Whether we can tell what came after `id`. */
static bool can_resume(const struct live_room *room, struct event_id id)
{
    if (same_id(id, event_id_nothing(room->name)))
        return true;
    if (id.tag != room->last.tag || id.number == 0 || id.number <= room->deleted_up_to)
        return false;
    uint64_t wall_us = clock_wall_us(live_rooms_config(room->rooms)->clock);
    return id.number <= room->last.number || id.number <= wall_us + AHEAD_MAX_US;
}

/* The messages with numbers above `number`, in their order; the caller frees the array. */
static struct message **messages_after(const struct live_room *room, uint64_t number,
                                       size_t *ret_count)
{
    size_t count = 0;
    struct message **messages = calloc(board_count(room->board) + 1, sizeof(struct message *));
    for (size_t i = 0; messages && i < board_count(room->board); i++)
        if (board_at(room->board, i)->number > number)
            messages[count++] = board_at(room->board, i);
    if (messages)
        qsort(messages, count, sizeof(struct message *), message_compare_numbers);
    *ret_count = count;
    return messages;
}

static struct blob *resumed_opening(const struct live_room *room, struct event_id id,
                                    uint64_t now_us)
{
    size_t count;
    struct message **messages = messages_after(room, id.number, &count);
    if (!messages)
        return NULL;
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, (size_t)1 << 34);
    event_text_append_resumed(&text, count);
    for (size_t i = 0; i < count; i++)
        event_text_append_message(
            &text, (struct event_id){.number = messages[i]->number, .tag = room->last.tag},
            messages[i], now_us);
    free(messages);
    return event_text_blob(&text);
}

/* Made once for all who come within the same millisecond and find the same. */
static struct blob *snapshot_opening(struct live_room *room, uint64_t now_us)
{
    CLEANUP(blob_release)
    struct blob *list = board_list_get_numbered(&room->list, room->board, now_us);
    if (!list)
        return NULL;
    if (!room->snapshot || room->snapshot_list != list || !same_id(room->snapshot_id, room->last)) {
        struct blob *snapshot = event_text_snapshot(room->last, list);
        if (!snapshot)
            return NULL;
        blob_release(room->snapshot);
        blob_release(room->snapshot_list);
        room->snapshot = snapshot;
        room->snapshot_list = blob_retain(list);
        room->snapshot_id = room->last;
    }
    return blob_retain(room->snapshot);
}

/* Opens the stream where the reader left off, or anew, and joins it to the hub. */
static bool join(struct live_stream *stream, const char *last_event_id, uint64_t now_us)
{
    struct live_room *room = stream->room;
    struct subscriber *subscriber = &stream->subscriber;
    struct event_id id;
    if (room->incomplete)
        return false;
    if (last_event_id && event_id_parse(last_event_id, &id) && can_resume(room, id)) {
        subscriber->opening = resumed_opening(room, id, now_us);
        subscriber->after = id.number > room->last.number ? id : room->last;
    } else {
        subscriber->opening = snapshot_opening(room, now_us);
        subscriber->after = room->last;
    }
    if (!subscriber->opening)
        return false;
    event_text_retry(now_us * 2654435761u >> 7, subscriber->retry);
    event_hub_join(room->hub, subscriber);
    return true;
}

/* ---- for the routes ---- */

/* The stream, joined, or NULL when out of memory or where the room was; then the place is given back. */
static struct live_stream *open_stream(struct live_room *room, const char *last_event_id,
                                       struct event_id *ret_last)
{
    struct live_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        live_rooms_remove_subscriber(room->rooms);
        return NULL;
    }
    stream->room = room;
    live_rooms_retain(room->rooms, room);
    uint64_t now_us = live_room_enter(room);
    bool joined = join(stream, last_event_id, now_us);
    *ret_last = room->last;
    live_room_leave(room);
    if (joined)
        return stream;
    free_stream(stream);
    return NULL;
}

enum error_code live_room_subscribe(struct live_room *room, struct http_exchange *exchange,
                                    const char *last_event_id, struct error *err)
{
    http_set_header(exchange, "X-Accel-Buffering", "no");
    if (http_is_head(exchange))
        return http_answer(exchange, 200, HTTP_TYPE_EVENTS, NULL, 0);
    if (!live_rooms_add_subscriber(room->rooms, err))
        return ERROR_UNAVAILABLE;
    struct event_id last;
    struct live_stream *stream = open_stream(room, last_event_id, &last);
    if (!stream)
        return error_because(err, ERROR_INTERNAL, "out of memory for a stream");
    char last_text[EVENT_ID_SIZE];
    event_id_format(last, last_text);
    http_set_header(exchange, "Last-Event-ID", "%s", last_text);
    return http_answer_stream(exchange, HTTP_TYPE_EVENTS, &stream_ops, stream,
                              &stream->subscriber.connection);
}
