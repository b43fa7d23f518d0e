/*
 * Separate from the rooms themselves, which exist only while they have a live message: a room may
 * be watched long before anyone writes to it.
 */
#include "memory_watches.h"

#include "room_name.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
    char room[ROOM_NAME_SIZE];
    unsigned watches;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct count *)a)->room, ((const struct count *)b)->room);
}

void memory_watches_fini(struct memory_watches *watches)
{
    tdestroy(watches->counts, free);
    watches->counts = NULL;
}

static struct count *find(const struct memory_watches *watches, const char *room)
{
    struct count probe;
    snprintf(probe.room, sizeof probe.room, "%s", room);
    struct count *const *node = tfind(&probe, &watches->counts, compare);
    return node ? *node : NULL;
}

bool memory_watches_add(struct memory_watches *watches, const char *room)
{
    struct count *count = find(watches, room);
    if (!count) {
        count = calloc(1, sizeof *count);
        if (!count)
            return false;
        snprintf(count->room, sizeof count->room, "%s", room);
        if (!tsearch(count, &watches->counts, compare)) {
            free(count);
            return false;
        }
    }
    count->watches++;
    return true;
}

void memory_watches_remove(struct memory_watches *watches, const char *room)
{
    struct count *count = find(watches, room);
    if (!count || --count->watches)
        return;
    tdelete(count, &watches->counts, compare);
    free(count);
}

bool memory_watches_has(const struct memory_watches *watches, const char *room)
{
    return find(watches, room);
}
