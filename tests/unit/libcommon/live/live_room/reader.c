/*
 * What the server does for one connection, in the test's own thread.
 */
#include "reader.h"

#include "live_room_internal.h"
#include "told.h"

#include <check.h>

enum error_code reader_try_subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    *reader = (struct reader){.room = room, .connection = {.thread = &server_only_thread}};
    buffer_init(&reader->text, (size_t)1 << 30);
    struct http_exchange exchange = {.connection = &reader->connection};
    enum error_code code = live_room_subscribe(room, &exchange, id, NULL);
    reader->ops = exchange.ops;
    reader->stream = exchange.stream;
    return code;
}

void reader_subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    ck_assert_int_eq(reader_try_subscribe(reader, room, id), ERROR_NONE);
}

/* Resumes who waits in the room, as a keep-alive comment does. */
static void resume_all(struct live_room *room)
{
    pthread_mutex_lock(&room->lock);
    struct subscriber *waiting = event_hub_take_waiting(room->hub);
    pthread_mutex_unlock(&room->lock);
    event_hub_resume(waiting);
}

void reader_leave(struct reader *reader)
{
    if (reader->ops && !server_readable(&reader->connection))
        resume_all(reader->room);
    if (reader->ops)
        reader->ops->free(reader->stream);
    reader->ops = NULL;
    buffer_fini(&reader->text);
}

bool reader_read_once(struct reader *reader, size_t max)
{
    char bytes[65536];
    ssize_t len = reader->ops->read(reader->stream, bytes, max < sizeof bytes ? max : sizeof bytes);
    if (len > 0)
        buffer_append(&reader->text, bytes, (size_t)len);
    if (len == HTTP_STREAM_END) {
        reader->ended = true;
        reader->ops->free(reader->stream);
        reader->ops = NULL;
    }
    return len > 0;
}

void reader_pump(struct reader *reader)
{
    while (reader->ops && server_readable(&reader->connection))
        (void)reader_read_once(reader, SIZE_MAX);
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
