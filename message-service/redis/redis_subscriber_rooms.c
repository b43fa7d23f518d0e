/*
 * What a room goes through: its channel is joined, the room is listed, and what is published from
 * then on follows the list without a gap. Nothing need be held back for that. What comes before the
 * list is asked for was published before the list is made, so that it is in the list and is passed
 * over; what comes after stands in the socket until the list is there, and what of it is in the
 * list too is known by its number.
 *
 * A channel is joined or left only when the last request for it was answered, so that an answer can
 * only mean the one request.
 *
 * Whenever something is not as it should be (another epoch, a number that goes back, nonsense from
 * a stranger) the room is listed again: the list is always right.
 */
#include "redis_subscriber_rooms.h"

#include "log.h"
#include "redis_answer.h"
#include "redis_list.h"
#include "redis_published.h"
#include "redis_subscriber_link.h"
#include "redis_subscriber_private.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_WARN_EVERY_US = 60 * 1000 * 1000 };

static uint64_t now_us(void)
{
    return clock_monotonic_us(&clock_system);
}

/* ---- turns ---- */

static void give_turn(struct redis_subscriber *subscriber, struct redis_watch *room,
                      enum redis_watch_turn turn)
{
    if (room->turn == turn)
        return;
    if (room->turn == REDIS_WATCH_TO_LIST)
        TAILQ_REMOVE(&subscriber->to_list, room, turn_entry);
    if (room->turn == REDIS_WATCH_TO_RETRY)
        TAILQ_REMOVE(&subscriber->to_retry, room, turn_entry);
    room->turn = turn;
    if (turn == REDIS_WATCH_TO_LIST)
        TAILQ_INSERT_TAIL(&subscriber->to_list, room, turn_entry);
    if (turn == REDIS_WATCH_TO_RETRY) {
        room->retry_at_us = now_us() + REDIS_SUBSCRIBER_RETRY_US;
        TAILQ_INSERT_TAIL(&subscriber->to_retry, room, turn_entry);
    }
}

uint64_t redis_subscriber_rooms_list_at_us(const struct redis_subscriber *subscriber)
{
    if (!TAILQ_EMPTY(&subscriber->to_list))
        return 0;
    const struct redis_watch *next = TAILQ_FIRST(&subscriber->to_retry);
    return next ? next->retry_at_us : UINT64_MAX;
}

/* ---- the listener ---- */

static void tell_synced(struct redis_subscriber *subscriber, const struct redis_watch *room,
                        const struct message_list *list)
{
    LOCKED(&subscriber->telling);
    if (redis_watches_watched(&subscriber->watches, room))
        subscriber->listener.synced(subscriber->listener.context, room->room, list);
}

static void tell_added(struct redis_subscriber *subscriber, const struct redis_watch *room,
                       struct message *message, uint64_t epoch)
{
    LOCKED(&subscriber->telling);
    if (redis_watches_watched(&subscriber->watches, room))
        subscriber->listener.added(subscriber->listener.context, message, epoch);
}

static void tell_unreachable(struct redis_subscriber *subscriber, struct redis_watch *room)
{
    LOCKED(&subscriber->telling);
    if (redis_watches_watched(&subscriber->watches, room))
        subscriber->listener.unreachable(subscriber->listener.context, room->room);
}

/* ---- joining and leaving ---- */

static void drop(struct redis_subscriber *subscriber, struct redis_watch *room)
{
    give_turn(subscriber, room, REDIS_WATCH_NO_TURN);
    TAILQ_REMOVE(&subscriber->rooms, room, entry);
    room->adopted = false;
    /* If it was watched again just now it is among the changes, and comes back by them. */
    (void)!redis_watches_drop(&subscriber->watches, room);
}

static enum error_code join(struct redis_subscriber *subscriber, struct redis_watch *room,
                            struct error *err)
{
    room->state = REDIS_WATCH_JOINING;
    return redis_subscriber_link_request(subscriber, "SUBSCRIBE", room->room, err);
}

static enum error_code leave(struct redis_subscriber *subscriber, struct redis_watch *room,
                             struct error *err)
{
    room->state = REDIS_WATCH_LEAVING;
    room->listed = false;
    give_turn(subscriber, room, REDIS_WATCH_NO_TURN);
    return redis_subscriber_link_request(subscriber, "UNSUBSCRIBE", room->room, err);
}

/* A watch of a room while there is no connection. It is told so at once, unless a try to connect is
 * due now. */
