/*
 * What a message store calls for the rooms that are watched.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_LISTENER_H
#define TEMPMESSENGER_MESSAGE_STORE_LISTENER_H

#include "message_list.h"

/*
 * For one room the store calls it from one thread at a time, in order, perhaps while it holds locks
 * of its own: the listener may not call the store, nor wait for a thread that does. Arguments are
 * borrowed for the call.
 */
struct message_store_listener {
    void *context;
    /* The room as it is now; from here on `added` follows without a gap. It is called again
     * whenever the store cannot be sure of that: a message that was added before is then in the
     * list, unless the store lost it. */
    void (*synced)(void *context, const char *room, const struct message_list *list);
    /* A message that is new since the room was synced, in the order of numbers. */
    void (*added)(void *context, struct message *message, uint64_t epoch);
    /* The store cannot be reached to synchronise this room. It goes on trying, and `synced` follows
     * when it succeeds. */
    void (*unreachable)(void *context, const char *room);
};

#endif
