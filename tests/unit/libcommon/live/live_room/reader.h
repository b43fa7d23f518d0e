/*
 * A reader of a room's events, on a connection of the one thread of the server that the test itself
 * is.
 */
#ifndef TEMPMESSENGER_TESTS_READER_H
#define TEMPMESSENGER_TESTS_READER_H

#include "buffer.h"
#include "live_room.h"
#include "server.h"

struct reader {
    struct live_room *room;
    struct http_connection connection;
    const struct http_stream_ops *ops; /* NULL: there is no stream, or no more */
    void *stream;
    struct buffer text; /* what was read and not yet looked at */
    bool ended;
};

/* `id` is the last event's that the reader had, or NULL. */
enum error_code reader_try_subscribe(struct reader *reader, struct live_room *room, const char *id);
void reader_subscribe(struct reader *reader, struct live_room *room, const char *id);

/* Hangs up. The server sees that the peer of a suspended connection has left once it is resumed. */
void reader_leave(struct reader *reader);

/* One read by the server, which may. False where it has nothing to send. */
bool reader_read_once(struct reader *reader, size_t max);

/* Reads until there is nothing more to read now. */
void reader_pump(struct reader *reader);

/* What the reader was told since the last time: "retry; snapshot 1,2 #2; message 3 #3". */
void reader_expect_told(struct reader *reader, const char *expected);

void reader_expect_ended(struct reader *reader);

#endif
