/*
 * The store as the source of the live rooms: what it tells of the rooms that are watched goes to
 * their boards and subscribers.
 */
#ifndef TEMPMESSENGER_STORE_SOURCE_H
#define TEMPMESSENGER_STORE_SOURCE_H

#include "live_room.h"
#include "message_store.h"

/* Live rooms fed by `store`, which must outlive them. NULL when out of memory. */
struct live_rooms *store_source_rooms(struct message_store *store, size_t subscribers_max);

#endif
