/*
 * One room: its board, and the events of its readers.
 *
 * What the source brings goes to the board and, in the source's order, to the readers' streams;
 * what expires is taken off at its moment. Reads are answered from the board, without waiting for
 * anyone. Rooms come from live_rooms.h.
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

/* ---- for the source ---- */

/* All live messages of the room, numbered, and the id of the last number given out: what is new is
 * published, what the source no longer has is taken off and told as deleted. Where the source may
 * have missed something this comes before the next live_room_add. */
void live_room_sync(struct live_room *room, struct message *const *messages, size_t count,
                    struct event_id last);

/* A new message, numbered, with the event's id. Messages come in the order of their numbers; one
 * that the room has had is passed over. */
void live_room_add(struct live_room *room, struct message *message, struct event_id id);

/* The source no longer has this message, before its time. */
void live_room_delete(struct live_room *room, const char *message_id);

/* Whether the room may be out of date, because the source has not been heard from: readers are told
 * `stale` once, and `fresh` when it is right again. */
void live_room_set_stale(struct live_room *room, bool stale);

/* The source cannot be reached just now: who waits for the first synchronisation is told so at
 * once, and so are those who come, until it succeeds. */
void live_room_unreachable(struct live_room *room);

/* ---- for readers ---- */

/* A message that this process had accepted and whose number it does not know: it is listed from now
 * on and published when the source brings it. */
void live_room_add_own(struct live_room *room, struct message *message);

/* A room's live messages as they are listed: as JSON where they are few, else one by one, to be
 * written piece by piece. */
struct live_room_listing {
    struct blob *json;              /* NULL: they are many */
    struct message_array *messages; /* NULL: they are few */
    char etag[BOARD_ETAG_SIZE];     /* of all of the room */
};

/* Takes a zeroed one. */
void live_room_listing_fini(struct live_room_listing *listing);

/* More messages than this are many. */
enum { LIVE_ROOM_FEW = 200 };

/* Lists what is accepted before the message called `before` (NULL: everything), at most the
 * `newest` (0: all) of it; nothing where that message is not there any more. INTERNAL when out of
 * memory. */
enum error_code live_room_list(struct live_room *room, size_t newest, const char *before,
                               struct live_room_listing *ret_listing) ERROR_MUST_USE;

/* The live message, with a reference for the caller, or NULL. */
struct message *live_room_message(struct live_room *room, const char *message_id);

/* How many messages are alive. */
size_t live_room_count(struct live_room *room);

/* All of them, one by one; the caller frees the array. INTERNAL when out of memory. */
enum error_code live_room_messages(struct live_room *room,
                                   struct message_array **ret_messages) ERROR_MUST_USE;

#endif
