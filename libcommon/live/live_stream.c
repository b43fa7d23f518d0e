/*
 * A reader is sent its opening, then what the hub has from there on, joined under the same lock:
 * nothing is missed or doubled. Both hold only what the source has brought (live_room.c has the
 * reason).
 *
 * Between two reads a stream keeps its place in the hub and nothing else. While its socket is full
 * it keeps what is left of one piece of the opening, or of one event; who falls out of the hub is
 * dropped. So a reader who does not read costs no more than one who does.
 */
#include "live_stream.h"

#include "event_text.h"
#include "http_chunk.h"
#include "live_opening.h"
#include "live_room_private.h"

#include <stdlib.h>
#include <string.h>

static const size_t piece_max = (size_t)8 * 1024 * 1024; /* far above the longest single message */

struct live_stream {
    struct stream stream;
    struct live_room *room; /* a use of it */
    struct event_place place;
    struct event_batch *batch;    /* what is being sent, if it is one */
    struct live_opening *opening; /* what is left of it; NULL: nothing, or not made yet */
    bool is_open;                 /* the opening was made */
    struct live_opening_wish wish;
    void (*closed)(void *client); /* the wish's */
    void *client;
};

static struct live_stream *of(struct stream *stream)
{
    return RING_OWNER(stream, struct live_stream, stream);
}

/* ---- opening, under the room's lock ---- */

static bool make_opening(struct live_stream *stream, uint64_t now_us)
{
    struct live_room *room = stream->room;
    struct live_opening_room view = {
        .name = room->name,
        .board = room->board,
        .list = &room->list,
        .last = room->last,
        .deleted_up_to = room->deleted_up_to,
        .stale = room->stale,
        .now_us = now_us,
        .wall_us = clock_wall_us(room->host->clock),
    };
    stream->opening = live_opening_make(&view, &stream->wish, &stream->place.after);
    stream->place.position = event_hub_head(room->hub);
    stream->is_open = stream->opening != NULL;
    return stream->is_open;
}

/* ---- reading, on the loops' threads ---- */

static void end(struct live_stream *stream)
{
    struct blob *last = stream->place.chunked ? http_chunk_new("", 0) : NULL;
    if (last)
        stream_send(&stream->stream, last, 0);
    stream_end(&stream->stream);
}

/* The next piece of the opening; whether there was one. */
static bool read_opening(struct live_stream *stream, uint64_t now_us)
{
    CLEANUP_FINI(buffer_fini) struct buffer piece;
    buffer_init(&piece, piece_max);
    if (!live_opening_read(stream->opening, now_us, &piece)) {
        live_opening_free(stream->opening);
        stream->opening = NULL;
        return false;
    }
    struct blob *bytes = NULL;
    if (!piece.failed)
        bytes = stream->place.chunked ? http_chunk_new(piece.data, piece.len)
                                      : blob_new(piece.data, piece.len);
    if (bytes)
        stream_send(&stream->stream, bytes, 0);
    else
        stream_end(&stream->stream);
    return true;
}

/* What the hub has for the stream; waits where that is nothing. */
static void read_events(struct live_stream *stream, unsigned loop, uint64_t now_us)
{
    struct event_hub *hub = stream->room->hub;
    bool behind = event_hub_fell_behind(hub, &stream->place);
    if (!behind && !event_hub_read(hub, &stream->place, now_us, &stream->batch))
        stream_end(&stream->stream);
    else if (stream->batch)
        stream_send(&stream->stream, blob_retain(stream->batch->bytes), 0);
    else if (behind || event_hub_ended(hub))
        end(stream);
    else
        stream_wait(&stream->stream, loop);
}

/* Under the room's lock. */
static void read_stream(struct live_stream *stream, unsigned loop, uint64_t now_us)
{
    event_batch_release(stream->batch);
    stream->batch = NULL;
    if (!stream->is_open && stream->room->synced && !make_opening(stream, now_us)) {
        stream_end(&stream->stream);
        return;
    }
    if (!stream->opening || !read_opening(stream, now_us))
        read_events(stream, loop, now_us);
}

static void read_run(struct stream_source *source, unsigned loop, struct ring *run)
{
    struct live_room *room = RING_OWNER(source, struct live_room, source);
    LOCKED(&room->lock);
    /* Under the lock: nothing may end while we wait for it. */
    uint64_t now_us = clock_monotonic_us(room->host->clock);
    struct ring *next;
    for (struct ring *link = run->next; link != run; link = next) {
        next = link->next;
        read_stream(of(RING_OWNER(link, struct stream, place)), loop, now_us);
    }
}

/* Of a batch only the event that was begun is kept; the others are read again when there is
 * room. */
static void hold(struct stream *held)
{
    struct live_stream *stream = of(held);
    if (!stream->batch)
        return;
    struct blob *rest = event_batch_rest(stream->batch, held->sent, &stream->place.position);
    if (!rest)
        stream_end(held);
    stream_send(held, rest, 0);
    event_batch_release(stream->batch);
    stream->batch = NULL;
}

