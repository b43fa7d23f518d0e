/*
 * The room feeds: for each room that the gateway watches, one event stream from the message
 * service, read into the room.
 *
 * One thread reads all of them, over libcurl's multi interface; a room costs one connection. A feed
 * that ends, falls silent or sends what it should not is cut and begun again, for as long as the
 * room is open; in between the room goes on being served as it was. One that has never been
 * synchronised is told of each failure (live_room_unreachable), so that nobody waits in vain. Trouble
 * is logged once, and once more when it is over.
 */
#ifndef TEMPMESSENGER_ROOM_FEED_H
#define TEMPMESSENGER_ROOM_FEED_H

#include "clock.h"
#include "live_room.h"
#include "message_limits.h"
#include "upstream_clock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* The most that a feed waits after a first failure. Each further one doubles it, up to … */
    ROOM_FEED_BACKOFF_MIN_MS = 100,
    /* … this. */
    ROOM_FEED_BACKOFF_MAX_MS = 5 * 1000,
    /* The most that it waits after a stream that was ended in good order. */
    ROOM_FEED_AGAIN_MAX_MS = 200,
    /* A feed that was lost so shortly after it was lost before is not spoken of again: it comes back
     * and breaks, over and over. */
    ROOM_FEED_QUIET_MS = 15 * 1000,
    /* Nothing heard for so long, where a comment comes every 15 s: the connection is dead. */
    ROOM_FEED_SILENCE_MS = 35 * 1000,
};

struct room_feeds;

struct room_feeds_config {
    const char *url;     /* of the message service, no slash at the end */
    const char *token;   /* for Authorization; NULL: none */
    uint64_t timeout_ms; /* to connect and get the first event, and then from each to the next until
                            the room is synchronised */
    /* Called on the feeds' thread whenever a feed has synchronised; NULL: nobody. `limits` are the
     * message service's, borrowed for the call; NULL: it did not tell them, or not validly. */
    void (*reached)(void *context, const struct message_limits *limits);
    void *reached_context;
    const struct clock *clock;       /* the rooms' clock; NULL: clock_system */
    struct upstream_clock *upstream_clock; /* dates the messages; NULL: nothing does */
    /* 0: the constants above. */
    uint64_t backoff_min_ms;
    uint64_t backoff_max_ms;
    uint64_t again_max_ms;
    uint64_t silence_ms;
};

/* Copies the config's strings and starts the thread. NULL when out of memory. */
struct room_feeds *room_feeds_new(const struct room_feeds_config *config);

/* Ends the thread. No call may be under way; rooms still open are let go. Takes NULL. */
void room_feeds_free(struct room_feeds *feeds);

/*
 * For struct live_source; `context` is a struct room_feeds. Any thread but the feeds' own, and no
 * lock may be held that live_room_sync, _add, _delete or _unreachable would wait for.
 *
 * Open: the room is fed from now on; once for a room, until it is closed. False when out of memory.
 * Close: when it returns the room is not used any more. Does nothing for a room that is not open.
 */
bool room_feeds_open(void *context, struct live_room *room);
void room_feeds_close(void *context, struct live_room *room);

/* What an operator is told of the feeds of all open rooms. */
struct room_feeds_metrics {
    size_t connected; /* synchronised, and nothing was wrong since */
    size_t disconnected;
};

/* Waits for nobody. */
void room_feeds_metrics(const struct room_feeds *feeds, struct room_feeds_metrics *ret_metrics);

#endif
