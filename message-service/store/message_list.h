/*
 * The live messages of a room, as a store lists them.
 */
#ifndef TEMPMESSENGER_MESSAGE_LIST_H
#define TEMPMESSENGER_MESSAGE_LIST_H

#include "message.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Where a room's count stood at one moment: no message accepted up to then has a number above
 * `number`, and every later one has. Numbers are comparable where `epoch` is the same; a store that
 * lost its count begins another. Both are 0 where the store knows of no message in the room.
 */
struct message_store_position {
    uint64_t epoch;
    uint64_t number;
};

/* The live messages of a room at one moment, soonest to expire first, in the order of acceptance
 * where two end together, and where its count stood. */
struct message_list {
    struct message **messages;
    size_t count;
    struct message_store_position position;
};

/* Releases the messages and the array. Takes a zeroed list. */
void message_list_fini(struct message_list *list);

#endif
