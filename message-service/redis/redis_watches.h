/*
 * The rooms that are watched, handed from any thread to the subscriber's.
 *
 * Any thread adds and removes watches; all other functions are the subscriber's thread's. A room
 * that is found stays until that thread drops it.
 */
#ifndef TEMPMESSENGER_REDIS_WATCHES_H
#define TEMPMESSENGER_REDIS_WATCHES_H

#include "cleanup.h"
#include "error.h"
#include "redis_watch.h"

#include <pthread.h>
#include <stdbool.h>

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
