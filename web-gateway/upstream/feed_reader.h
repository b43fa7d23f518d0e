/*
 * The meaning of the events of a room's stream: reads the messages of one room, as the message
 * service sends them, into the room.
 *
 * It knows neither connections nor clocks. Not thread-safe; the room is called during
 * feed_reader_feed, on the same thread.
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

/* A reader at the beginning of a stream of `room`, whose messages `upstream_clock` dates. `synced`
 * is called when a stream has synchronised the room, before what follows is read. Allocates
 * nothing. It must not be moved. */
void feed_reader_init(struct feed_reader *reader, struct live_room *room,
                      struct upstream_clock *upstream_clock, void (*synced)(void *context),
                      void *context);

/* Frees what it holds and leaves it at the beginning of another stream. */
void feed_reader_reset(struct feed_reader *reader);

/* The last number that the missed messages go up to; `last` NULL: the service did not say. */
void feed_reader_set_last(struct feed_reader *reader, const struct event_id *last);

/* The next piece of the stream, received at `now_us`, a monotonic time. False, now and for ever:
 * the stream must be cut; `cause` says why. */
bool feed_reader_feed(struct feed_reader *reader, const char *bytes, size_t len, uint64_t now_us)
    __attribute__((warn_unused_result));

#endif
