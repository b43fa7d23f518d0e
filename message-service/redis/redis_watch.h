/*
 * A room that is watched, and how far the subscriber is with it.
 */
#ifndef TEMPMESSENGER_REDIS_WATCH_H
#define TEMPMESSENGER_REDIS_WATCH_H

#include "message_store_position.h"
#include "room_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* The state of a subscription to a room's channel. */
enum redis_watch_state {
    REDIS_WATCH_OUT,
    REDIS_WATCH_JOINING, /* requested, not yet answered; so with leaving */
    REDIS_WATCH_IN,
    REDIS_WATCH_LEAVING,
};

enum redis_watch_turn { REDIS_WATCH_NO_TURN, REDIS_WATCH_TO_LIST, REDIS_WATCH_TO_RETRY };

struct redis_watch {
    char room[ROOM_NAME_SIZE];

    /* Under the lock of the watches. */
    unsigned watchers;
    bool asked;   /* a watch was added that is not answered yet */
    bool changed; /* it is among the changes */
    TAILQ_ENTRY(redis_watch) change;

    /* The thread's own; all 0 at first. */
    bool adopted;
    TAILQ_ENTRY(redis_watch) entry; /* of all its rooms */
    enum redis_watch_state state;
    enum redis_watch_turn turn;
    TAILQ_ENTRY(redis_watch) turn_entry;
    uint64_t retry_at_us;
    bool listed; /* publications now follow a list */
    struct message_store_position listed_at;
    uint64_t last_number; /* the last reported, in the list or after it */
};

TAILQ_HEAD(redis_watch_queue, redis_watch);

#endif
