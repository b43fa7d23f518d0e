/*
 * One room's feed: event stream after event stream from the message service, read into the room,
 * for as long as the room is open.
 *
 * A stream that ends, falls silent or sends what it should not is cut, and another one begun;
 * meanwhile the room is served as it was. The room is told when that lasts: of each failure as
 * long as it has never been synchronised (live_source_unreachable), so that nobody waits in vain,
 * and when what it knows is stale (live_source_set_stale). Trouble is logged once, and once more
 * when it is over.
 *
 * Not thread-safe: for the thread that turns the host's loop, except room_feed_init, and
 * room_feed_fini of a feed that has not been started or has been stopped.
 */
#ifndef TEMPMESSENGER_ROOM_FEED_H
#define TEMPMESSENGER_ROOM_FEED_H

#include "clock.h"
#include "curl_loop.h"
#include "feed_stream.h"
#include "live_room.h"
#include "live_source.h"
#include "message_limits.h"
#include "timer_heap.h"
#include "upstream_clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    /* The longest pause after a first failure. Each further failure doubles it, up to … */
    ROOM_FEED_BACKOFF_MIN_MS = 100,
    /* … this. */
    ROOM_FEED_BACKOFF_MAX_MS = 5 * 1000,
    /* The longest pause after a stream that ended in good order. */
    ROOM_FEED_AGAIN_MAX_MS = 200,
    /* A feed that is lost again so soon is not logged again: it comes back and breaks, over and
     * over. */
    ROOM_FEED_QUIET_MS = 15 * 1000,
    /* The service sends a comment every 15 s: after so long without one the connection is dead. */
    ROOM_FEED_SILENCE_MS = 20 * 1000,
    /* A room that has not been synchronised for so long is stale: most restarts are over sooner. */
    ROOM_FEED_STALE_MS = 3 * 1000,
    /* … and for so long after a last try, since a restart may have been over just before. */
    ROOM_FEED_LAST_TRY_MS = 300,
};

/* How all feeds are run. */
struct room_feed_config {
    struct upstream_request_target target;
    uint64_t timeout_ms; /* to connect and get the first event, and then from each to the next until
                            the room is synchronised */
    /* Called on the feeds' thread whenever a feed has synchronised; NULL: not called. `limits` are
     * the message service's, borrowed for the call; NULL: it sent none that are valid. */
    void (*reached)(void *context, const struct message_limits *limits);
    void *reached_context;
    const struct clock *clock;             /* the rooms' clock; NULL: clock_system */
    struct upstream_clock *upstream_clock; /* dates the messages; NULL: nothing does */
    /* 0: the constants above. */
    uint64_t backoff_min_ms;
    uint64_t backoff_max_ms;
    uint64_t again_max_ms;
    uint64_t silence_ms;
};

/* What all feeds share. */
struct room_feed_host {
    struct room_feed_config config; /* no 0 and no NULL clock is left in it */
    struct curl_loop *loop;
    struct timer_heap timers; /* of the feeds: what has to be looked at, and when */
    _Atomic size_t connected; /* feeds that are synchronised, and well since */
    _Atomic size_t stale;
};

/* For reading, `timer` and `room`; the rest is its own. */
struct room_feed {
    struct timer_heap_node timer; /* first: a node of the host's timers is a feed */
    struct live_room *room;
    struct room_feed_host *host;
    struct feed_stream stream;
    uint64_t due_us;    /* the stream is running: to be cut; otherwise to be started */
    uint64_t stale_us;  /* when the room becomes stale; UINT64_MAX: it is synchronised, or stale */
    unsigned failures;  /* since a stream went well */
    bool complained;    /* in the log */
    uint64_t failed_us; /* when it failed last; 0: never */
    bool synced;        /* once, at least */
    bool connected;     /* synchronised by the stream there is now */
    bool stopping;      /* the last stream that synchronised ended because its service stops */
    bool last_try;      /* the last before the room becomes stale is under way */
    bool stale;
};

/* A feed at rest. False when out of memory; it is then to be given to room_feed_fini. It must not
 * be moved. */
bool room_feed_init(struct room_feed *feed, struct room_feed_host *host, struct live_room *room)
    __attribute__((warn_unused_result));

/* Takes a zeroed one. */
void room_feed_fini(struct room_feed *feed);

/* Asks for the first stream. */
void room_feed_start(struct room_feed *feed);

/* `now_us` is not before `timer.due_us`: whatever is due is done, and the timer is set again. */
void room_feed_on_due(struct room_feed *feed, uint64_t now_us);

/* libcurl has finished the stream: another one follows, after a pause. */
void room_feed_on_end(struct room_feed *feed, CURLcode result);

/* Cuts the stream, if there is one; the feed neither has a timer nor is counted then. */
void room_feed_stop(struct room_feed *feed);

#endif
