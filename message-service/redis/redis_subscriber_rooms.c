/*
 * Each room's channel is joined and left with its watches. That happens only when the last request
 * for the channel was answered, so that an answer can only mean the one request.
 *
 * What the listener receives of a room that is joined is the business of redis_subscriber_sync.c.
 */
#include "redis_subscriber_rooms.h"

#include "redis_key.h"

#include <string.h>

bool redis_subscriber_rooms_any(const struct redis_subscriber_rooms *rooms)
{
    return !TAILQ_EMPTY(&rooms->all);
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
    redis_subscriber_sync_forget(rooms->sync, room);
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
    redis_subscriber_sync_forget(rooms->sync, room);
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
        redis_subscriber_sync_unreachable(rooms->sync, room);
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
        redis_subscriber_sync_request(rooms->sync, room);
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
        redis_subscriber_sync_forget(rooms->sync, room);
        if (redis_watches_watched(rooms->watches, room))
            redis_subscriber_sync_unreachable(rooms->sync, room);
        else
            drop(rooms, room);
    }
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
        redis_subscriber_sync_publish(rooms->sync, room, payload);
    if (strcmp(kind, "subscribe") == 0 && room->state == REDIS_WATCH_JOINING)
        room->state = REDIS_WATCH_IN;
    else if (strcmp(kind, "unsubscribe") == 0 && room->state == REDIS_WATCH_LEAVING)
        room->state = REDIS_WATCH_OUT;
    else
        return ERROR_NONE;
    return settle(rooms, room, err);
}
