/*
 * A room as a reader knows it who got all calls of a listener. A call out of order fails the test.
 */
#ifndef TEMPMESSENGER_TESTS_ROOM_VIEW_H
#define TEMPMESSENGER_TESTS_ROOM_VIEW_H

#include "message.h"
#include "message_store_position.h"

#include <stdbool.h>
#include <stddef.h>

/* Initialise with {0}. */
struct room_view {
    struct message **messages; /* by number; borrowed */
    size_t count;
    struct message_store_position position;
};

void room_view_fini(struct room_view *view);

/* Takes in the arguments of `synced` and of `added`. */
void room_view_sync(struct room_view *view, const struct message_store_position *position,
                    struct message *const *messages, size_t count);
void room_view_add(struct room_view *view, const struct message_store_position *position,
                   struct message *message);

bool room_view_has(const struct room_view *view, const char *id);

#endif
