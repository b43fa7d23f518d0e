/*
 * A list replaces the view, and its messages may have any order; an added message must be above all
 * that the view has.
 */
#include "room_view.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void room_view_fini(struct room_view *view)
{
    free(view->messages);
    *view = (struct room_view){0};
}

static void put(struct room_view *view, struct message *message)
{
    view->messages = realloc(view->messages, (view->count + 1) * sizeof *view->messages);
    view->messages[view->count++] = message;
}

static int by_number(const void *a, const void *b)
{
    const struct message *const *left = a, *const *right = b;
    return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

void room_view_sync(struct room_view *view, const struct message_store_position *position,
                    struct message *const *messages, size_t count)
{
    view->count = 0;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_le(messages[i]->number, position->number);
        put(view, messages[i]);
    }
    if (view->count)
        qsort(view->messages, view->count, sizeof *view->messages, by_number);
    for (size_t i = 1; i < view->count; i++)
        ck_assert_uint_gt(view->messages[i]->number, view->messages[i - 1]->number);
    view->position = *position;
}

void room_view_add(struct room_view *view, const struct message_store_position *position,
                   struct message *message)
{
    if (view->position.epoch)
        ck_assert_uint_eq(position->epoch, view->position.epoch);
    ck_assert_uint_gt(position->number, view->position.number);
    view->position = *position;
    put(view, message);
}

bool room_view_has(const struct room_view *view, const char *id)
{
    for (size_t i = 0; i < view->count; i++)
        if (strcmp(view->messages[i]->id, id) == 0)
            return true;
    return false;
}
