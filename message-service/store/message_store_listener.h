/*
 * Who a message store tells of the rooms that are watched.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_LISTENER_H
#define TEMPMESSENGER_MESSAGE_STORE_LISTENER_H

#include "message_list.h"

/*
 * Who is told of the rooms that are watched. For one room it is called by one thread at a time, in
 * order, perhaps while the store's own locks are held: it may not call the store, nor wait for a
 * thread that does. What it is handed is borrowed for the call.
 */
struct message_store_listener {
    void *context;
    /* The room as it is now; from here on `added` follows without a gap. It comes again whenever
     * the store cannot be sure of that: what was added before may then be in the list, or, if the
     * store lost it, may not. */
    void (*synced)(void *context, const char *room, const struct message_list *list);
    /* A message that is new since the room was synced, in the order of numbers. */
    void (*added)(void *context, struct message *message, uint64_t epoch);
    /* The store cannot be reached to synchronise this room. It goes on trying, and `synced` follows
     * when it succeeds. */
    void (*unreachable)(void *context, const char *room);
};

#endif
