/*
 * A reader of a room's events, whose loop the test plays.
 */
#ifndef TEMPMESSENGER_TESTS_READER_H
#define TEMPMESSENGER_TESTS_READER_H

#include "buffer.h"
#include "live_room.h"
#include "server.h"
#include "stream_loops.h"

struct reader {
    struct live_room *room;
    struct http_takeover takeover; /* not chunked: what is sent are the events */
    struct stream *stream;         /* NULL: there is none, or no more */
    struct buffer text;            /* what was read and not yet looked at */
    bool ended;
};

/* `id` is the last event's that the reader had, or NULL. */
enum error_code reader_try_subscribe(struct reader *reader, struct live_room *room, const char *id);
void reader_subscribe(struct reader *reader, struct live_room *room, const char *id);

/* The same with at most so many messages in the snapshot. */
void reader_subscribe_newest(struct reader *reader, struct live_room *room, size_t newest);

/* Hangs up. */
void reader_leave(struct reader *reader);

/* One read and one write by the loop, of at most `max` bytes. False where there is nothing to
 * do. */
bool reader_read_once(struct reader *reader, size_t max);

/* Reads until there is nothing more to read now. */
void reader_pump(struct reader *reader);

/* Whether the loop has something to do for it. */
bool reader_readable(const struct reader *reader);

/* What the reader was told since the last time: "retry; snapshot 1,2 #2; message 3 #3". */
void reader_expect_told(struct reader *reader, const char *expected);

void reader_expect_ended(struct reader *reader);

#endif
