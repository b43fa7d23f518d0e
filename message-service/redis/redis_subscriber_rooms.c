/*
 * For each room the subscriber joins its channel, lists the room, and then passes on what is
 * published, which follows the list without a gap. Nothing need be held back for that. What arrives
 * before the list is requested was published before the list is made, so it is in the list and is
 * ignored; what arrives later stays in the socket until the list is there, and its number says
 * whether the list has it too.
 *
 * A channel is joined or left only when the last request for it was answered, so that an answer can
 * only mean the one request.
 *
 * Whenever something is wrong (another epoch, a number that goes back, a malformed publication) the
 * room is listed again: the list is always right.
 */
#include "redis_subscriber_rooms.h"

#include "log.h"
#include "redis_answer.h"
#include "redis_list.h"
#include "redis_published.h"

#include <string.h>

enum { LIST_LOG_EVERY_US = 60 * 1000 * 1000 };

void redis_subscriber_rooms_init(struct redis_subscriber_rooms *rooms)
{
    pthread_mutex_init(&rooms->listener_lock, NULL);
    TAILQ_INIT(&rooms->all);
    TAILQ_INIT(&rooms->to_list);
    TAILQ_INIT(&rooms->to_retry);
}

void redis_subscriber_rooms_fini(struct redis_subscriber_rooms *rooms)
{
    pthread_mutex_destroy(&rooms->listener_lock);
}

bool redis_subscriber_rooms_any(const struct redis_subscriber_rooms *rooms)
{
    return !TAILQ_EMPTY(&rooms->all);
}

/* ---- turns ---- */

static void give_turn(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                      enum redis_watch_turn turn)
{
    if (room->turn == turn)
        return;
    if (room->turn == REDIS_WATCH_TO_LIST)
        TAILQ_REMOVE(&rooms->to_list, room, turn_entry);
    if (room->turn == REDIS_WATCH_TO_RETRY)
        TAILQ_REMOVE(&rooms->to_retry, room, turn_entry);
    room->turn = turn;
    if (turn == REDIS_WATCH_TO_LIST)
        TAILQ_INSERT_TAIL(&rooms->to_list, room, turn_entry);
    if (turn == REDIS_WATCH_TO_RETRY) {
        room->retry_at_us = clock_now_us() + REDIS_SUBSCRIBER_ROOMS_RETRY_US;
        TAILQ_INSERT_TAIL(&rooms->to_retry, room, turn_entry);
    }
}

uint64_t redis_subscriber_rooms_list_at_us(const struct redis_subscriber_rooms *rooms)
{
    if (!TAILQ_EMPTY(&rooms->to_list))
        return 0;
    const struct redis_watch *next = TAILQ_FIRST(&rooms->to_retry);
    return next ? next->retry_at_us : UINT64_MAX;
}

/* ---- the listener ---- */

static void report_synced(struct redis_subscriber_rooms *rooms, const struct redis_watch *room,
                          const struct message_list *list)
{
    LOCKED(&rooms->listener_lock);
    if (redis_watches_watched(rooms->watches, room))
        rooms->listener.synced(rooms->listener.context, room->room, list);
}

static void report_added(struct redis_subscriber_rooms *rooms, const struct redis_watch *room,
                         struct message *message, uint64_t epoch)
{
    LOCKED(&rooms->listener_lock);
    if (redis_watches_watched(rooms->watches, room))
        rooms->listener.added(rooms->listener.context, message, epoch);
}

static void report_unreachable(struct redis_subscriber_rooms *rooms, struct redis_watch *room)
{
    LOCKED(&rooms->listener_lock);
    if (redis_watches_watched(rooms->watches, room))
        rooms->listener.unreachable(rooms->listener.context, room->room);
}

void redis_subscriber_rooms_await_listener(struct redis_subscriber_rooms *rooms)
{
    LOCKED(&rooms->listener_lock);
}

/* ---- joining and leaving ---- */

static enum error_code request(struct redis_subscriber_rooms *rooms, const char *name,
                               const char *room, struct error *err)
{
    char channel[REDIS_KEY_SIZE];
    redis_key_make_channel(rooms->prefix, room, rooms->link->url.db, channel);
    return redis_subscriber_link_request(rooms->link, name, channel, err);
}

static void drop(struct redis_subscriber_rooms *rooms, struct redis_watch *room)
{
    give_turn(rooms, room, REDIS_WATCH_NO_TURN);
    TAILQ_REMOVE(&rooms->all, room, entry);
    room->adopted = false;
    /* If it was watched again just now it is among the changes, and comes back with them. */
    (void)!redis_watches_drop(rooms->watches, room);
}

