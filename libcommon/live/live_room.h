/*
 * The rooms that somebody watches or asked for lately, each with its board and its subscribers.
 *
 * A room is filled by one source (the store, or a feed from another service), which is told when a
 * room is first wanted and when it is let go. What the source brings goes to the board and, in the
 * source's order, to the subscribers; what expires is taken off by one timer for all rooms and told
 * at that moment. Reads are answered from the board, without waiting for anyone.
 *
 * Any thread may call any function.
 */
#ifndef TEMPMESSENGER_LIVE_ROOM_H
#define TEMPMESSENGER_LIVE_ROOM_H

#include "board.h"
#include "clock.h"
#include "error.h"
#include "event_id.h"
#include "http_exchange.h"
#include "metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_rooms;
struct live_room;

/* Where the rooms' messages come from. */
struct live_source {
    /* `room` is wanted: from now on keep it as it is in the source, beginning with live_room_sync.
     * Called without locks, once in a room's life. False: it cannot, for want of memory. */
    bool (*open)(void *context, struct live_room *room);
    /* `room` is let go; when this returns the source does not use it any more. A new room of the
     * same name may have been opened before. Called on the timer's thread too: be quick. */
    void (*close)(void *context, struct live_room *room);
    void *context;
    /* A list of the source is never older than what it has brought before: a message that it does
     * not have is gone, even if its number is above the list's last. */
    bool lists_are_newest;
};

struct live_rooms_config {
    struct live_source source;
    size_t rooms_max;
    size_t subscribers_max; /* of all rooms together */
    uint64_t linger_us;     /* how long a room stays that nobody uses */
    const struct clock *clock;
};

/* Starts the timer's thread. NULL when out of memory. */
struct live_rooms *live_rooms_new(const struct live_rooms_config *config);

/* Tells all subscribers that the service is stopping and ends their streams; who comes later is
 * answered 503. */
void live_rooms_stop(struct live_rooms *rooms);

/* Closes all rooms and frees. No room may be in use and no stream left. Takes NULL. */
void live_rooms_free(struct live_rooms *rooms);

/* What an operator is told, each number for itself. */
struct live_rooms_metrics {
    size_t rooms;                         /* open */
    size_t messages;                      /* alive in them */
    size_t subscribers;                   /* event streams open */
    size_t subscribers_max;               /* that may be */
    uint64_t dropped;                     /* subscribers that fell too far behind */
    uint64_t refused;                     /* that came when as many were there as may be */
    uint64_t expired;                     /* messages whose time was up, told to somebody or not */
    struct metrics_distribution lateness; /* of each `expired` behind its message's end */
};

/* Waits for nobody. */
void live_rooms_metrics(const struct live_rooms *rooms, struct live_rooms_metrics *ret_metrics);

/*
 * The room called `name`, opened if it is not there, once it has been synchronised: waits for that
 * at most `timeout_ms`. The caller gives it back with live_room_release.
 * UNAVAILABLE: not synchronised in time, or too many rooms; INTERNAL: out of memory.
 * A room that had no memory for what its source brought is not waited for any more, its streams
 * end, and the next to ask for it gets a new one.
 */
enum error_code live_rooms_use(struct live_rooms *rooms, const char *name, uint64_t timeout_ms,
                               struct live_room **ret_room, struct error *err) ERROR_MUST_USE;

/* The same if it is there, in whatever state, else NULL. */
struct live_room *live_rooms_find(struct live_rooms *rooms, const char *name);

/* Takes NULL. */
void live_room_release(struct live_room *room);

CLEANUP_DEFINE(struct live_room, live_room_release)

const char *live_room_name(const struct live_room *room);

/* ---- for the source ---- */

/* All live messages of the room, numbered, and the id of the last number given out: what is new is
 * published, what the source no longer has is taken off and told as deleted. Where the source may
 * have missed something this comes before the next live_room_add. */
void live_room_sync(struct live_room *room, struct message *const *messages, size_t count,
                    struct event_id last);

/* A new message, numbered, with the event's id. Messages come in the order of their numbers; one
 * that the room has had is passed over. */
void live_room_add(struct live_room *room, struct message *message, struct event_id id);

/* The source no longer has this message, before its time. */
void live_room_delete(struct live_room *room, const char *message_id);

/* The source cannot be reached just now: who waits for the first synchronisation is told so at once,
 * and so are those who come, until it succeeds. */
void live_room_unreachable(struct live_room *room);

/* ---- for readers ---- */

/* A message that this process had accepted and whose number it does not know: it is listed from now
 * on and published when the source brings it. */
void live_room_add_own(struct live_room *room, struct message *message);

/* The JSON array of the live messages and its entity tag; the caller releases *ret_list. INTERNAL
 * when out of memory. */
enum error_code live_room_list(struct live_room *room, struct blob **ret_list,
                               char ret_etag[BOARD_ETAG_SIZE]) ERROR_MUST_USE;

/* The live message, with a reference for the caller, or NULL. */
struct message *live_room_message(struct live_room *room, const char *message_id);

/* A copy of the board as it is now; the caller frees it. INTERNAL when out of memory. */
enum error_code live_room_board(struct live_room *room, struct board **ret_board) ERROR_MUST_USE;

/* Answers with the room's event stream; `last_event_id` NULL: a new reader. UNAVAILABLE where there
 * are as many subscribers as there may be; INTERNAL when out of memory, or where the room was. */
enum error_code live_room_subscribe(struct live_room *room, struct http_exchange *exchange,
                                    const char *last_event_id, struct error *err);

#endif
