/*
 * The live messages of one room: in the order in which they end, and by id.
 *
 * Not thread-safe: the owner of a board locks around it. A board knows no clock: before a read, the
 * caller takes off the messages that have expired by then (board_take_expired), so that no reader
 * ever sees a message past its end.
 */
#ifndef TEMPMESSENGER_BOARD_H
#define TEMPMESSENGER_BOARD_H

#include "cleanup.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;

enum board_outcome {
    BOARD_ADDED,     /* the message is new */
    BOARD_NUMBERED,  /* the board had it without a number; now it has its number */
    BOARD_KNOWN,     /* the board had it; nothing changed */
    BOARD_NO_MEMORY, /* nothing changed */
};

/* W/"<count>-<32 hex digits>" and its NUL. */
enum { BOARD_ETAG_SIZE = 64 };

/* An empty board; NULL when out of memory. */
struct board *board_new(void);

/* A board with these messages; NULL when out of memory. */
struct board *board_of(struct message *const *messages, size_t count);

/* Releases the messages. Takes NULL. */
void board_free(struct board *board);

CLEANUP_DEFINE(struct board, board_free)

/* Takes a reference to `message`. One id is one message. */
enum board_outcome board_insert(struct board *board, struct message *message);

/* The message, borrowed, or NULL. */
struct message *board_find(const struct board *board, const char *id);

/* Takes the message off and hands its reference to the caller, or NULL. */
struct message *board_take(struct board *board, const char *id);

/* Takes off one message that has expired at `now_us`, the soonest first, and hands its reference to
 * the caller; NULL when there is none. */
struct message *board_take_expired(struct board *board, uint64_t now_us);

/* When to call board_take_expired next: no deadline is earlier. UINT64_MAX: never. */
uint64_t board_soonest_us(const struct board *board);

/* Takes off and releases all messages that have expired at `now_us`. */
void board_expire(struct board *board, uint64_t now_us);

size_t board_count(const struct board *board);

/* Whether each message has its number; true of an empty board. */
bool board_all_numbered(const struct board *board);

/* Differs after each change of the set, or of a message's number. */
uint64_t board_version(const struct board *board);

/* The message at `index` in the order in which they end (by number where they end together; those
 * without a number last), borrowed. `index` is below board_count. */
struct message *board_at(const struct board *board, size_t index);

/* The weak entity tag of the set of messages: the same set has the same tag on every replica. */
void board_etag(const struct board *board, char ret_etag[BOARD_ETAG_SIZE]);

#endif