static enum error_code join(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                            struct error *err)
{
    room->state = REDIS_WATCH_JOINING;
    return request(rooms, "SUBSCRIBE", room->room, err);
}

static enum error_code leave(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                             struct error *err)
{
    room->state = REDIS_WATCH_LEAVING;
    room->listed = false;
    give_turn(rooms, room, REDIS_WATCH_NO_TURN);
    return request(rooms, "UNSUBSCRIBE", room->room, err);
}

/* A watch of a room while there is no connection: reports that at once, unless a try to connect is
 * due now. */
static void settle_without(struct redis_subscriber_rooms *rooms, struct redis_watch *room)
{
    if (!redis_watches_watched(rooms->watches, room)) {
        drop(rooms, room);
    } else if (clock_now_us() < rooms->link->connect_at_us &&
               redis_watches_asked(rooms->watches, room)) {
        /* It is listed anyway when there is a connection again. */
        redis_watches_answer(rooms->watches, room);
        report_unreachable(rooms, room);
    }
}

/* Does what the room needs next; it may be freed. UNAVAILABLE: the connection is lost. */
static enum error_code settle(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                              struct error *err)
{
    if (!room->adopted) {
        room->adopted = true;
        TAILQ_INSERT_TAIL(&rooms->all, room, entry);
    }
    if (!rooms->link->connection) {
        settle_without(rooms, room);
        return ERROR_NONE;
    }
    bool watched = redis_watches_watched(rooms->watches, room);
    if (room->state == REDIS_WATCH_OUT && watched)
        return join(rooms, room, err);
    if (room->state == REDIS_WATCH_OUT)
        drop(rooms, room);
    else if (room->state == REDIS_WATCH_IN && !watched)
        return leave(rooms, room, err);
    else if (room->state == REDIS_WATCH_IN &&
             (!room->listed || redis_watches_asked(rooms->watches, room)))
        give_turn(rooms, room, REDIS_WATCH_TO_LIST);
    return ERROR_NONE;
}

enum error_code redis_subscriber_rooms_take_changes(struct redis_subscriber_rooms *rooms,
                                                    struct error *err)
{
    struct redis_watch *room;
    enum error_code code = ERROR_NONE;
    while (!code && (room = redis_watches_next_change(rooms->watches)))
        code = settle(rooms, room, err);
    return code;
}

enum error_code redis_subscriber_rooms_settle(struct redis_subscriber_rooms *rooms,
                                              struct error *err)
{
    struct redis_watch *next;
    enum error_code code = ERROR_NONE;
    for (struct redis_watch *room = TAILQ_FIRST(&rooms->all); room && !code; room = next) {
        next = TAILQ_NEXT(room, entry);
        code = settle(rooms, room, err);
    }
    return code;
}

void redis_subscriber_rooms_lose(struct redis_subscriber_rooms *rooms)
{
    struct redis_watch *next;
    for (struct redis_watch *room = TAILQ_FIRST(&rooms->all); room; room = next) {
        next = TAILQ_NEXT(room, entry);
        room->state = REDIS_WATCH_OUT;
        room->listed = false;
        give_turn(rooms, room, REDIS_WATCH_NO_TURN);
        if (!redis_watches_watched(rooms->watches, room)) {
            drop(rooms, room);
            continue;
        }
        redis_watches_answer(rooms->watches, room);
        report_unreachable(rooms, room);
    }
}

/* ---- listing ---- */

static void list_failed(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                        const struct error *err)
{
    if (clock_now_us() >= rooms->list_log_after_us) {
        log_write(LOG_LEVEL_WARNING, "cannot list a room", LOG_TEXT("room", room->room),
                  LOG_TEXT("cause", err->cause));
        rooms->list_log_after_us = clock_now_us() + LIST_LOG_EVERY_US;
    }
    give_turn(rooms, room, REDIS_WATCH_TO_RETRY);
    report_unreachable(rooms, room);
}

static void list_room(struct redis_subscriber_rooms *rooms, struct redis_watch *room)
{
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    struct redis_moment moment;
    struct error err = {0};
    redis_watches_answer(rooms->watches, room);
    uint64_t asked_us = clock_monotonic_us(rooms->clock);
    if (redis_list(rooms->pool, rooms->prefix, room->room, rooms->clock, &list, &moment, &err)) {
        list_failed(rooms, room, &err);
        return;
    }
    redis_subscriber_link_restored(rooms->link);
    redis_clock_confirm(&rooms->redis_clock, asked_us, moment.redis_ms * 1000, 1000,
                        moment.monotonic_us);
    room->listed = true;
    room->listed_at = list.position;
    room->last_number = list.position.number;
    report_synced(rooms, room, &list);
}

