/*
 * The newest of a board are found by the number that the first of them has, on a sorted copy of the
 * numbers: the board is in the order of ends. A message without a number is newer than all with one.
 */
#include "message_array.h"

#include <stdlib.h>

static uint64_t rank_of(const struct message *message)
{
    return message->number ? message->number : UINT64_MAX;
}

static int compare_ranks(const void *a, const void *b)
{
    uint64_t left = rank_of(*(struct message *const *)a);
    uint64_t right = rank_of(*(struct message *const *)b);
    return (left > right) - (left < right);
}

static bool passes(const struct message *message, const struct message_array_filter *filter)
{
    return (message->number || !filter->numbered) &&
           (!filter->above || message->number > filter->above) &&
           (!filter->before || rank_of(message) < rank_of(filter->before));
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
    qsort(sorted, array->count, sizeof *sorted, compare_ranks);
    uint64_t least = rank_of(sorted[array->count - newest]);
    free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < array->count; i++)
        if (rank_of(array->messages[i]) >= least)
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

void message_array_sort_by_number(struct message_array *array)
{
    qsort(array->messages, array->count, sizeof(struct message *), message_compare_numbers);
}

void message_array_free(struct message_array *array)
{
    for (size_t i = 0; array && i < array->count; i++)
        message_release(array->messages[i]);
    free(array);
}
