/*
 * A subscribed room is listed, and then follows what is published, without a gap. Nothing need be
 * held back for that. What arrives before the list is requested was published before the list is
 * made, so it is in the list and is ignored; what arrives later stays in the socket until the list
 * is there, and its number says whether the list has it too.
 *
 * Whenever something is wrong (another epoch, a number that goes back, a publication that was
 * missed, a malformed one) the room is listed again: the list is always right.
 *
 * Which rooms are subscribed is the business of redis_subscriber_rooms.c.
 */
#include "redis_subscriber_sync.h"

#include "log.h"
#include "redis_answer.h"
#include "redis_list.h"
#include "redis_published.h"

enum { LIST_LOG_EVERY_US = 60 * 1000 * 1000 };

void redis_subscriber_sync_init(struct redis_subscriber_sync *sync)
{
    pthread_mutex_init(&sync->listener_lock, NULL);
    TAILQ_INIT(&sync->to_list);
    TAILQ_INIT(&sync->to_retry);
}

void redis_subscriber_sync_fini(struct redis_subscriber_sync *sync)
{
    pthread_mutex_destroy(&sync->listener_lock);
}

/* ---- turns ---- */

static void give_turn(struct redis_subscriber_sync *sync, struct redis_watch *room,
                      enum redis_watch_turn turn)
{
    if (room->turn == turn)
        return;
    if (room->turn == REDIS_WATCH_TO_LIST)
        TAILQ_REMOVE(&sync->to_list, room, turn_entry);
    if (room->turn == REDIS_WATCH_TO_RETRY)
        TAILQ_REMOVE(&sync->to_retry, room, turn_entry);
    room->turn = turn;
    if (turn == REDIS_WATCH_TO_LIST)
        TAILQ_INSERT_TAIL(&sync->to_list, room, turn_entry);
    if (turn == REDIS_WATCH_TO_RETRY) {
        room->retry_at_us = clock_now_us() + REDIS_SUBSCRIBER_SYNC_RETRY_US;
        TAILQ_INSERT_TAIL(&sync->to_retry, room, turn_entry);
    }
}

void redis_subscriber_sync_request(struct redis_subscriber_sync *sync, struct redis_watch *room)
{
    give_turn(sync, room, REDIS_WATCH_TO_LIST);
}

void redis_subscriber_sync_forget(struct redis_subscriber_sync *sync, struct redis_watch *room)
{
    room->listed = false;
    give_turn(sync, room, REDIS_WATCH_NO_TURN);
}

uint64_t redis_subscriber_sync_next_at_us(const struct redis_subscriber_sync *sync)
{
    if (!TAILQ_EMPTY(&sync->to_list))
        return 0;
    const struct redis_watch *next = TAILQ_FIRST(&sync->to_retry);
    return next ? next->retry_at_us : UINT64_MAX;
}

/* ---- the listener ---- */

static void report_synced(struct redis_subscriber_sync *sync, const struct redis_watch *room,
                          const struct message_list *list)
{
    LOCKED(&sync->listener_lock);
    if (redis_watches_watched(sync->watches, room))
        sync->listener.synced(sync->listener.context, room->room, list);
}

static void report_added(struct redis_subscriber_sync *sync, const struct redis_watch *room,
                         struct message *message, uint64_t epoch)
{
    LOCKED(&sync->listener_lock);
    if (redis_watches_watched(sync->watches, room))
        sync->listener.added(sync->listener.context, message, epoch);
}

static void report_unreachable(struct redis_subscriber_sync *sync, struct redis_watch *room)
{
    LOCKED(&sync->listener_lock);
    if (redis_watches_watched(sync->watches, room))
        sync->listener.unreachable(sync->listener.context, room->room);
}

void redis_subscriber_sync_unreachable(struct redis_subscriber_sync *sync, struct redis_watch *room)
{
    redis_watches_answer(sync->watches, room);
    report_unreachable(sync, room);
}

void redis_subscriber_sync_await_listener(struct redis_subscriber_sync *sync)
{
    LOCKED(&sync->listener_lock);
}

/* ---- listing ---- */

