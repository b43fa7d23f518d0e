/*
 * The rooms that somebody watches or asked for lately, by name.
 *
 * A room is filled by one source (the store, or a feed from another service), which is called when
 * a room is first wanted and when it is let go. What expires is taken off by one timer for all
 * rooms, at that moment.
 *
 * Any thread may call any function.
 */
#ifndef TEMPMESSENGER_LIVE_ROOMS_H
#define TEMPMESSENGER_LIVE_ROOMS_H

#include "clock.h"
#include "error.h"
#include "live_room.h"
#include "live_source.h"
#include "metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_rooms;

struct live_rooms_config {
    struct live_source source;
    size_t rooms_max;
    size_t streams_max; /* of all rooms together */
    unsigned loops;     /* threads that write the streams */
    uint64_t linger_us; /* how long a room stays that nobody uses */
    const struct clock *clock;
};

/* Starts the timer's thread. NULL when out of memory. */
struct live_rooms *live_rooms_new(const struct live_rooms_config *config);

/* Tells all readers that the service is stopping and ends their streams; later ones are answered
 * 503. */
void live_rooms_stop(struct live_rooms *rooms);

/* Closes all rooms and frees. No room may be in use and no stream left. Takes NULL. */
void live_rooms_free(struct live_rooms *rooms);

/* What an operator is shown, each number for itself. */
struct live_rooms_metrics {
    size_t rooms;                         /* open */
    size_t messages;                      /* alive in them */
    size_t stale;                         /* rooms that may be out of date */
    size_t streams;                       /* event streams open */
    size_t streams_max;                   /* that may be */
    uint64_t dropped;                     /* streams whose reader fell too far behind */
    uint64_t refused;                     /* that came when as many were there as may be */
    uint64_t expired;                     /* messages whose time was up, with readers or without */
    struct metrics_distribution lateness; /* of each `expired` behind its message's end */
};

/* Waits for nobody. */
void live_rooms_metrics(const struct live_rooms *rooms, struct live_rooms_metrics *ret_metrics);

/* The room called `name`, opened if it is not there, in whatever state. Errors as of
 * live_rooms_use; waits for nobody. */
enum error_code live_rooms_open(struct live_rooms *rooms, const char *name,
                                struct live_room **ret_room, struct error *err) ERROR_MUST_USE;

/*
 * The room called `name`, opened if it is not there, once it has been synchronised: waits for that
 * at most `timeout_ms`. The caller gives it back with live_room_release.
 * UNAVAILABLE: not synchronised in time, or too many rooms; INTERNAL: out of memory.
 * A room that had no memory for what its source brought is not waited for any more, its streams
 * end, and the next to ask for it gets a new one.
 */
enum error_code live_rooms_use(struct live_rooms *rooms, const char *name, uint64_t timeout_ms,
                               struct live_room **ret_room, struct error *err) ERROR_MUST_USE;

/* Whether the room called `name` is open, in whatever state. */
bool live_rooms_has(struct live_rooms *rooms, const char *name);

/* The same if it is there, in whatever state, else NULL. */
struct live_room *live_rooms_find(struct live_rooms *rooms, const char *name);

#endif
