/*
 * The store as the source of the live rooms: its reports of watched rooms go to the rooms' boards
 * and subscribers.
 */
#ifndef TEMPMESSENGER_STORE_SOURCE_H
#define TEMPMESSENGER_STORE_SOURCE_H

#include "live_rooms.h"
#include "message_store.h"

/* Live rooms fed by `store`, which must outlive them; their streams are written by `loops` threads.
 * NULL when out of memory. */
struct live_rooms *store_source_rooms(struct message_store *store, size_t streams_max,
                                      unsigned loops);

#endif