static void settle_without(struct redis_subscriber *subscriber, struct redis_watch *room)
{
    if (!redis_watches_watched(&subscriber->watches, room)) {
        drop(subscriber, room);
    } else if (now_us() < subscriber->connect_at_us &&
               redis_watches_asked(&subscriber->watches, room)) {
        /* It is listed anyway when there is a connection again. */
        redis_watches_answer(&subscriber->watches, room);
        tell_unreachable(subscriber, room);
    }
}

enum error_code redis_subscriber_rooms_settle(struct redis_subscriber *subscriber,
                                              struct redis_watch *room, struct error *err)
{
    if (!room->adopted) {
        room->adopted = true;
        TAILQ_INSERT_TAIL(&subscriber->rooms, room, entry);
    }
    if (!subscriber->connection) {
        settle_without(subscriber, room);
        return ERROR_NONE;
    }
    bool watched = redis_watches_watched(&subscriber->watches, room);
    if (room->state == REDIS_WATCH_OUT && watched)
        return join(subscriber, room, err);
    if (room->state == REDIS_WATCH_OUT)
        drop(subscriber, room);
    else if (room->state == REDIS_WATCH_IN && !watched)
        return leave(subscriber, room, err);
    else if (room->state == REDIS_WATCH_IN &&
             (!room->listed || redis_watches_asked(&subscriber->watches, room)))
        give_turn(subscriber, room, REDIS_WATCH_TO_LIST);
    return ERROR_NONE;
}

void redis_subscriber_rooms_lose(struct redis_subscriber *subscriber)
{
    struct redis_watch *next;
    for (struct redis_watch *room = TAILQ_FIRST(&subscriber->rooms); room; room = next) {
        next = TAILQ_NEXT(room, entry);
        room->state = REDIS_WATCH_OUT;
        room->listed = false;
        give_turn(subscriber, room, REDIS_WATCH_NO_TURN);
        if (!redis_watches_watched(&subscriber->watches, room)) {
            drop(subscriber, room);
            continue;
        }
        redis_watches_answer(&subscriber->watches, room);
        tell_unreachable(subscriber, room);
    }
}

/* ---- listing ---- */

static void list_failed(struct redis_subscriber *subscriber, struct redis_watch *room,
                        const struct error *err)
{
    if (now_us() >= subscriber->list_warn_after_us) {
        log_write(LOG_LEVEL_WARNING, "cannot list a room", LOG_TEXT("room", room->room),
                  LOG_TEXT("cause", err->cause));
        subscriber->list_warn_after_us = now_us() + LIST_WARN_EVERY_US;
    }
    give_turn(subscriber, room, REDIS_WATCH_TO_RETRY);
    tell_unreachable(subscriber, room);
}

static void list_room(struct redis_subscriber *subscriber, struct redis_watch *room)
{
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    struct redis_moment moment;
    struct error err = {0};
    redis_watches_answer(&subscriber->watches, room);
    uint64_t asked_us = clock_monotonic_us(subscriber->clock);
    if (redis_list(subscriber->pool, &subscriber->list_script, subscriber->prefix, room->room,
                   subscriber->clock, &list, &moment, &err)) {
        list_failed(subscriber, room, &err);
        return;
    }
    if (subscriber->warned)
        log_write(LOG_LEVEL_INFO, "Redis subscription restored");
    subscriber->warned = false;
    redis_clock_confirm(&subscriber->redis_clock, asked_us, moment.redis_ms * 1000, 1000,
                        moment.monotonic_us);
    room->listed = true;
    room->listed_at = list.position;
    room->last_number = list.position.number;
    tell_synced(subscriber, room, &list);
}

void redis_subscriber_rooms_list_next(struct redis_subscriber *subscriber)
{
    struct redis_watch *room = TAILQ_FIRST(&subscriber->to_list);
    if (!room) {
        room = TAILQ_FIRST(&subscriber->to_retry);
        if (!room || room->retry_at_us > now_us())
            return;
    }
    give_turn(subscriber, room, REDIS_WATCH_NO_TURN);
    list_room(subscriber, room);
}

/* ---- what is published ---- */

/* Asks Redis what time it is. Without an answer its clock is not known any more: messages are then
 * dated by their coming. */
