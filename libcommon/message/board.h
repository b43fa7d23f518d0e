/*
 * The live messages of one room: in the order in which they end, and by id.
 *
 * Not thread-safe: the owner of a board locks around it. A board knows no clock; who reads it first
 * takes off what has expired at the moment of reading (board_take_expired), so that no reader ever
 * sees a message past its end.
 */
#ifndef TEMPMESSENGER_BOARD_H
#define TEMPMESSENGER_BOARD_H

#include "blob.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;

enum board_outcome {
    BOARD_ADDED,     /* it was not there */
    BOARD_NUMBERED,  /* it was there without a number and has its number now */
    BOARD_KNOWN,     /* it was there; nothing changed */
    BOARD_NO_MEMORY, /* nothing changed */
};

/* W/"<count>-<32 hex digits>" and its NUL. */
enum { BOARD_ETAG_SIZE = 64 };

/* NULL when out of memory. */
struct board *board_new(void);

/* Releases the messages. Takes NULL. */
void board_free(struct board *board);

CLEANUP_DEFINE(struct board, board_free)

/* A board of its own with the same messages; NULL when out of memory. */
struct board *board_copy(const struct board *board);

/* Keeps a reference of its own to `message`. One id is one message. */
enum board_outcome board_insert(struct board *board, struct message *message);

/* The message, borrowed, or NULL. */
struct message *board_find(const struct board *board, const char *id);

/* Takes the message off and hands its reference to the caller, or NULL. */
struct message *board_take(struct board *board, const char *id);

/* Takes off one message whose time is up at `now_us`, the soonest first; NULL when there is none. */
struct message *board_take_expired(struct board *board, uint64_t now_us);

/* When board_take_expired is to be asked next: no deadline is before it. UINT64_MAX: never. */
uint64_t board_soonest_us(const struct board *board);

/* Takes off and releases all whose time is up at `now_us`. */
void board_expire(struct board *board, uint64_t now_us);

size_t board_count(const struct board *board);

/* The message at `index` in the order in which they end (by number where they end together; those
 * without a number last), borrowed. `index` is below board_count. */
struct message *board_at(const struct board *board, size_t index);

/* The weak entity tag of the set of messages: the same set has the same tag on every replica. */
void board_etag(const struct board *board, char ret_etag[BOARD_ETAG_SIZE]);

/* The JSON array of the messages at `now_us`. Readers of one millisecond share one rendering. The
 * caller releases it; NULL when out of memory. */
struct blob *board_list(struct board *board, uint64_t now_us);

/* The same of the messages that have a number. */
struct blob *board_list_numbered(struct board *board, uint64_t now_us);

#endif
