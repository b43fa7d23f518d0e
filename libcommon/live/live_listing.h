/*
 * A room's messages as a list.
 *
 * Any thread may call any function.
 */
#ifndef TEMPMESSENGER_LIVE_LISTING_H
#define TEMPMESSENGER_LIVE_LISTING_H

#include "live_room.h"

/* A room's live messages as they are listed: as JSON where they are few, else one by one, to be
 * written piece by piece. */
struct live_listing {
    struct blob *json;              /* NULL: they are many */
    struct message_array *messages; /* NULL: they are few */
    char etag[BOARD_ETAG_SIZE];     /* of all of the room */
};

/* Takes a zeroed one. */
void live_listing_fini(struct live_listing *listing);

/* More messages than this are many. */
enum { LIVE_LISTING_FEW = 200 };

/* Lists what is accepted before the message called `before` (NULL: everything), at most the
 * `newest` (0: all) of it; nothing where that message is not there any more. INTERNAL when out of
 * memory. */
enum error_code live_listing_make(struct live_room *room, size_t newest, const char *before,
                                  struct live_listing *ret_listing) ERROR_MUST_USE;

#endif
