/*
 * Rooms in the order in which they want to be looked at, for the timer of live_rooms.c.
 *
 * Not thread-safe: the rooms' lock is held around it. It borrows the rooms and writes their wake_us
 * and heap_index alone.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_HEAP_H
#define TEMPMESSENGER_LIVE_ROOM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_room;

struct live_room_heap {
    struct live_room **rooms; /* the one that is due first stands first */
    size_t count;
};

/* For at most `max` rooms. False when out of memory. */
bool live_room_heap_init(struct live_room_heap *heap, size_t max);
void live_room_heap_fini(struct live_room_heap *heap);

/* Adds a room by its wake_us. There is a place for it. */
void live_room_heap_add(struct live_room_heap *heap, struct live_room *room);

/* Takes off a room that is there; its heap_index is then LIVE_ROOM_UNLINKED. */
void live_room_heap_remove(struct live_room_heap *heap, struct live_room *room);

/* A room that is there wants to be looked at at `wake_us` instead. */
void live_room_heap_set(struct live_room_heap *heap, struct live_room *room, uint64_t wake_us);

#endif
