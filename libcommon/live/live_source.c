/*
 * Each change is made to the room's board and published under the room's lock, so that every reader
 * sees one order. live_room.c has what all changes share.
 */
#include "live_source.h"

#include "event_text.h"
#include "live_room_private.h"

#include <stdlib.h>

enum {
    /* A post of ours that a synchronisation does not have may have been made while the source was
     * listing. Older than this it is gone from the source. */
    OWN_GRACE_US = 10 * 1000 * 1000,
};

/* Whether a message that the source does not list is gone from it. */
static bool is_gone(const struct live_room *room, const struct message *message,
                    struct event_id last, uint64_t now_us)
{
    bool same_epoch = last.tag == room->last.tag;
    if (message->number)
        return !same_epoch || message->number <= last.number || room->host->lists_are_newest;
    uint64_t life_us = (uint64_t)(message->expires_at_ms - message->created_at_ms) * 1000;
    return message->deadline_us - now_us + OWN_GRACE_US < life_us;
}

/* Takes off what the source no longer has. */
static void remove_gone(struct live_room *room, const struct board *listed, struct event_id last,
                        uint64_t now_us)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, LIVE_ROOM_EVENTS_MAX);
    for (size_t i = board_count(room->board); i-- > 0;) {
        const struct message *message = board_at(room->board, i);
        if (board_find(listed, message->id) || !is_gone(room, message, last, now_us))
            continue;
        if (message->number) {
            event_text_append_deleted(&text, message->id);
            live_room_publish_piece(room, &text);
            bool ahead = room->last.tag == last.tag && room->last.number > last.number;
            room->deleted_up_to = ahead ? room->last.number : last.number;
        }
        message_release(board_take(room->board, message->id));
    }
    live_room_publish_notice(room, &text);
}

/* The id of the event for a message that a synchronisation brought. */
static struct event_id id_of(const struct message *message, struct event_id last)
{
    return (struct event_id){.number = message->number, .tag = last.tag};
}

/* False when out of memory, with some of them added perhaps. */
static bool add_listed(struct live_room *room, const struct board *listed, struct event_id last,
                       uint64_t now_us)
{
    size_t count = board_count(listed);
    struct message **messages = calloc(count ? count : 1, sizeof(struct message *));
    if (!messages)
        return false;
    for (size_t i = 0; i < count; i++)
        messages[i] = board_at(listed, i);
    qsort(messages, count, sizeof(struct message *), message_compare_numbers);
    bool complete = true;
    for (size_t i = 0; i < count && complete; i++) {
        enum board_outcome outcome = message_expired(messages[i], now_us)
                                         ? BOARD_KNOWN
                                         : board_insert(room->board, messages[i]);
        if (outcome == BOARD_ADDED || outcome == BOARD_NUMBERED)
            live_room_publish_message(room, messages[i], id_of(messages[i], last), now_us);
        complete = outcome != BOARD_NO_MEMORY;
    }
    free(messages);
    return complete;
}

/* Ids only grow, but where the store has begun a new epoch. */
static void advance(struct live_room *room, struct event_id id)
{
    if (id.tag != room->last.tag || id.number > room->last.number)
        room->last = id;
}

void live_source_sync(struct live_room *room, struct message *const *messages, size_t count,
                      struct event_id last)
{
    CLEANUP(board_free) struct board *listed = board_of(messages, count);
    uint64_t now_us = live_room_enter(room);
    if (listed)
        remove_gone(room, listed, last, now_us);
    if (listed && add_listed(room, listed, last, now_us)) {
        advance(room, last);
        if (!room->synced)
            event_hub_wake(room->hub); /* streams that wait for their opening */
        room->synced = true;
        room->unreachable = false;
        room->incomplete = false;
        pthread_cond_broadcast(&room->changed);
    } else {
        live_room_give_up(room);
    }
    live_room_leave(room);
}

void live_source_set_stale(struct live_room *room, bool stale)
{
    live_room_enter(room);
    if (room->stale != stale) {
        room->stale = stale;
        /* A stream that waits for its opening learns of it there. */
        if (room->synced)
            live_room_publish_text(room, stale ? EVENT_TEXT_STALE : EVENT_TEXT_FRESH);
        atomic_fetch_add_explicit(&room->host->counts.stale, stale ? 1 : SIZE_MAX,
                                  memory_order_relaxed);
    }
    live_room_leave(room);
}

void live_source_unreachable(struct live_room *room)
{
    LOCKED(&room->lock);
    room->unreachable = !room->synced;
    pthread_cond_broadcast(&room->changed);
}

void live_source_add(struct live_room *room, struct message *message, struct event_id id)
{
    uint64_t now_us = live_room_enter(room);
    if (!message_expired(message, now_us)) {
        enum board_outcome outcome = board_insert(room->board, message);
        if (outcome == BOARD_ADDED || outcome == BOARD_NUMBERED)
            live_room_publish_message(room, message, id, now_us);
        else if (outcome == BOARD_NO_MEMORY)
            live_room_give_up(room);
    }
    advance(room, id);
    live_room_leave(room);
}

void live_source_delete(struct live_room *room, const char *message_id)
{
    live_room_enter(room);
    CLEANUP(message_release)
    struct message *message =
        message_id_valid(message_id) ? board_take(room->board, message_id) : NULL;
    if (message && message->number) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, LIVE_ROOM_EVENTS_MAX);
        event_text_append_deleted(&text, message_id);
        live_room_publish_notice(room, &text);
        room->deleted_up_to = room->last.number;
    }
    live_room_leave(room);
}
