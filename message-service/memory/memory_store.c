/*
 * The backend `memory:`: rooms (memory_room.c) in this process, under one lock.
 *
 * Rooms stand in a balanced tree, so that names chosen by a client cannot slow it down. A room
 * exists while it has a live message; every call also sweeps a few other rooms in turn, so that
 * rooms which nobody visits are dropped too, and nothing grows with the names ever used.
 *
 * Numbers are counted over all rooms: a room that is made again goes on counting upwards.
 *
 * The listener is called under the lock: so its calls are in the order of the saves, and a list
 * that it gets is true until the next of them.
 */
#include "memory_store.h"

#include "memory_room.h"
#include "memory_watches.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than the one that a call can add, so that the expired never pile up. */
enum { ROOMS_SWEPT_A_CALL = 2 };

struct memory_store {
    pthread_mutex_t lock; /* over all below, rooms included */
    const struct clock *clock;
    struct memory_room_limits limits;          /* of each room */
    void *rooms;                               /* a tree by name */
    TAILQ_HEAD(room_sweep, memory_room) sweep; /* the same rooms, the next to be swept first */
    struct message_store_position position;
    struct message_store_listener listener;
    struct memory_watches watches;
};

static int compare_rooms(const void *a, const void *b)
{
    return strcmp(((const struct memory_room *)a)->name, ((const struct memory_room *)b)->name);
}

static struct memory_room *add_room(struct memory_store *store, const char *name, uint64_t now_us)
{
    struct memory_room *room = memory_room_new(name, clock_wall_us(store->clock) - now_us);
    if (!room)
        return NULL;
    if (!tsearch(room, &store->rooms, compare_rooms)) {
        memory_room_free(room);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&store->sweep, room, entry);
    return room;
}

/* Drops the expired messages of the room, and the room if none are left; whether it stays. */
static bool tidy_room(struct memory_store *store, struct memory_room *room, uint64_t now_us)
{
    if (memory_room_expire(room, now_us))
        return true;
    TAILQ_REMOVE(&store->sweep, room, entry);
    tdelete(room, &store->rooms, compare_rooms);
    memory_room_free(room);
    return false;
}

/* The room as it is at `now_us`; NULL if it has no live message. */
static struct memory_room *find_room(struct memory_store *store, const char *name, uint64_t now_us)
{
    struct memory_room probe;
    snprintf(probe.name, sizeof probe.name, "%s", name);
    struct memory_room *const *node = tfind(&probe, &store->rooms, compare_rooms);
    struct memory_room *room = node ? *node : NULL;
    return room && tidy_room(store, room, now_us) ? room : NULL;
}

/* The time, after sweeping the next rooms in turn; pointers to rooms are stale afterwards. */
static uint64_t begin_call(struct memory_store *store)
{
    uint64_t now_us = clock_monotonic_us(store->clock);
    for (unsigned i = 0; i < ROOMS_SWEPT_A_CALL && !TAILQ_EMPTY(&store->sweep); i++) {
        struct memory_room *room = TAILQ_FIRST(&store->sweep);
        if (!tidy_room(store, room, now_us))
            continue;
        TAILQ_REMOVE(&store->sweep, room, entry);
        TAILQ_INSERT_TAIL(&store->sweep, room, entry);
    }
    return now_us;
}

static bool memory_url_valid(const char *url)
{
    return strcmp(url, "memory:") == 0;
}

static enum error_code memory_open(const struct message_store_config *config, void **ret_state,
                                   struct error *err)
{
    struct memory_store *store = calloc(1, sizeof *store);
    if (!store)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    pthread_mutex_init(&store->lock, NULL);
    store->clock = config->clock;
    store->limits = (struct memory_room_limits){config->room_max_messages, config->room_max_bytes};
    TAILQ_INIT(&store->sweep);
    store->position.epoch = clock_wall_us(config->clock);
    store->position.number = store->position.epoch;
    *ret_state = store;
    return ERROR_NONE;
}

static void free_room(void *room)
{
    memory_room_free(room);
}

