/*
 * A room of the memory backend: its live messages, and the idempotency records of those that came
 * with a key.
 *
 * Not thread-safe: memory_store.c locks around it.
 */
#ifndef TEMPMESSENGER_MEMORY_ROOM_H
#define TEMPMESSENGER_MEMORY_ROOM_H

#include "board.h"
#include "draft.h"
#include "idempotency_key.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct memory_room {
    char name[ROOM_NAME_SIZE];
    TAILQ_ENTRY(memory_room) entry; /* the owner's */
    struct board *board;
    uint64_t bytes;       /* of the messages on it: text and author */
    void *records_by_key; /* trees over the same records */
    void *records_by_id;
    uint64_t wall_offset_us; /* wall time less monotonic time */
};

/* The arguments of a save; borrowed for the call. */
struct memory_room_entry {
    const char *id;
    const char *key; /* NULL: none */
    const struct draft *draft;
    uint64_t last_number; /* the message's number will be above it */
    uint64_t now_us;      /* monotonic */
};

/* What a room may hold. */
struct memory_room_limits {
    uint64_t messages;
    uint64_t bytes;
};

/* An empty room that dates its messages by `wall_offset_us`; NULL when out of memory. */
struct memory_room *memory_room_new(const char *name, uint64_t wall_offset_us);

/* Takes NULL and half-built rooms. */
void memory_room_free(struct memory_room *room);

/* Drops the messages that have expired; whether any are left. */
bool memory_room_expire(struct memory_room *room, uint64_t now_us);

/* As message_store_save, in a room that memory_room_expire has seen at `now_us`. A new message is
 * one whose id is `entry`'s. Nothing has changed on failure. */
enum error_code memory_room_save(struct memory_room *room, const struct memory_room_entry *entry,
                                 const struct memory_room_limits *limits,
                                 struct message **ret_message, struct error *err) ERROR_MUST_USE;

#endif
