/*
 * Joins two interfaces: the store names rooms, the live rooms are objects. A room that was freed in
 * between is not found, and has no reader to miss the report.
 */
#include "store_source.h"

enum {
    ROOMS_MAX = 16384,
    LINGER_US = 10 * 1000 * 1000, /* the rooms are kept by the store: opening one again is cheap */
};

static bool open_room(void *context, struct live_room *room)
{
    return message_store_watch(context, live_room_name(room));
}

static void close_room(void *context, struct live_room *room)
{
    message_store_unwatch(context, live_room_name(room));
}

static void on_synced(void *context, const char *name, const struct message_list *list)
{
    CLEANUP(live_room_release) struct live_room *room = live_rooms_find(context, name);
    if (room)
        live_source_sync(room, list->messages, list->count,
                         event_id_make(name, list->position.epoch, list->position.number));
}

static void on_added(void *context, struct message *message, uint64_t epoch)
{
    CLEANUP(live_room_release) struct live_room *room = live_rooms_find(context, message->room);
    if (room)
        live_source_add(room, message, event_id_make(message->room, epoch, message->number));
}

static void on_unreachable(void *context, const char *name)
{
    CLEANUP(live_room_release) struct live_room *room = live_rooms_find(context, name);
    if (room)
        live_source_unreachable(room);
}

struct live_rooms *store_source_rooms(struct message_store *store, size_t streams_max,
                                      unsigned loops)
{
    struct live_rooms_config config = {
        .source = {.open = open_room,
                   .close = close_room,
                   .context = store,
                   .lists_are_newest = true},
        .rooms_max = ROOMS_MAX,
        .streams_max = streams_max,
        .loops = loops,
        .linger_us = LINGER_US,
        .clock = &clock_system,
    };
    struct live_rooms *rooms = live_rooms_new(&config);
    struct message_store_listener listener = {
        .context = rooms,
        .synced = on_synced,
        .added = on_added,
        .unreachable = on_unreachable,
    };
    if (rooms)
        message_store_listen(store, &listener);
    return rooms;
}
