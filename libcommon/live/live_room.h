/*
 * One room: its board, and the events of its readers.
 *
 * What the source brings (live_source.h) goes to the board and, in the source's order, to the
 * readers' streams (live_stream.h); what expires is taken off at its moment. Reads and lists
 * (live_listing.h) come from the board, without waiting. Rooms come from live_rooms.h.
 *
 * Any thread may call any function.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_H
#define TEMPMESSENGER_LIVE_ROOM_H

#include "blob.h"
#include "board.h"
#include "error.h"
#include "event_id.h"
#include "message_array.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_room;

/* One use less. Takes NULL. */
void live_room_release(struct live_room *room);

CLEANUP_DEFINE(struct live_room, live_room_release)

const char *live_room_name(const struct live_room *room);

/* A message that this process had accepted and whose number it does not know: it is listed from now
 * on and published when the source brings it. */
void live_room_add_own(struct live_room *room, struct message *message);

/* The live message, with a reference for the caller, or NULL. */
struct message *live_room_message(struct live_room *room, const char *message_id);

/* How many messages are alive. */
size_t live_room_count(struct live_room *room);

/* All of them, one by one; the caller frees the array. INTERNAL when out of memory. */
enum error_code live_room_messages(struct live_room *room,
                                   struct message_array **ret_messages) ERROR_MUST_USE;

#endif
