/*
 * All that a room knows of the rooms that it is one of.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_HOST_H
#define TEMPMESSENGER_LIVE_ROOM_HOST_H

#include "clock.h"
#include "metrics.h"
#include "stream_loops.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_room;

/* What is counted over all rooms, without a lock. */
struct live_room_counts {
    _Atomic size_t rooms;
    _Atomic size_t messages;
    _Atomic size_t streams;
    _Atomic size_t stale; /* rooms that readers are told are out of date */
    struct metrics_counter dropped;
    struct metrics_counter refused;
    struct metrics_counter expired;
    struct metrics_histogram lateness;
};

struct live_room_host {
    const struct clock *clock;
    struct stream_loops *loops;
    bool lists_are_newest; /* live_source's */
    size_t streams_max;    /* of all rooms together */
    _Atomic bool stopping;
    struct live_room_counts counts;

    /* The timer is to look at `room` no later than at `wake_us`. Without the room's lock. */
    void (*arm)(struct live_room_host *host, struct live_room *room, uint64_t wake_us);
    /* One use more of a room that is in use, and one less. */
    void (*retain)(struct live_room_host *host, struct live_room *room);
    void (*release)(struct live_room_host *host, struct live_room *room);
};

#endif
