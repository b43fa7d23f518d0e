/*
 * A table of rooms and a queue of those that changed. The queue is linked through the rooms, so
 * that taking back a watch needs no memory and cannot fail; a room stands in it once, however often
 * it changes before the thread looks.
 *
 * A room whose watches are all taken back stays in the table until the thread has left its channel:
 * if it is watched again before, it is the same room, and the thread cannot mistake the answer to
 * an old request for that to a new one.
 */
#include "redis_watches.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct redis_watch *)a)->room, ((const struct redis_watch *)b)->room);
}

void redis_watches_init(struct redis_watches *watches)
{
    pthread_mutex_init(&watches->lock, NULL);
    watches->tree = NULL;
    TAILQ_INIT(&watches->changes);
}

void redis_watches_fini(struct redis_watches *watches)
{
    tdestroy(watches->tree, free);
    pthread_mutex_destroy(&watches->lock);
}

static struct redis_watch *find(struct redis_watches *watches, const char *room)
{
    struct redis_watch probe;
    snprintf(probe.room, sizeof probe.room, "%s", room);
    struct redis_watch *const *node = tfind(&probe, &watches->tree, compare);
    return node ? *node : NULL;
}

static struct redis_watch *find_or_make(struct redis_watches *watches, const char *room)
{
    struct redis_watch *watch = find(watches, room);
    if (watch)
        return watch;
    watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    snprintf(watch->room, sizeof watch->room, "%s", room);
    if (tsearch(watch, &watches->tree, compare))
        return watch;
    free(watch);
    return NULL;
}

static void note_change(struct redis_watches *watches, struct redis_watch *watch)
{
    if (watch->changed)
        return;
    watch->changed = true;
    TAILQ_INSERT_TAIL(&watches->changes, watch, change);
}

bool redis_watches_add(struct redis_watches *watches, const char *room)
{
    LOCKED(&watches->lock);
    struct redis_watch *watch = find_or_make(watches, room);
    if (!watch)
        return false;
    watch->watchers++;
    watch->asked = true;
    note_change(watches, watch);
    return true;
}

bool redis_watches_remove(struct redis_watches *watches, const char *room)
{
    LOCKED(&watches->lock);
    struct redis_watch *watch = find(watches, room);
    if (!watch || !watch->watchers || --watch->watchers)
        return false;
    note_change(watches, watch);
    return true;
}

struct redis_watch *redis_watches_next_change(struct redis_watches *watches)
{
    LOCKED(&watches->lock);
    struct redis_watch *watch = TAILQ_FIRST(&watches->changes);
    if (watch) {
        watch->changed = false;
        TAILQ_REMOVE(&watches->changes, watch, change);
    }
    return watch;
}

struct redis_watch *redis_watches_find(struct redis_watches *watches, const char *room)
{
    LOCKED(&watches->lock);
    return find(watches, room);
}

bool redis_watches_watched(struct redis_watches *watches, const struct redis_watch *watch)
{
    LOCKED(&watches->lock);
    return watch->watchers > 0;
}

bool redis_watches_asked(struct redis_watches *watches, const struct redis_watch *watch)
{
    LOCKED(&watches->lock);
    return watch->asked;
}

void redis_watches_answer(struct redis_watches *watches, struct redis_watch *watch)
{
    LOCKED(&watches->lock);
    watch->asked = false;
}

bool redis_watches_drop(struct redis_watches *watches, struct redis_watch *watch)
{
    LOCKED(&watches->lock);
    if (watch->watchers)
        return false;
    if (watch->changed)
        TAILQ_REMOVE(&watches->changes, watch, change);
    tdelete(watch, &watches->tree, compare);
    free(watch);
    return true;
}
