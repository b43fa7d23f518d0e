/*
 * Where the rooms' messages come from (the store, or a feed from another service), and what that
 * source does to a room.
 *
 * Any thread may call any function.
 */
#ifndef TEMPMESSENGER_LIVE_SOURCE_H
#define TEMPMESSENGER_LIVE_SOURCE_H

#include "event_id.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>

struct live_room;

/* What the rooms call. */
struct live_source {
    /* `room` is wanted: from now on keep it as it is in the source, beginning with
     * live_source_sync. Called without locks, once in a room's life. False: it cannot, for want of
     * memory. */
    bool (*open)(void *context, struct live_room *room);
    /* `room` is let go; when this returns the source does not use it any more. A new room of the
     * same name may have been opened before. Called on the timer's thread too: be quick. */
    void (*close)(void *context, struct live_room *room);
    void *context;
    /* A list of the source is never older than what it has brought before: a message that it does
     * not have is gone, even if its number is above the list's last. */
    bool lists_are_newest;
};

/* All live messages of the room, numbered, and the id of the last number given out: what is new is
 * published, what the source no longer has is taken off and told as deleted. Where the source may
 * have missed something this comes before the next live_source_add. */
void live_source_sync(struct live_room *room, struct message *const *messages, size_t count,
                      struct event_id last);

/* A new message, numbered, with the event's id. Messages come in the order of their numbers; one
 * that the room has had is passed over. */
void live_source_add(struct live_room *room, struct message *message, struct event_id id);

/* The source no longer has this message, before its time. */
void live_source_delete(struct live_room *room, const char *message_id);

/* Whether the room may be out of date, because the source has not been heard from: readers are told
 * `stale` once, and `fresh` when it is right again. */
void live_source_set_stale(struct live_room *room, bool stale);

/* The source cannot be reached just now: who waits for the first synchronisation is told so at
 * once, and so are those who come, until it succeeds. */
void live_source_unreachable(struct live_room *room);

#endif