static void free_stream(struct live_stream *stream)
{
    struct live_room *room = stream->room;
    if (stream->client)
        stream->closed(stream->client);
    pthread_mutex_lock(&room->lock);
    /* Here, not where it is read: who takes nothing at all is not read for again. */
    if (event_hub_fell_behind(room->hub, &stream->place))
        metrics_count(&room->host->counts.dropped);
    if (--room->readers == 0)
        event_hub_trim(room->hub);
    pthread_mutex_unlock(&room->lock);
    atomic_fetch_sub_explicit(&room->host->counts.streams, 1, memory_order_relaxed);
    event_batch_release(stream->batch);
    live_opening_free(stream->opening);
    free(stream);
    live_room_release(room);
}

static void free_taken(struct stream *stream)
{
    free_stream(of(stream));
}

const struct stream_source_ops live_stream_ops = {
    .read = read_run, .hold = hold, .free = free_taken};

/* ---- from the server to a loop ---- */

static void take(void *context, struct http_takeover *takeover)
{
    struct live_stream *stream = context;
    stream->place.chunked = takeover->chunked;
    stream_loops_add(stream->room->host->loops, &stream->room->source, &stream->stream, takeover);
}

static void free_untaken(void *context)
{
    free_stream(context);
}

static const struct http_stream_ops stream_ops = {.take = take, .free = free_untaken};

/* ---- for the routes ---- */

/* A place for one more stream, of those there may be. */
static enum error_code take_place(struct live_room_host *host, struct error *err)
{
    if (atomic_load(&host->stopping))
        return error_set(err, ERROR_UNAVAILABLE, "The service is stopping");
    if (atomic_fetch_add(&host->counts.streams, 1) < host->streams_max)
        return ERROR_NONE;
    atomic_fetch_sub(&host->counts.streams, 1);
    metrics_count(&host->counts.refused);
    return error_set(err, ERROR_UNAVAILABLE, "Too many open event streams");
}

/* No stream was opened. */
static void close_client(const struct live_stream_wish *wish)
{
    if (wish->client)
        wish->closed(wish->client);
}

/* The stream, with its opening where the room is synchronised; NULL when out of memory or where the
 * room was. *ret_last is the id of the room's last event; number and tag 0: not known yet. */
static struct live_stream *make_stream(struct live_room *room, const struct live_stream_wish *wish,
                                       struct event_id *ret_last)
{
    struct live_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        atomic_fetch_sub(&room->host->counts.streams, 1);
        close_client(wish);
        return NULL;
    }
    stream->room = room;
    stream->closed = wish->closed;
    stream->client = wish->client;
    stream->wish.newest = wish->newest;
    stream->wish.has_id =
        wish->last_event_id && event_id_parse(wish->last_event_id, &stream->wish.id);
    room->host->retain(room->host, room);
    uint64_t now_us = live_room_enter(room);
    room->readers++;
    stream->place.position = event_hub_head(room->hub);
    bool made = !room->incomplete && (!room->synced || make_opening(stream, now_us));
    *ret_last = room->synced ? room->last : (struct event_id){0};
    live_room_leave(room);
    if (made)
        return stream;
    free_stream(stream);
    return NULL;
}

static void set_last_event_id(struct http_exchange *exchange, struct event_id last)
{
    char text[EVENT_ID_SIZE];
    event_id_format(last, text);
    if (last.number || last.tag)
        http_answer_set_header(exchange, "Last-Event-ID", "%s", text);
}

/* What keeps a proxy from holding the stream back. */
static void set_stream_headers(struct http_exchange *exchange)
{
    http_answer_set_header(exchange, "X-Accel-Buffering", "no");
    http_answer_set_header(exchange, "Cache-Control", "no-store, no-transform");
    http_answer_set_header(exchange, "Content-Encoding", "identity");
    http_answer_set_header(exchange, "Connection", "close");
}

enum error_code live_stream_refuse(struct http_exchange *exchange, bool stopping,
                                   unsigned retry_after_s)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, piece_max);
    if (stopping) {
        event_text_append_retry(&text, clock_now_us());
        buffer_append_string(&text, EVENT_TEXT_STOPPING);
    } else {
        event_text_append_full(&text, retry_after_s);
    }
    if (text.failed)
        return ERROR_INTERNAL;
    set_stream_headers(exchange);
    return http_answer(exchange, 200, HTTP_TYPE_EVENTS, text.data, text.len);
}

enum error_code live_stream_open(struct live_room *room, struct http_exchange *exchange,
                                 const struct live_stream_wish *wish, struct error *err)
{
    set_stream_headers(exchange);
    bool is_head = http_request_is_head(exchange);
    enum error_code code = is_head ? ERROR_NONE : take_place(room->host, err);
    if (is_head || code)
        close_client(wish);
    if (is_head)
        return http_answer(exchange, 200, HTTP_TYPE_EVENTS, NULL, 0);
    if (code)
        return code;
    struct event_id last;
    struct live_stream *stream = make_stream(room, wish, &last);
    if (!stream)
        return error_because(err, ERROR_INTERNAL, "out of memory for a stream");
    set_last_event_id(exchange, last);
    return http_answer_stream(exchange, HTTP_TYPE_EVENTS, &stream_ops, stream);
}