static void ask_time(struct redis_subscriber *subscriber)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, "TIME");
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    int64_t redis_us;
    uint64_t asked_us = clock_monotonic_us(subscriber->clock);
    if (redis_pool_call(subscriber->pool, &command, &reply, NULL) ||
        redis_answer_time(reply, &redis_us, NULL))
        subscriber->redis_clock.known = false;
    else
        redis_clock_confirm(&subscriber->redis_clock, asked_us, redis_us, 1,
                            clock_monotonic_us(subscriber->clock));
}

/* Makes and tells the message; whether it could. */
static bool add(struct redis_subscriber *subscriber, struct redis_watch *room,
                const struct redis_published *published)
{
    int64_t created_ms = published->message.fields.created_at_ms;
    uint64_t came_us = clock_monotonic_us(subscriber->clock);
    if (redis_clock_doubts(&subscriber->redis_clock, created_ms, came_us))
        ask_time(subscriber);
    struct redis_moment moment = redis_clock_date(&subscriber->redis_clock, created_ms, came_us);
    CLEANUP(message_release) struct message *message = NULL;
    if (redis_message_make(&published->message, &moment, &message))
        return false;
    room->last_number = published->position.number;
    room->listed_at.epoch = published->position.epoch;
    tell_added(subscriber, room, message, published->position.epoch);
    return true;
}

static void warn_of_nonsense(struct redis_subscriber *subscriber, const struct redis_watch *room)
{
    if (!subscriber->nonsense_warned)
        log_write(LOG_LEVEL_WARNING, "ignored a malformed publication; further ones are not logged",
                  LOG_TEXT("room", room->room));
    subscriber->nonsense_warned = true;
}

static void handle_message(struct redis_subscriber *subscriber, struct redis_watch *room,
                           const redisReply *payload)
{
    if (room->state != REDIS_WATCH_IN || !room->listed)
        return;
    CLEANUP_FINI(redis_published_fini) struct redis_published published;
    if (!redis_published_read(room->room, payload->str, payload->len, &published)) {
        warn_of_nonsense(subscriber, room);
        give_turn(subscriber, room, REDIS_WATCH_TO_LIST);
        return;
    }
    uint64_t epoch = room->listed_at.epoch;
    bool same_epoch = !epoch || epoch == published.position.epoch;
    if (same_epoch && published.position.number <= room->listed_at.number)
        return;
    if (same_epoch && published.position.number > room->last_number &&
        add(subscriber, room, &published))
        return;
    room->listed = false;
    give_turn(subscriber, room, REDIS_WATCH_TO_LIST);
}

/* ---- what the server says ---- */

static enum error_code handle_answer(struct redis_subscriber *subscriber, struct redis_watch *room,
                                     bool joined, struct error *err)
{
    room->state = joined ? REDIS_WATCH_IN : REDIS_WATCH_OUT;
    return redis_subscriber_rooms_settle(subscriber, room, err);
}

static enum error_code handle_push(struct redis_subscriber *subscriber, const redisReply *reply,
                                   struct error *err)
{
    char name[ROOM_NAME_SIZE];
    const redisReply *channel = reply->element[1];
    if (channel->type != REDIS_REPLY_STRING ||
        !redis_key_channel_room(subscriber->prefix, subscriber->url.db, channel->str, channel->len,
                                name))
        return ERROR_NONE;
    struct redis_watch *room = redis_watches_find(&subscriber->watches, name);
    const char *kind = reply->element[0]->str;
    if (!room || !room->adopted)
        return ERROR_NONE;
    if (strcmp(kind, "subscribe") == 0 && room->state == REDIS_WATCH_JOINING)
        return handle_answer(subscriber, room, true, err);
    if (strcmp(kind, "unsubscribe") == 0 && room->state == REDIS_WATCH_LEAVING)
        return handle_answer(subscriber, room, false, err);
    if (strcmp(kind, "message") == 0 && reply->element[2]->type == REDIS_REPLY_STRING)
        handle_message(subscriber, room, reply->element[2]);
    return ERROR_NONE;
}

enum error_code redis_subscriber_rooms_handle(struct redis_subscriber *subscriber,
                                              const redisReply *reply, struct error *err)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return error_because(err, ERROR_UNAVAILABLE, "redis: %s", reply->str);
    bool is_push = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                   reply->element[0]->type == REDIS_REPLY_STRING;
    bool is_message = is_push && strcmp(reply->element[0]->str, "message") == 0;
    if (!is_message && subscriber->unanswered)
        subscriber->unanswered--;
    return is_push ? handle_push(subscriber, reply, err) : ERROR_NONE;
}
