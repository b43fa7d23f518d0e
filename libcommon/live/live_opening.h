/*
 * What a reader of a room is sent first: the messages that it missed, where it says what it has,
 * and a snapshot otherwise; written piece by piece, so that a room of any size costs a reader who
 * does not read a list of pointers and one piece.
 *
 * Under the room's lock: live_opening_make. All else: one thread at a time.
 */
#ifndef TEMPMESSENGER_LIVE_OPENING_H
#define TEMPMESSENGER_LIVE_OPENING_H

#include "board_list.h"
#include "buffer.h"
#include "event_id.h"
#include "message_array.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIVE_OPENING_PIECE = 16 * 1024, /* bytes of a piece, unless a single message is longer */
    /* A room with no more messages is rendered once for all who come in the same millisecond, if
     * the list is no longer than this. */
    LIVE_OPENING_SHARED_MESSAGES = 64,
    LIVE_OPENING_SHARED_BYTES = 32 * 1024,
};

/* What a reader asks for. */
struct live_opening_wish {
    bool has_id;
    struct event_id id; /* the last that it has */
    size_t newest;      /* at most so many messages in a snapshot; 0: all */
};

/* What the opening is made of, as it is now. */
struct live_opening_room {
    const char *name;
    const struct board *board;
    struct board_list *list;
    struct event_id last;
    uint64_t deleted_up_to;
    bool stale;
    uint64_t now_us;
    uint64_t wall_us;
};

struct live_opening;

/* NULL when out of memory. *ret_after: messages up to it are in the opening, or the reader has
 * them. */
struct live_opening *live_opening_make(const struct live_opening_room *room,
                                       const struct live_opening_wish *wish,
                                       struct event_id *ret_after);

/* Takes NULL. */
void live_opening_free(struct live_opening *opening);

/* Appends the next piece as it is at `now_us`; false where there was none left. The buffer fails
 * when out of memory. */
bool live_opening_read(struct live_opening *opening, uint64_t now_us, struct buffer *piece);

#endif