static void list_failed(struct redis_subscriber_sync *sync, struct redis_watch *room,
                        const struct error *err)
{
    if (clock_now_us() >= sync->list_log_after_us) {
        log_write(LOG_LEVEL_WARNING, "cannot list a room", LOG_TEXT("room", room->room),
                  LOG_TEXT("cause", err->cause));
        sync->list_log_after_us = clock_now_us() + LIST_LOG_EVERY_US;
    }
    give_turn(sync, room, REDIS_WATCH_TO_RETRY);
    report_unreachable(sync, room);
}

/* Whether it succeeded. */
static bool list_room(struct redis_subscriber_sync *sync, struct redis_watch *room)
{
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    const struct redis_lister lister = {sync->pool, sync->prefix, sync->clock, sync->ended};
    struct redis_moment moment;
    struct error err = {0};
    redis_watches_answer(sync->watches, room);
    uint64_t asked_us = clock_monotonic_us(sync->clock);
    if (redis_list(&lister, room->room, &list, &moment, &err)) {
        list_failed(sync, room, &err);
        return false;
    }
    redis_clock_confirm(&sync->redis_clock, asked_us, moment.redis_ms * 1000, 1000,
                        moment.monotonic_us);
    room->listed = true;
    room->listed_at = list.position;
    room->last_number = list.position.number;
    report_synced(sync, room, &list);
    return true;
}

bool redis_subscriber_sync_next(struct redis_subscriber_sync *sync)
{
    struct redis_watch *room = TAILQ_FIRST(&sync->to_list);
    if (!room) {
        room = TAILQ_FIRST(&sync->to_retry);
        if (!room || room->retry_at_us > clock_now_us())
            return false;
    }
    give_turn(sync, room, REDIS_WATCH_NO_TURN);
    return list_room(sync, room);
}

/* ---- what is published ---- */

/* Asks Redis what time it is. Without an answer its clock is no longer known, and messages are
 * dated by their arrival. */
static void ask_time(struct redis_subscriber_sync *sync)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, "TIME");
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    int64_t redis_us;
    uint64_t asked_us = clock_monotonic_us(sync->clock);
    if (redis_pool_call(sync->pool, &command, &reply, NULL) ||
        redis_answer_time(reply, &redis_us, NULL))
        sync->redis_clock.known = false;
    else
        redis_clock_confirm(&sync->redis_clock, asked_us, redis_us, 1,
                            clock_monotonic_us(sync->clock));
}

/* Makes the message and reports it; false where it cannot be made. */
static bool add(struct redis_subscriber_sync *sync, struct redis_watch *room,
                const struct redis_published *published)
{
    int64_t created_ms = published->message.fields.created_at_ms;
    uint64_t came_us = clock_monotonic_us(sync->clock);
    if (redis_clock_doubts(&sync->redis_clock, created_ms, came_us))
        ask_time(sync);
    struct redis_moment moment = redis_clock_date(&sync->redis_clock, created_ms, came_us);
    CLEANUP(message_release) struct message *message = NULL;
    if (redis_message_make(&published->message, &moment, &message))
        return false;
    room->last_number = published->position.number;
    room->listed_at.epoch = published->position.epoch;
    if (redis_ended_check(sync->ended, message, came_us))
        return true;
    report_added(sync, room, message, published->position.epoch);
    return true;
}

static void log_malformed(struct redis_subscriber_sync *sync, const struct redis_watch *room)
{
    if (!sync->malformed_logged)
        log_write(LOG_LEVEL_WARNING, "ignored a malformed publication; further ones are not logged",
                  LOG_TEXT("room", room->room));
    sync->malformed_logged = true;
}

void redis_subscriber_sync_publish(struct redis_subscriber_sync *sync, struct redis_watch *room,
                                   const redisReply *payload)
{
    if (!room->listed)
        return;
    CLEANUP_FINI(redis_published_fini) struct redis_published published;
    if (!redis_published_read(room->room, payload->str, payload->len, &published)) {
        log_malformed(sync, room);
        give_turn(sync, room, REDIS_WATCH_TO_LIST);
        return;
    }
    uint64_t epoch = room->listed_at.epoch;
    bool same_epoch = !epoch || epoch == published.position.epoch;
    if (same_epoch && published.position.number <= room->listed_at.number)
        return;
    bool gap = published.has_previous && published.previous != room->last_number;
    if (same_epoch && !gap && published.position.number > room->last_number &&
        add(sync, room, &published))
        return;
    room->listed = false;
    give_turn(sync, room, REDIS_WATCH_TO_LIST);
}
