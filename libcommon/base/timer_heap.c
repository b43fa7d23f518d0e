/*
 * A pairing heap: a tree in which no child is due before its parent. Adding is one comparison;
 * removing merges the children of the removed node in pairs, which is O(log n) amortised.
 */
#include "timer_heap.h"

#include <stddef.h>

static void link_to(struct timer_heap_node **link, struct timer_heap_node *node)
{
    *link = node;
    if (node)
        node->link = link;
}

/* Makes one tree of two and returns its root. */
static struct timer_heap_node *merge(struct timer_heap_node *one, struct timer_heap_node *other)
{
    struct timer_heap_node *parent = other->due_us < one->due_us ? other : one;
    struct timer_heap_node *child = parent == one ? other : one;
    link_to(&child->next, parent->child);
    link_to(&parent->child, child);
    parent->next = NULL;
    return parent;
}

/* Makes one tree of a list of siblings: in pairs from the first to the last, then all of those. */
static struct timer_heap_node *merge_siblings(struct timer_heap_node *node)
{
    struct timer_heap_node *pairs = NULL;
    while (node) {
        struct timer_heap_node *second = node->next;
        struct timer_heap_node *rest = second ? second->next : NULL;
        struct timer_heap_node *pair = second ? merge(node, second) : node;
        pair->next = pairs;
        pairs = pair;
        node = rest;
    }
    struct timer_heap_node *root = pairs;
    for (pairs = root ? root->next : NULL; pairs;) {
        struct timer_heap_node *rest = pairs->next;
        root = merge(root, pairs);
        pairs = rest;
    }
    if (root)
        root->next = NULL;
    return root;
}

static void add(struct timer_heap *heap, struct timer_heap_node *tree)
{
    link_to(&heap->first, heap->first ? merge(heap->first, tree) : tree);
}

void timer_heap_set(struct timer_heap *heap, struct timer_heap_node *node, uint64_t due_us)
{
    timer_heap_remove(heap, node);
    node->due_us = due_us;
    add(heap, node);
}

void timer_heap_remove(struct timer_heap *heap, struct timer_heap_node *node)
{
    if (!node->link)
        return;
    link_to(node->link, node->next);
    struct timer_heap_node *children = merge_siblings(node->child);
    *node = (struct timer_heap_node){0};
    if (children)
        add(heap, children);
}
