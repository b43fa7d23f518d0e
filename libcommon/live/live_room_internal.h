/*
 * What live_room.c (a room's content) and live_rooms.c (the rooms there are, and their timer) share.
 *
 * Locks: a thread that holds rooms->lock may take a room's lock, never the other way round. No lock
 * is held while the source is called or a subscriber resumed.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_INTERNAL_H
#define TEMPMESSENGER_LIVE_ROOM_INTERNAL_H

#include "board_list.h"
#include "event_hub.h"
#include "live_room.h"
#include "metrics.h"

#include <pthread.h>
#include <stdatomic.h>

#define LIVE_ROOM_UNLINKED SIZE_MAX

/* What is counted over all rooms, without a lock. */
struct live_rooms_counts {
    _Atomic size_t rooms;
    _Atomic size_t messages;
    struct metrics_counter dropped;
    struct metrics_counter refused;
    struct metrics_counter expired;
    struct metrics_histogram lateness;
};

struct live_room {
    struct live_rooms *rooms;
    char name[ROOM_NAME_SIZE];
    bool opened; /* by the source; set before anyone else can close it */

    pthread_mutex_t lock;   /* over these */
    pthread_cond_t changed; /* `synced` or `unreachable` has */
    bool synced;            /* once, at least */
    bool unreachable;       /* the source cannot be reached, and the room was never synced */
    _Atomic bool
        incomplete; /* there was no memory for what the source brought; read without it too */
    struct board *board;
    struct board_list list; /* of the board */
    struct event_hub *hub;
    struct event_id last;   /* of the last number that the source has given out */
    uint64_t deleted_up_to; /* ids up to this number may cover a message that was deleted */
    uint64_t keep_alive_us; /* when the next comment is due */
    uint64_t armed_us;      /* when the timer will look at this room */
    struct blob *snapshot;  /* the last made, and what it was made of */
    struct blob *snapshot_list;
    struct event_id snapshot_id;
    size_t counted; /* of its messages, in the counts of all rooms */

    /* Under rooms->lock. */
    size_t uses;
    uint64_t last_used_us;
    uint64_t wake_us;
    bool replaced;          /* by name another one is found, or none */
    bool probe;             /* a comment is to be sent, whether it is time for one or not */
    size_t heap_index;      /* LIVE_ROOM_UNLINKED: it is let go, the source is yet to know */
    struct live_room *next; /* of the same hash */
};

/* NULL when out of memory. */
struct live_room *live_room_new(struct live_rooms *rooms, const char *name);

/* Nobody may use it. Takes a half-built one. */
void live_room_free(struct live_room *room);

/* Locks the room and makes it true for this moment, which is returned: what has expired is off. */
uint64_t live_room_enter(struct live_room *room);

/* Unlocks, then wakes those who have something to read, and the timer if a message ends sooner than
 * it thinks. */
void live_room_leave(struct live_room *room);

/* Takes off what has expired and keeps the subscribers' connections alive. Returns when to do so
 * next, in monotonic microseconds. */
uint64_t live_room_tick(struct live_room *room, uint64_t now_us);

/* The next tick sends a comment. */
void live_room_hasten_comment(struct live_room *room);

/* Ends the subscribers' streams. Puts those who wait before *waiting, to be resumed. */
void live_room_stop(struct live_room *room, struct subscriber **waiting);

/* The room lacks what its source has, for want of memory: its streams end, who waits for it does so
 * no longer, and who asks for it next gets another one. */
void live_room_give_up(struct live_room *room);

/* Waits for the first synchronisation. */
enum error_code live_room_wait(struct live_room *room, uint64_t timeout_ms, struct error *err);

/* What a room asks of the rooms, and where it counts. */
const struct live_rooms_config *live_rooms_config(const struct live_rooms *rooms);
struct live_rooms_counts *live_rooms_counts(struct live_rooms *rooms);

/* The timer is to look at `room` no later than at `wake_us`. Without the room's lock. */
void live_rooms_arm(struct live_rooms *rooms, struct live_room *room, uint64_t wake_us);

/* One use more of a room that is in use. */
void live_rooms_retain(struct live_rooms *rooms, struct live_room *room);

/* A place for one more subscriber, of those there may be; false where there is none, or no more. */
bool live_rooms_add_subscriber(struct live_rooms *rooms, struct error *err);
void live_rooms_remove_subscriber(struct live_rooms *rooms);

/* Keeps streams alive; borrowed. */
struct blob *live_rooms_comment(struct live_rooms *rooms);

#endif