static void memory_free(void *state)
{
    struct memory_store *store = state;
    tdestroy(store->rooms, free_room);
    memory_watches_fini(&store->watches);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* Counts and reports the saved message, unless it is the answer to a repeat. */
static void accept(struct memory_store *store, struct message *message, const char *id)
{
    if (strcmp(message->id, id) != 0)
        return;
    store->position.number = message->number;
    if (memory_watches_has(&store->watches, message->room))
        store->listener.added(store->listener.context, message, store->position.epoch);
}

static enum error_code memory_save(void *state, const char *id, const char *room_name,
                                   const struct draft *draft, const char *idempotency_key,
                                   struct message **ret_message, struct error *err)
{
    struct memory_store *store = state;
    LOCKED(&store->lock);
    struct memory_room_entry entry = {
        .id = id,
        .key = idempotency_key,
        .draft = draft,
        .last_number = store->position.number,
        .now_us = begin_call(store),
    };
    struct memory_room *room = find_room(store, room_name, entry.now_us);
    if (!room)
        room = add_room(store, room_name, entry.now_us);
    if (!room)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    enum error_code code = memory_room_save(room, &entry, &store->limits, ret_message, err);
    if (code)
        tidy_room(store, room, entry.now_us);
    else
        accept(store, *ret_message, id);
    return code;
}

/* The room as it is now; false when out of memory. */
static bool list_room(struct memory_store *store, const char *room_name,
                      struct message_list *ret_list)
{
    struct message_list list = {.position = store->position};
    const struct memory_room *room = find_room(store, room_name, begin_call(store));
    if (room) {
        list.count = board_count(room->board);
        list.messages = calloc(list.count, sizeof(struct message *));
        if (!list.messages)
            return false;
    }
    for (size_t i = 0; i < list.count; i++)
        list.messages[i] = message_retain(board_at(room->board, i));
    *ret_list = list;
    return true;
}

static enum error_code memory_list(void *state, const char *room, struct message_list *ret_list,
                                   struct error *err)
{
    struct memory_store *store = state;
    LOCKED(&store->lock);
    return list_room(store, room, ret_list) ? ERROR_NONE
                                            : error_because(err, ERROR_INTERNAL, "out of memory");
}

static enum error_code memory_find(void *state, const char *room_name, const char *id,
                                   struct message **ret_message, struct error *err)
{
    (void)err;
    struct memory_store *store = state;
    LOCKED(&store->lock);
    const struct memory_room *room = find_room(store, room_name, begin_call(store));
    struct message *message = room ? board_find(room->board, id) : NULL;
    if (!message)
        return ERROR_MESSAGE_NOT_FOUND;
    *ret_message = message_retain(message);
    return ERROR_NONE;
}

static void memory_listen(void *state, const struct message_store_listener *listener)
{
    struct memory_store *store = state;
    LOCKED(&store->lock);
    store->listener = *listener;
}

static bool memory_watch(void *state, const char *room)
{
    struct memory_store *store = state;
    struct message_list list = {0};
    LOCKED(&store->lock);
    if (!memory_watches_add(&store->watches, room))
        return false;
    bool listed = list_room(store, room, &list);
    if (listed)
        store->listener.synced(store->listener.context, room, &list);
    else
        memory_watches_remove(&store->watches, room);
    message_list_fini(&list);
    return listed;
}

static void memory_unwatch(void *state, const char *room)
{
    struct memory_store *store = state;
    LOCKED(&store->lock);
    memory_watches_remove(&store->watches, room);
}

static enum error_code memory_check(void *state, struct error *err)
{
    (void)err;
    struct memory_store *store = state;
    LOCKED(&store->lock);
    begin_call(store);
    return ERROR_NONE;
}

static bool memory_up(void *state)
{
    (void)state;
    return true;
}

const struct message_store_backend memory_store_backend = {
    .scheme = "memory",
    .form = "",
    .url_valid = memory_url_valid,
    .open = memory_open,
    .free = memory_free,
    .save = memory_save,
    .list = memory_list,
    .find = memory_find,
    .listen = memory_listen,
    .watch = memory_watch,
    .unwatch = memory_unwatch,
    .check = memory_check,
    .up = memory_up,
};
