/*
 * Messages of a room at one moment, in some order: what a long answer is written from, piece by
 * piece, while the room goes on.
 *
 * The array counts its messages as used. One thread at a time.
 */
#ifndef TEMPMESSENGER_MESSAGE_ARRAY_H
#define TEMPMESSENGER_MESSAGE_ARRAY_H

#include "board.h"
#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_array {
    size_t count;
    struct message *messages[];
};

/* What to take of a board. */
struct message_array_filter {
    bool numbered;          /* only messages with a number */
    uint64_t above;         /* only those with a number above this; 0: whatever number */
    struct message *before; /* only those accepted before this one; NULL: all. Borrowed */
    size_t newest;          /* at most so many, those that were accepted last; 0: all */
};

/* The board's messages that pass the filter, in the board's order. NULL when out of memory. */
struct message_array *message_array_of(const struct board *board,
                                       const struct message_array_filter *filter);

/* Puts them into the order in which they were accepted. */
void message_array_sort(struct message_array *array);

/* Takes NULL. */
void message_array_free(struct message_array *array);

CLEANUP_DEFINE(struct message_array, message_array_free)

#endif
