/*
 * The live messages of a room, as a store lists them.
 */
#ifndef TEMPMESSENGER_MESSAGE_LIST_H
#define TEMPMESSENGER_MESSAGE_LIST_H

#include "message.h"
#include "message_store_position.h"

#include <stddef.h>

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
