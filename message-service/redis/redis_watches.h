/*
 * The rooms that are watched, handed from any thread to the subscriber's.
 *
 * Any thread adds and removes watches; all other functions are the subscriber's thread's. A room
 * that is found stays until that thread drops it.
 */
#ifndef TEMPMESSENGER_REDIS_WATCHES_H
#define TEMPMESSENGER_REDIS_WATCHES_H

#include "message_list.h"
#include "room_name.h"

#include <pthread.h>
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

struct redis_watches {
    pthread_mutex_t lock;
    void *tree; /* by room */
    struct redis_watch_queue changes;
};

void redis_watches_init(struct redis_watches *watches);
void redis_watches_fini(struct redis_watches *watches);

/* One watch more, to be answered; false when out of memory. */
bool redis_watches_add(struct redis_watches *watches, const char *room) ERROR_MUST_USE;

/* One watch less; whether it was the last. Passes over a room that is not watched. */
bool redis_watches_remove(struct redis_watches *watches, const char *room);

/* A room whose watches have changed since it was last returned, or NULL. */
struct redis_watch *redis_watches_next_change(struct redis_watches *watches);

/* The room, or NULL. */
struct redis_watch *redis_watches_find(struct redis_watches *watches, const char *room);

bool redis_watches_watched(struct redis_watches *watches, const struct redis_watch *watch);

/* Whether there is a watch to be answered. */
bool redis_watches_asked(struct redis_watches *watches, const struct redis_watch *watch);

/* All watches up to now are about to be answered. */
void redis_watches_answer(struct redis_watches *watches, struct redis_watch *watch);

/* Frees the room, which is in no queue of the thread's any more, unless it is watched again;
 * whether it is gone. */
bool redis_watches_drop(struct redis_watches *watches, struct redis_watch *watch) ERROR_MUST_USE;

#endif
