/*
 * One room: what the source brings, what the clock takes away, and what readers get of both.
 *
 * Every function begins by taking off what has expired at that moment, so that nothing which comes
 * after can show it; the timer only sees to it that the moment is not missed where nobody reads.
 *
 * Streams get what the source brings and nothing else, in its order. Were this process' own posts
 * published early, two readers would see two orders, and an id would skip a message that was
 * numbered before it and comes after it. So own posts are on the board without a number, in lists
 * but not in streams, until the source brings them.
 */
#include "event_text.h"
#include "live_room_private.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEP_ALIVE_US = 10 * 1000 * 1000, /* the contract promises a comment every 15 s */
    NOTICES_PIECE = 8 * 1024,         /* bytes */
};

struct live_room *live_room_new(struct live_room_host *host, const char *name,
                                const struct stream_source_ops *stream_ops)
{
    struct live_room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    pthread_mutex_init(&room->lock, NULL);
    clock_cond_init(&room->changed);
    room->host = host;
    stream_source_init(&room->source, stream_ops, &room->lock);
    memcpy(room->name, name, strlen(name) + 1);
    room->last = event_id_nothing(name);
    room->board = board_new();
    room->hub = event_hub_new();
    uint64_t now_us = clock_monotonic_us(host->clock);
    room->last_used_us = now_us;
    room->keep_alive_us = now_us + KEEP_ALIVE_US;
    room->armed_us = room->keep_alive_us;
    if (!room->board || !room->hub) {
        live_room_free(room);
        return NULL;
    }
    return room;
}

/* Sees to it that the rooms' count of messages has this room's right. Under the lock. */
static void count_messages(struct live_room *room, size_t count)
{
    if (count == room->counted)
        return;
    /* A difference below zero wraps around, and so does the sum. */
    atomic_fetch_add_explicit(&room->host->counts.messages, count - room->counted,
                              memory_order_relaxed);
    room->counted = count;
}

void live_room_free(struct live_room *room)
{
    count_messages(room, 0);
    if (room->stale)
        atomic_fetch_sub_explicit(&room->host->counts.stale, 1, memory_order_relaxed);
    event_hub_free(room->hub);
    board_list_fini(&room->list);
    board_free(room->board);
    pthread_cond_destroy(&room->changed);
    pthread_mutex_destroy(&room->lock);
    free(room);
}

void live_room_release(struct live_room *room)
{
    if (room)
        room->host->release(room->host, room);
}

const char *live_room_name(const struct live_room *room)
{
    return room->name;
}

static uint64_t now_of(const struct live_room *room)
{
    return clock_monotonic_us(room->host->clock);
}

/* ---- publishing, under the lock ---- */

/* Publishes what was collected in `text`; without memory for it the readers fall behind, since what
 * is left out cannot be told. */
static void publish(struct live_room *room, const struct buffer *text, struct event_id id,
                    uint64_t deadline_us)
{
    if (!room->readers || (!text->len && !text->failed))
        return;
    struct event event = {
        .text = text->data, .len = text->len, .id = id, .deadline_us = deadline_us};
    if (text->failed)
        event_hub_drop_all(room->hub);
    else
        event_hub_publish(room->hub, &event);
}

void live_room_publish_message(struct live_room *room, const struct message *message,
                               struct event_id id, uint64_t now_us)
{
    if (!room->readers)
        return;
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, LIVE_ROOM_EVENTS_MAX);
    event_text_append_message(&text, id, message, now_us);
    publish(room, &text, id, message->deadline_us);
}

void live_room_publish_notice(struct live_room *room, const struct buffer *text)
{
    publish(room, text, (struct event_id){0}, UINT64_MAX);
}

void live_room_publish_text(struct live_room *room, const char *text)
{
    struct event event = {.text = text, .len = strlen(text), .deadline_us = UINT64_MAX};
    if (room->readers)
        event_hub_publish(room->hub, &event);
}

void live_room_publish_piece(struct live_room *room, struct buffer *text)
{
    if (text->len < NOTICES_PIECE)
        return;
    live_room_publish_notice(room, text);
    buffer_clear(text);
}

/* Takes off what has expired and publishes it. */
static void expire(struct live_room *room, uint64_t now_us)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, LIVE_ROOM_EVENTS_MAX);
    struct live_room_counts *counts = &room->host->counts;
    struct message *expired;
    while ((expired = board_take_expired(room->board, now_us))) {
        metrics_count(&counts->expired);
        if (expired->number && room->readers) {
            event_text_append_expired(&text, expired->id);
            metrics_observe(&counts->lateness, now_us - expired->deadline_us);
            live_room_publish_piece(room, &text);
        }
        message_release(expired);
    }
    live_room_publish_notice(room, &text);
}

