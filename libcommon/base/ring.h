/*
 * A ring of links: a list whose elements hold their own links, so that one can leave, or all move
 * to another ring, in constant time. A link that is in no ring is a ring of itself. The owner knows
 * which structs a ring links.
 */
#ifndef TEMPMESSENGER_RING_H
#define TEMPMESSENGER_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring {
    struct ring *next, *previous;
};

/* The struct of `type` whose member `member` is the link. */
#define RING_OWNER(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void ring_init(struct ring *link)
{
    link->next = link->previous = link;
}

static inline bool ring_empty(const struct ring *ring)
{
    return ring->next == ring;
}

static inline void ring_remove(struct ring *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    ring_init(link);
}

/* How many links are in the ring, itself not counted. */
static inline size_t ring_count(const struct ring *ring)
{
    size_t count = 0;
    for (const struct ring *link = ring->next; link != ring; link = link->next)
        count++;
    return count;
}

/* Puts `link`, which is in no ring, at the end of `ring`. */
static inline void ring_append(struct ring *ring, struct ring *link)
{
    link->previous = ring->previous;
    link->next = ring;
    ring->previous->next = link;
    ring->previous = link;
}

/* Takes out the first, or returns NULL. */
static inline struct ring *ring_take_first(struct ring *ring)
{
    struct ring *first = ring->next;
    if (first == ring)
        return NULL;
    ring_remove(first);
    return first;
}

/* Moves all that `from` links to the end of `ring`. */
static inline void ring_move(struct ring *ring, struct ring *from)
{
    if (ring_empty(from))
        return;
    from->next->previous = ring->previous;
    ring->previous->next = from->next;
    from->previous->next = ring;
    ring->previous = from->previous;
    ring_init(from);
}

#endif
