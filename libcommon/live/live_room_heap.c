/*
 * A binary heap by wake_us: the children of the room at i stand at 2i + 1 and 2i + 2 and are due no
 * sooner. Each room knows where it stands, so that one in the middle is moved or taken off without
 * a search.
 */
#include "live_room_heap.h"

#include "live_room_private.h"

#include <stdlib.h>

bool live_room_heap_init(struct live_room_heap *heap, size_t max)
{
    *heap = (struct live_room_heap){.rooms = calloc(max, sizeof(struct live_room *))};
    return heap->rooms != NULL;
}

void live_room_heap_fini(struct live_room_heap *heap)
{
    free(heap->rooms);
}

static void put(struct live_room_heap *heap, size_t index, struct live_room *room)
{
    heap->rooms[index] = room;
    room->heap_index = index;
}

static void move_up(struct live_room_heap *heap, size_t index)
{
    struct live_room *room = heap->rooms[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (heap->rooms[parent]->wake_us <= room->wake_us)
            break;
        put(heap, index, heap->rooms[parent]);
        index = parent;
    }
    put(heap, index, room);
}

static void move_down(struct live_room_heap *heap, size_t index)
{
    struct live_room *room = heap->rooms[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            heap->rooms[child + 1]->wake_us < heap->rooms[child]->wake_us)
            child++;
        if (heap->rooms[child]->wake_us >= room->wake_us)
            break;
        put(heap, index, heap->rooms[child]);
        index = child;
    }
    put(heap, index, room);
}

void live_room_heap_add(struct live_room_heap *heap, struct live_room *room)
{
    put(heap, heap->count, room);
    move_up(heap, heap->count++);
}

void live_room_heap_remove(struct live_room_heap *heap, struct live_room *room)
{
    size_t index = room->heap_index;
    room->heap_index = LIVE_ROOM_UNLINKED;
    struct live_room *last = heap->rooms[--heap->count];
    if (last == room)
        return;
    put(heap, index, last);
    move_up(heap, index);
    move_down(heap, last->heap_index);
}

void live_room_heap_set(struct live_room_heap *heap, struct live_room *room, uint64_t wake_us)
{
    room->wake_us = wake_us;
    move_up(heap, room->heap_index);
    move_down(heap, room->heap_index);
}