uint64_t live_room_enter(struct live_room *room)
{
    pthread_mutex_lock(&room->lock);
    uint64_t now_us = now_of(room);
    expire(room, now_us);
    return now_us;
}

void live_room_leave(struct live_room *room)
{
    struct stream_loops *loops = room->host->loops;
    unsigned to_wake =
        event_hub_take_news(room->hub) ? stream_loops_queue(loops, &room->source) : 0;
    uint64_t soonest_us = board_soonest_us(room->board);
    bool arm = soonest_us < room->armed_us;
    if (arm)
        room->armed_us = soonest_us;
    count_messages(room, board_count(room->board));
    pthread_mutex_unlock(&room->lock);
    stream_loops_wake(loops, to_wake);
    if (arm)
        room->host->arm(room->host, room, soonest_us);
}

void live_room_give_up(struct live_room *room)
{
    room->incomplete = true;
    room->unreachable = !room->synced;
    pthread_cond_broadcast(&room->changed);
    event_hub_drop_all(room->hub);
}

/* Lets go of the events where every reader waits for the next: none is behind. While there is news,
 * such as an end that was published a moment ago, those who wait are still to be sent it. */
static void trim(struct live_room *room)
{
    if (event_hub_has_news(room->hub))
        return;
    size_t waiting = 0;
    for (unsigned loop = 0; loop < STREAM_LOOPS_MAX; loop++)
        waiting += ring_count(&room->source.waiting[loop]);
    if (waiting == room->readers)
        event_hub_trim(room->hub);
}

uint64_t live_room_tick(struct live_room *room, uint64_t now_us)
{
    uint64_t entered_us = live_room_enter(room);
    if (room->keep_alive_us <= now_us) {
        trim(room);
        live_room_publish_text(room, EVENT_TEXT_COMMENT);
        room->keep_alive_us = entered_us + KEEP_ALIVE_US;
    }
    uint64_t next_us = room->keep_alive_us;
    if (board_soonest_us(room->board) < next_us)
        next_us = board_soonest_us(room->board);
    room->armed_us = next_us;
    live_room_leave(room);
    return next_us;
}

void live_room_stop(struct live_room *room)
{
    live_room_enter(room);
    live_room_publish_text(room, EVENT_TEXT_STOPPING);
    event_hub_end(room->hub);
    stream_loops_queue(room->host->loops, &room->source);
    pthread_mutex_unlock(&room->lock);
}

enum error_code live_room_wait(struct live_room *room, uint64_t timeout_ms, struct error *err)
{
    struct timespec until = clock_timespec(clock_now_us() + timeout_ms * 1000);
    LOCKED(&room->lock);
    while (!room->synced && !room->unreachable)
        if (pthread_cond_timedwait(&room->changed, &room->lock, &until) != 0)
            break;
    if (room->synced)
        return ERROR_NONE;
    if (room->incomplete)
        return error_because(err, ERROR_INTERNAL, "out of memory for the room's messages");
    return error_because(err, ERROR_UNAVAILABLE, "the room's messages are not known yet");
}

/* ---- for readers ---- */

void live_room_add_own(struct live_room *room, struct message *message)
{
    uint64_t now_us = live_room_enter(room);
    if (!message_expired(message, now_us))
        /* Without memory for it the message shows when the source brings it. */
        (void)board_insert(room->board, message);
    live_room_leave(room);
}

struct message *live_room_message(struct live_room *room, const char *message_id)
{
    if (!message_id_valid(message_id))
        return NULL;
    live_room_enter(room);
    struct message *message = board_find(room->board, message_id);
    if (message)
        message_retain(message);
    live_room_leave(room);
    return message;
}

size_t live_room_count(struct live_room *room)
{
    live_room_enter(room);
    size_t count = board_count(room->board);
    live_room_leave(room);
    return count;
}

enum error_code live_room_messages(struct live_room *room, struct message_array **ret_messages)
{
    live_room_enter(room);
    struct message_array *messages =
        message_array_of(room->board, &(struct message_array_filter){0});
    live_room_leave(room);
    if (!messages)
        return ERROR_INTERNAL;
    *ret_messages = messages;
    return ERROR_NONE;
}
