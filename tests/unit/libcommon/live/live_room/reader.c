/*
 * What a loop does for one stream, in the test's own thread.
 */
#include "reader.h"

#include "live_room_private.h"
#include "live_stream.h"
#include "told.h"

#include <check.h>

static enum error_code subscribe(struct reader *reader, struct live_room *room, const char *id,
                                 size_t newest)
{
    *reader = (struct reader){.room = room};
    buffer_init(&reader->text, (size_t)1 << 30);
    struct http_exchange exchange = {0};
    struct live_stream_wish wish = {.last_event_id = id, .newest = newest};
    enum error_code code = live_stream_open(room, &exchange, &wish, NULL);
    if (code)
        return code;
    exchange.ops->take(exchange.stream, &reader->takeover);
    reader->stream = exchange.stream; /* its first member */
    return ERROR_NONE;
}

enum error_code reader_try_subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    return subscribe(reader, room, id, 0);
}

void reader_subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    ck_assert_int_eq(reader_try_subscribe(reader, room, id), ERROR_NONE);
}

void reader_subscribe_newest(struct reader *reader, struct live_room *room, size_t newest)
{
    ck_assert_int_eq(subscribe(reader, room, NULL, newest), ERROR_NONE);
}

/* Takes the stream out of whatever ring it is in. */
static void take_out(struct reader *reader)
{
    pthread_mutex_lock(&reader->room->lock);
    ring_remove(&reader->stream->place);
    pthread_mutex_unlock(&reader->room->lock);
}

static void close_stream(struct reader *reader)
{
    take_out(reader);
    blob_release(reader->stream->output);
    live_stream_ops.free(reader->stream);
    reader->stream = NULL;
}

void reader_leave(struct reader *reader)
{
    if (reader->stream)
        close_stream(reader);
    buffer_fini(&reader->text);
}

/* Whether the stream waits for news. */
static bool waits(const struct reader *reader)
{
    struct ring *waiting = &reader->room->source.waiting[0];
    bool found = false;
    pthread_mutex_lock(&reader->room->lock);
    for (struct ring *link = waiting->next; link != waiting && !found; link = link->next)
        found = link == &reader->stream->place;
    pthread_mutex_unlock(&reader->room->lock);
    return found;
}

bool reader_readable(const struct reader *reader)
{
    return !waits(reader);
}

static void read_next(struct reader *reader)
{
    struct ring run;
    ring_init(&run);
    take_out(reader);
    ring_append(&run, &reader->stream->place);
    live_stream_ops.read(&reader->room->source, 0, &run);
    ring_take_first(&run);
}

bool reader_read_once(struct reader *reader, size_t max)
{
    struct stream *stream = reader->stream;
    if (!stream->output && !waits(reader))
        read_next(reader);
    if (!stream->output && !stream->ending)
        return false;
    size_t left = stream->output ? stream->output->len - stream->sent : 0;
    size_t len = left < max ? left : max;
    if (len)
        buffer_append(&reader->text, stream->output->data + stream->sent, len);
    stream->sent += len;
    if (len < left) {
        live_stream_ops.hold(stream);
        return true;
    }
    blob_release(stream->output);
    stream->output = NULL;
    if (stream->ending) {
        reader->ended = true;
        close_stream(reader);
    }
    return len > 0;
}

void reader_pump(struct reader *reader)
{
    while (reader->stream && reader_read_once(reader, SIZE_MAX))
        continue;
}

void reader_expect_told(struct reader *reader, const char *expected)
{
    struct buffer summary;
    struct told told;
    size_t len;
    reader_pump(reader);
    buffer_init(&summary, (size_t)1 << 30);
    buffer_append_string(&summary, "");
    while ((len = told_next(reader->text.data, &told))) {
        told_append(&summary, &told);
        told_drop(&reader->text, len);
    }
    ck_assert_uint_eq(reader->text.len, 0);
    ck_assert_str_eq(summary.data, expected);
    buffer_fini(&summary);
}

void reader_expect_ended(struct reader *reader)
{
    reader_pump(reader);
    ck_assert(reader->ended);
}