void redis_subscriber_rooms_list_next(struct redis_subscriber_rooms *rooms)
{
    struct redis_watch *room = TAILQ_FIRST(&rooms->to_list);
    if (!room) {
        room = TAILQ_FIRST(&rooms->to_retry);
        if (!room || room->retry_at_us > clock_now_us())
            return;
    }
    give_turn(rooms, room, REDIS_WATCH_NO_TURN);
    list_room(rooms, room);
}

/* ---- what is published ---- */

/* Asks Redis what time it is. Without an answer its clock is no longer known, and messages are
 * dated by their arrival. */
static void ask_time(struct redis_subscriber_rooms *rooms)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, "TIME");
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    int64_t redis_us;
    uint64_t asked_us = clock_monotonic_us(rooms->clock);
    if (redis_pool_call(rooms->pool, &command, &reply, NULL) ||
        redis_answer_time(reply, &redis_us, NULL))
        rooms->redis_clock.known = false;
    else
        redis_clock_confirm(&rooms->redis_clock, asked_us, redis_us, 1,
                            clock_monotonic_us(rooms->clock));
}

/* Makes the message and reports it; false where it cannot be made. */
static bool add(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                const struct redis_published *published)
{
    int64_t created_ms = published->message.fields.created_at_ms;
    uint64_t came_us = clock_monotonic_us(rooms->clock);
    if (redis_clock_doubts(&rooms->redis_clock, created_ms, came_us))
        ask_time(rooms);
    struct redis_moment moment = redis_clock_date(&rooms->redis_clock, created_ms, came_us);
    CLEANUP(message_release) struct message *message = NULL;
    if (redis_message_make(&published->message, &moment, &message))
        return false;
    room->last_number = published->position.number;
    room->listed_at.epoch = published->position.epoch;
    report_added(rooms, room, message, published->position.epoch);
    return true;
}

static void log_malformed(struct redis_subscriber_rooms *rooms, const struct redis_watch *room)
{
    if (!rooms->malformed_logged)
        log_write(LOG_LEVEL_WARNING, "ignored a malformed publication; further ones are not logged",
                  LOG_TEXT("room", room->room));
    rooms->malformed_logged = true;
}

static void handle_message(struct redis_subscriber_rooms *rooms, struct redis_watch *room,
                           const redisReply *payload)
{
    if (room->state != REDIS_WATCH_IN || !room->listed)
        return;
    CLEANUP_FINI(redis_published_fini) struct redis_published published;
    if (!redis_published_read(room->room, payload->str, payload->len, &published)) {
        log_malformed(rooms, room);
        give_turn(rooms, room, REDIS_WATCH_TO_LIST);
        return;
    }
    uint64_t epoch = room->listed_at.epoch;
    bool same_epoch = !epoch || epoch == published.position.epoch;
    if (same_epoch && published.position.number <= room->listed_at.number)
        return;
    if (same_epoch && published.position.number > room->last_number && add(rooms, room, &published))
        return;
    room->listed = false;
    give_turn(rooms, room, REDIS_WATCH_TO_LIST);
}

/* ---- what the server sends ---- */

enum error_code redis_subscriber_rooms_handle(struct redis_subscriber_rooms *rooms,
                                              const redisReply *push, struct error *err)
{
    char name[ROOM_NAME_SIZE];
    const char *kind = push->element[0]->str;
    const redisReply *channel = push->element[1], *payload = push->element[2];
    if (channel->type != REDIS_REPLY_STRING ||
        !redis_key_channel_room(rooms->prefix, rooms->link->url.db, channel->str, channel->len,
                                name))
        return ERROR_NONE;
    struct redis_watch *room = redis_watches_find(rooms->watches, name);
    if (!room || !room->adopted)
        return ERROR_NONE;
    if (strcmp(kind, "message") == 0 && payload->type == REDIS_REPLY_STRING)
        handle_message(rooms, room, payload);
    if (strcmp(kind, "subscribe") == 0 && room->state == REDIS_WATCH_JOINING)
        room->state = REDIS_WATCH_IN;
    else if (strcmp(kind, "unsubscribe") == 0 && room->state == REDIS_WATCH_LEAVING)
        room->state = REDIS_WATCH_OUT;
    else
        return ERROR_NONE;
    return settle(rooms, room, err);
}
