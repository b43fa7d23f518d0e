/*
 * The newest of a board are those from the oldest of them on, which a sorted copy shows: the board
 * is in the order of ends. A message without a number is newer than all with one.
 */
#include "message_array.h"

#include <stdlib.h>
#include <string.h>

/* In the order of acceptance. Messages without a number are this process' own: their times tell. */
static int compare(const struct message *a, const struct message *b)
{
    uint64_t left = a->number ? a->number : UINT64_MAX;
    uint64_t right = b->number ? b->number : UINT64_MAX;
    if (left == right && a->created_at_ms != b->created_at_ms)
        return a->created_at_ms < b->created_at_ms ? -1 : 1;
    return left == right ? strcmp(a->id, b->id) : (left > right) - (left < right);
}

static int compare_places(const void *a, const void *b)
{
    return compare(*(struct message *const *)a, *(struct message *const *)b);
}

static bool passes(const struct message *message, const struct message_array_filter *filter)
{
    return (message->number || !filter->numbered) &&
           (!filter->above || message->number > filter->above) &&
           (!filter->before || compare(message, filter->before) < 0);
}

/* Leaves those in the array that are among the `newest` accepted, in their order. */
static bool keep_newest(struct message_array *array, size_t newest)
{
    if (!newest || array->count <= newest)
        return true;
    struct message **sorted = malloc(array->count * sizeof(struct message *));
    if (!sorted)
        return false;
    for (size_t i = 0; i < array->count; i++)
        sorted[i] = array->messages[i];
    qsort(sorted, array->count, sizeof(struct message *), compare_places);
    const struct message *oldest = sorted[array->count - newest];
    free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < array->count; i++)
        if (compare(array->messages[i], oldest) >= 0)
            array->messages[kept++] = array->messages[i];
    array->count = kept;
    return true;
}

struct message_array *message_array_of(const struct board *board,
                                       const struct message_array_filter *filter)
{
    size_t count = board_count(board);
    struct message_array *array = malloc(sizeof *array + count * sizeof(struct message *));
    if (!array)
        return NULL;
    array->count = 0;
    for (size_t i = 0; i < count; i++)
        if (passes(board_at(board, i), filter))
            array->messages[array->count++] = board_at(board, i);
    if (!keep_newest(array, filter->newest)) {
        free(array);
        return NULL;
    }
    for (size_t i = 0; i < array->count; i++)
        message_retain(array->messages[i]);
    return array;
}

void message_array_sort(struct message_array *array)
{
    /* Those of equal lifetimes are in order already. */
    for (size_t i = 1; i < array->count; i++)
        if (compare(array->messages[i - 1], array->messages[i]) > 0) {
            qsort(array->messages, array->count, sizeof(struct message *), compare_places);
            return;
        }
}

void message_array_free(struct message_array *array)
{
    for (size_t i = 0; array && i < array->count; i++)
        message_release(array->messages[i]);
    free(array);
}
