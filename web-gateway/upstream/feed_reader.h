/*
 * What the events of a room's stream mean: brings the messages of one room, as the message service
 * tells them, into the room.
 *
 * It knows no connection and no time but the one that it is given. Not thread-safe; the room is told
 * during feed_reader_feed, on the thread that calls it.
 */
#ifndef TEMPMESSENGER_FEED_READER_H
#define TEMPMESSENGER_FEED_READER_H

#include "event_id.h"
#include "event_parser.h"
#include "live_room.h"
#include "message.h"
#include "upstream_clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Messages that a stream may begin with. */
    FEED_READER_MESSAGES_MAX = 1000 * 1000,
    FEED_READER_CAUSE_SIZE = 96,
};

/* How far a stream has come. */
enum feed_reader_stage {
    FEED_READER_OPENING, /* neither `snapshot` nor `resumed` yet */
    FEED_READER_MISSED,  /* collecting what `resumed` promised */
    FEED_READER_LIVE,    /* synchronised */
};

struct feed_reader {
    struct live_room *room;
    struct upstream_clock *upstream_clock;
    void (*synced)(void *context);
    void *context;

    /* For reading only. */
    enum feed_reader_stage stage;
    bool stopping;                      /* the service has said that it will end the stream */
    bool advanced;                      /* the last piece brought an event that was waited for */
    char cause[FEED_READER_CAUSE_SIZE]; /* why the stream must be cut; empty: it need not */

    /* Its own. */
    bool has_last;
    struct event_id last; /* the last number given out when the stream began */
    uint64_t now_us;      /* when the piece came that is being read */
    struct event_parser parser;
    struct message **messages; /* collected until the room can be synchronised */
    size_t count;
    size_t capacity;
    size_t missed; /* still to come */
    size_t collected_len;
};

/* A reader for `room`, whose messages `upstream_clock` dates, at the beginning of a stream. `synced` is called when a stream has
 * synchronised the room, before what follows is read. Allocates nothing. It must not be moved. */
void feed_reader_init(struct feed_reader *reader, struct live_room *room,
                      struct upstream_clock *upstream_clock, void (*synced)(void *context),
                      void *context);

/* Frees what it holds; it is then at the beginning of another stream. */
void feed_reader_reset(struct feed_reader *reader);

/* The number up to which the service will tell what was missed; `last` NULL: it did not say. */
void feed_reader_set_last(struct feed_reader *reader, const struct event_id *last);

/* The next piece of the stream, which came at `now_us`, a monotonic time. False, now and for ever:
 * the stream must be cut, because of `cause`. */
bool feed_reader_feed(struct feed_reader *reader, const char *bytes, size_t len, uint64_t now_us)
    __attribute__((warn_unused_result));

#endif
