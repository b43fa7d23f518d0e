/*
 * A board's messages as the JSON array of the API, rendered once for all readers of a millisecond.
 *
 * Not thread-safe: it belongs beside its board, under the same lock.
 */
#ifndef TEMPMESSENGER_BOARD_LIST_H
#define TEMPMESSENGER_BOARD_LIST_H

#include "blob.h"
#include "board.h"

/* The last rendering of one board; begins zeroed. */
struct board_list {
    struct blob *json; /* NULL: none yet */
    uint64_t made_ms;
    uint64_t version; /* the board's, when it was rendered */
};

void board_list_fini(struct board_list *list);

/* The JSON array of the messages at `now_us`. The caller releases it; NULL when out of memory. */
struct blob *board_list_render(const struct board *board, uint64_t now_us);

/* The same, or the last rendering while that still holds. `list` is always used with this board. */
struct blob *board_list_get(struct board_list *list, const struct board *board, uint64_t now_us);

/* The same of the messages that have a number. */
struct blob *board_list_get_numbered(struct board_list *list, const struct board *board,
                                     uint64_t now_us);

#endif
