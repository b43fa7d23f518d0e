/*
 * The room feeds: for each room that the gateway watches, one event stream from the message
 * service, read into the room (room_feed.h).
 *
 * One thread reads all of them; a room costs one connection.
 */
#ifndef TEMPMESSENGER_ROOM_FEEDS_H
#define TEMPMESSENGER_ROOM_FEEDS_H

#include "live_room.h"
#include "room_feed.h"

#include <stdbool.h>
#include <stddef.h>

struct room_feeds;

/* Copies the config's strings and starts the thread. NULL when out of memory or of descriptors. */
struct room_feeds *room_feeds_new(const struct room_feed_config *config);

/* Ends the thread. No call may be under way; rooms still open are let go. Takes NULL. */
void room_feeds_free(struct room_feeds *feeds);

/*
 * For struct live_source; `context` is a struct room_feeds. Any thread but the feeds' own, and no
 * lock may be held that a function of live_room.h for sources would wait for.
 *
 * Open: the room is fed from now on; once for a room, until it is closed. False when out of
 * memory. Close: when it returns the room is not used any more. Does nothing for a room that is
 * not open.
 */
bool room_feeds_open(void *context, struct live_room *room);
void room_feeds_close(void *context, struct live_room *room);

/* For an operator: the feeds of all open rooms. */
struct room_feeds_metrics {
    size_t connected; /* synchronised, and nothing was wrong since */
    size_t disconnected;
    size_t stale; /* of the disconnected: their rooms are stale */
};

/* Waits for nobody. */
void room_feeds_metrics(const struct room_feeds *feeds, struct room_feeds_metrics *ret_metrics);

#endif
