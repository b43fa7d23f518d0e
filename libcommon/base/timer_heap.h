/*
 * Deadlines in order: the next one is found at once, however many there are.
 *
 * A node is a member of the struct whose deadline it is, and belongs to its owner; the heap
 * allocates nothing. Heap and nodes are ready when their memory is zero. Not thread-safe.
 */
#ifndef TEMPMESSENGER_TIMER_HEAP_H
#define TEMPMESSENGER_TIMER_HEAP_H

#include <stdint.h>

struct timer_heap_node {
    uint64_t due_us; /* for reading only */

    /* Its own. */
    struct timer_heap_node **link; /* the pointer that leads here; NULL: it is in no heap */
    struct timer_heap_node *next;
    struct timer_heap_node *child;
};

struct timer_heap {
    struct timer_heap_node *first; /* the node that is due first; NULL: the heap is empty */
};

/* Adds the node, or moves it if it is in this heap already. */
void timer_heap_set(struct timer_heap *heap, struct timer_heap_node *node, uint64_t due_us);

/* Removes the node; does nothing if it is in no heap. */
void timer_heap_remove(struct timer_heap *heap, struct timer_heap_node *node);

#endif
