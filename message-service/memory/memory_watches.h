/*
 * How many watches each room of the memory backend has.
 *
 * Not thread-safe: memory_store.c locks around it.
 */
#ifndef TEMPMESSENGER_MEMORY_WATCHES_H
#define TEMPMESSENGER_MEMORY_WATCHES_H

#include <stdbool.h>

/* Initialise with {0}. */
struct memory_watches {
    void *counts; /* a tree by room */
};

void memory_watches_fini(struct memory_watches *watches);

/* One watch more; false when out of memory. */
bool memory_watches_add(struct memory_watches *watches, const char *room)
    __attribute__((warn_unused_result));

/* One watch less, of a room that has one. */
void memory_watches_remove(struct memory_watches *watches, const char *room);

/* Whether the room is watched. */
bool memory_watches_has(const struct memory_watches *watches, const char *room);

#endif
