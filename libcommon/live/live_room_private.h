/*
 * What a room is made of, for the files of this folder alone; all others see
 * live_room.h.
 *
 * Locks: a thread that holds the lock of the rooms may take a room's, and a thread that holds a
 * room's may take that of a stream loop; never the other way round. No lock is held while the
 * source is called.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_PRIVATE_H
#define TEMPMESSENGER_LIVE_ROOM_PRIVATE_H

#include "board_list.h"
#include "event_hub.h"
#include "live_room.h"
#include "live_room_host.h"
#include "stream_loops.h"

#include <pthread.h>
#include <stdatomic.h>

#define LIVE_ROOM_UNLINKED SIZE_MAX

struct live_room {
    struct live_room_host *host;
    char name[ROOM_NAME_SIZE];
    bool opened; /* by the source; set before anyone else can close it */

    pthread_mutex_t lock;   /* over these */
    pthread_cond_t changed; /* `synced` or `unreachable` has */
    bool synced;            /* once, at least */
    bool unreachable;       /* the source cannot be reached, and the room was never synced */
    bool stale;             /* readers are told that the room may be out of date */
    /* There was no memory for what the source brought; read without the lock too. */
    _Atomic bool incomplete;
    struct board *board;
    struct board_list list; /* of the board */
    struct event_hub *hub;
    size_t readers;              /* streams */
    struct stream_source source; /* of them */
    struct event_id last;        /* of the last number that the source has given out */
    uint64_t deleted_up_to;      /* ids up to this number may cover a message that was deleted */
    uint64_t keep_alive_us;      /* when the next comment is due */
    uint64_t armed_us;           /* when the timer will look at this room */
    size_t counted;              /* of its messages, in the counts of all rooms */

    /* Under the lock of the rooms. */
    size_t uses;
    uint64_t last_used_us;
    uint64_t wake_us;
    bool replaced;          /* by name another one is found, or none */
    size_t heap_index;      /* LIVE_ROOM_UNLINKED: it is let go, the source is yet to know */
    struct live_room *next; /* of the same hash */
};

/* A room whose readers are `stream_ops`'; NULL when out of memory. */
struct live_room *live_room_new(struct live_room_host *host, const char *name,
                                const struct stream_source_ops *stream_ops);

/* Nobody may use it. Takes a half-built one. */
void live_room_free(struct live_room *room);

/* Locks the room and makes it true for this moment, which is returned: what has expired is off. */
uint64_t live_room_enter(struct live_room *room);

/* Unlocks, then wakes the loops whose readers have something to read, and the timer if a message
 * ends sooner than it thinks. */
void live_room_leave(struct live_room *room);

/* Takes off what has expired and keeps the readers' connections alive. Returns when to do so next,
 * in monotonic microseconds. */
uint64_t live_room_tick(struct live_room *room, uint64_t now_us);

/* Ends the readers' streams; the caller wakes the loops. May be called under the lock of the
 * rooms. */
void live_room_stop(struct live_room *room);

/* Under the lock. The room lacks what its source has, for want of memory, and would lack it for
 * ever, since the source does not bring it again to this room: its streams end, whoever waits for
 * it does so no longer, and the next to ask for it gets another one. */
void live_room_give_up(struct live_room *room);

enum { LIVE_ROOM_EVENTS_MAX = 64 * 1024 * 1024 /* bytes of the events of one change */ };

/* These publish to the room's readers, under the lock: a message; what is no message, and is sent
 * whenever it is read; a text that is one event. */
void live_room_publish_message(struct live_room *room, const struct message *message,
                               struct event_id id, uint64_t now_us);
void live_room_publish_notice(struct live_room *room, const struct buffer *text);
void live_room_publish_text(struct live_room *room, const char *text);

/* Publishes what is in `text`, if that is a piece: of notices many may come at one time, and a
 * reader whose socket is full keeps one event. */
void live_room_publish_piece(struct live_room *room, struct buffer *text);

/* Waits for the first synchronisation. */
enum error_code live_room_wait(struct live_room *room, uint64_t timeout_ms, struct error *err);

#endif
