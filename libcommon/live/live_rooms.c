/*
 * The rooms that are open, by name, and the one timer that serves them all.
 *
 * Each room stands in a heap (live_room_heap.h) by the time at which it wants to be looked at: its
 * soonest deadline, its next keep-alive comment, or the end of its lingering. A room whose new
 * message ends sooner moves up (live_rooms_arm); all else is decided when the timer looks.
 *
 * A room is freed by the timer's thread, by who needs its place, or at the end, and only while its
 * uses are 0 under the rooms' lock: whoever finds it there may use it.
 */
#include "live_rooms.h"

#include "live_room_heap.h"
#include "live_room_private.h"
#include "live_stream.h"
#include "thread.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_SLOTS = 4096 /* a power of two */ };

struct live_rooms {
    struct live_room_host host; /* first: what a room is handed is this */
    struct live_rooms_config config;
    pthread_t timer;
    bool timer_started;

    pthread_mutex_t lock; /* over all below */
    pthread_cond_t wake;  /* another room is due first, or `ending` */
    bool ending;
    struct live_room_heap heap;
    struct live_room *slots[HASH_SLOTS];
};

static struct live_rooms *of(struct live_room_host *host)
{
    return (struct live_rooms *)host;
}

/* ---- by name ---- */

static struct live_room **slot_of(struct live_rooms *rooms, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &rooms->slots[(hash ^ hash >> 16) & (HASH_SLOTS - 1)];
}

/* Where the pointer to the room called `name` stands, or NULL at the end of its chain. */
static struct live_room **place_of(struct live_rooms *rooms, const char *name)
{
    struct live_room **place = slot_of(rooms, name);
    while (*place && strcmp((*place)->name, name) != 0)
        place = &(*place)->next;
    return place;
}

/* Under the lock. */
static void count_rooms(struct live_rooms *rooms)
{
    atomic_store_explicit(&rooms->host.counts.rooms, rooms->heap.count, memory_order_relaxed);
}

/* It is not found by its name any more. */
static void unname_room(struct live_rooms *rooms, struct live_room *room)
{
    if (!room->replaced)
        *place_of(rooms, room->name) = room->next;
    room->replaced = true;
}

static void unlink_room(struct live_rooms *rooms, struct live_room *room)
{
    unname_room(rooms, room);
    live_room_heap_remove(&rooms->heap, room);
    count_rooms(rooms);
}

static void close_room(struct live_rooms *rooms, struct live_room *room)
{
    if (room->opened)
        rooms->config.source.close(rooms->config.source.context, room);
    live_room_free(room);
}

/* Links a new room with one use, or returns NULL when out of memory. */
static struct live_room *add_room(struct live_rooms *rooms, const char *name)
{
    struct live_room *room = live_room_new(&rooms->host, name, &live_stream_ops);
    if (!room)
        return NULL;
    struct live_room **slot = slot_of(rooms, name);
    room->next = *slot;
    *slot = room;
    room->uses = 1;
    room->wake_us = room->armed_us;
    live_room_heap_add(&rooms->heap, room);
    count_rooms(rooms);
    pthread_cond_signal(&rooms->wake);
    return room;
}

/* Unlinks the room that has been unused for longest, or returns NULL where all are in use. */
static struct live_room *take_idlest(struct live_rooms *rooms)
{
    struct live_room *idlest = NULL;
    for (size_t i = 0; i < rooms->heap.count; i++) {
        struct live_room *room = rooms->heap.rooms[i];
        if (!room->uses && (!idlest || room->last_used_us < idlest->last_used_us))
            idlest = room;
    }
    if (idlest)
        unlink_room(rooms, idlest);
    return idlest;
}

/* ---- the timer ---- */

/* When to let go of the room. What the source could not open, or another one stands for, is of no
 * use to anyone. */
static uint64_t idle_end_of(const struct live_rooms *rooms, const struct live_room *room)
{
    if (room->uses)
        return UINT64_MAX;
    bool useful = room->opened && !room->replaced;
    return useful ? room->last_used_us + rooms->config.linger_us : 0;
}

/* Looks at the room on top, whose time has come. Called and returns with the lock; gives it up in
 * between. */
static void look_at_top(struct live_rooms *rooms, uint64_t now_us)
{
    struct live_room *room = rooms->heap.rooms[0];
    /* What is armed while the room is looked at is not to be forgotten after. */
    live_room_heap_set(&rooms->heap, room, UINT64_MAX);
    room->uses++;
    pthread_mutex_unlock(&rooms->lock);
    uint64_t next_us = live_room_tick(room, now_us);
    pthread_mutex_lock(&rooms->lock);
    room->uses--;
    if (room->wake_us < next_us)
        next_us = room->wake_us;

    uint64_t idle_end_us = idle_end_of(rooms, room);
    if (idle_end_us <= now_us) {
        unlink_room(rooms, room);
        pthread_mutex_unlock(&rooms->lock);
        close_room(rooms, room);
        pthread_mutex_lock(&rooms->lock);
        return;
    }
    live_room_heap_set(&rooms->heap, room, idle_end_us < next_us ? idle_end_us : next_us);
}

static void *run_timer(void *context)
{
    struct live_rooms *rooms = context;
    pthread_mutex_lock(&rooms->lock);
    while (!rooms->ending) {
        uint64_t now_us = clock_monotonic_us(rooms->config.clock);
        if (!rooms->heap.count) {
            pthread_cond_wait(&rooms->wake, &rooms->lock);
        } else if (rooms->heap.rooms[0]->wake_us <= now_us) {
            look_at_top(rooms, now_us);
        } else {
            struct timespec until = clock_timespec(rooms->heap.rooms[0]->wake_us);
            pthread_cond_timedwait(&rooms->wake, &rooms->lock, &until);
        }
    }
    pthread_mutex_unlock(&rooms->lock);
    return NULL;
}

/* ---- what a room asks of its host ---- */

static void arm(struct live_room_host *host, struct live_room *room, uint64_t wake_us)
{
    struct live_rooms *rooms = of(host);
    LOCKED(&rooms->lock);
    if (wake_us >= room->wake_us || room->heap_index == LIVE_ROOM_UNLINKED)
        return;
    live_room_heap_set(&rooms->heap, room, wake_us);
    if (room->heap_index == 0)
        pthread_cond_signal(&rooms->wake);
}

static void retain(struct live_room_host *host, struct live_room *room)
{
    struct live_rooms *rooms = of(host);
    LOCKED(&rooms->lock);
    room->uses++;
}

static void release(struct live_room_host *host, struct live_room *room)
{
    struct live_rooms *rooms = of(host);
    uint64_t now_us = clock_monotonic_us(rooms->config.clock);
    LOCKED(&rooms->lock);
    room->last_used_us = now_us;
    if (--room->uses == 0 && room->replaced) {
        live_room_heap_set(&rooms->heap, room, 0);
        pthread_cond_signal(&rooms->wake);
    }
}

/* ---- life ---- */

struct live_rooms *live_rooms_new(const struct live_rooms_config *config)
{
    struct live_rooms *rooms = calloc(1, sizeof *rooms);
    if (!rooms)
        return NULL;
    rooms->config = *config;
    rooms->host = (struct live_room_host){
        .clock = config->clock,
        .lists_are_newest = config->source.lists_are_newest,
        .streams_max = config->streams_max,
        .arm = arm,
        .retain = retain,
        .release = release,
    };
    pthread_mutex_init(&rooms->lock, NULL);
    clock_cond_init(&rooms->wake);
    rooms->host.loops = stream_loops_new(config->loops);
    if (!rooms->host.loops || !live_room_heap_init(&rooms->heap, config->rooms_max) ||
        !thread_start(&rooms->timer, "room-timer", run_timer, rooms)) {
        live_rooms_free(rooms);
        return NULL;
    }
    rooms->timer_started = true;
    return rooms;
}

void live_rooms_stop(struct live_rooms *rooms)
{
    atomic_store(&rooms->host.stopping, true);
    pthread_mutex_lock(&rooms->lock);
    for (size_t i = 0; i < rooms->heap.count; i++)
        live_room_stop(rooms->heap.rooms[i]);
    pthread_mutex_unlock(&rooms->lock);
    stream_loops_hasten(rooms->host.loops);
}

/* Closes all rooms, one at a time: the source may be adding to those that are yet to be closed. */
static void close_all(struct live_rooms *rooms)
{
    pthread_mutex_lock(&rooms->lock);
    while (rooms->heap.count) {
        struct live_room *room = rooms->heap.rooms[0];
        unlink_room(rooms, room);
        pthread_mutex_unlock(&rooms->lock);
        close_room(rooms, room);
        pthread_mutex_lock(&rooms->lock);
    }
    pthread_mutex_unlock(&rooms->lock);
}

void live_rooms_free(struct live_rooms *rooms)
{
    if (!rooms)
        return;
    if (rooms->timer_started) {
        pthread_mutex_lock(&rooms->lock);
        rooms->ending = true;
        pthread_cond_signal(&rooms->wake);
        pthread_mutex_unlock(&rooms->lock);
        pthread_join(rooms->timer, NULL);
    }
    close_all(rooms);
    stream_loops_free(rooms->host.loops);
    live_room_heap_fini(&rooms->heap);
    pthread_cond_destroy(&rooms->wake);
    pthread_mutex_destroy(&rooms->lock);
    free(rooms);
}

/* ---- use ---- */

/* Another room is to stand for this one, which the timer lets go as soon as nobody uses it. */
static void replace_room(struct live_rooms *rooms, struct live_room *room)
{
    unname_room(rooms, room);
    live_room_heap_set(&rooms->heap, room, 0);
    pthread_cond_signal(&rooms->wake);
}

/* The room called `name` with one use more. *ret_new tells whether it must be opened now, and
 * *ret_evicted, set in any case, is a room that had to go and must be closed; both without the
 * lock. NULL, and *ret_full, where as many rooms are in use as there may be; NULL else when out of
 * memory. */
static struct live_room *find_or_add(struct live_rooms *rooms, const char *name, bool *ret_new,
                                     bool *ret_full, struct live_room **ret_evicted)
{
    LOCKED(&rooms->lock);
    struct live_room *room = *place_of(rooms, name);
    bool usable = room && !room->incomplete;
    *ret_new = !usable;
    *ret_evicted = NULL;
    *ret_full = false;
    if (usable) {
        room->uses++;
        return room;
    }
    if (room)
        replace_room(rooms, room);
    if (rooms->heap.count == rooms->config.rooms_max)
        *ret_full = !(*ret_evicted = take_idlest(rooms));
    return *ret_full ? NULL : add_room(rooms, name);
}

static void give_up(struct live_room *room)
{
    live_room_enter(room);
    live_room_give_up(room);
    live_room_leave(room);
}

enum error_code live_rooms_open(struct live_rooms *rooms, const char *name,
                                struct live_room **ret_room, struct error *err)
{
    bool is_new, full;
    struct live_room *evicted;
    struct live_room *room = find_or_add(rooms, name, &is_new, &full, &evicted);
    if (evicted)
        close_room(rooms, evicted);
    if (full)
        return error_because(err, ERROR_UNAVAILABLE, "too many rooms are watched at one time");
    if (!room)
        return error_because(err, ERROR_INTERNAL, "out of memory for a room");
    if (is_new) {
        room->opened = rooms->config.source.open(rooms->config.source.context, room);
        if (!room->opened)
            give_up(room);
    }
    *ret_room = room;
    return ERROR_NONE;
}

enum error_code live_rooms_use(struct live_rooms *rooms, const char *name, uint64_t timeout_ms,
                               struct live_room **ret_room, struct error *err)
{
    struct live_room *room = NULL;
    enum error_code code = live_rooms_open(rooms, name, &room, err);
    if (code)
        return code;
    code = live_room_wait(room, timeout_ms, err);
    if (code)
        live_room_release(room);
    else
        *ret_room = room;
    return code;
}

bool live_rooms_has(struct live_rooms *rooms, const char *name)
{
    LOCKED(&rooms->lock);
    return *place_of(rooms, name) != NULL;
}

struct live_room *live_rooms_find(struct live_rooms *rooms, const char *name)
{
    LOCKED(&rooms->lock);
    struct live_room *room = *place_of(rooms, name);
    if (room)
        room->uses++;
    return room;
}

/* ---- for an operator ---- */

void live_rooms_metrics(const struct live_rooms *rooms, struct live_rooms_metrics *ret_metrics)
{
    const struct live_room_counts *counts = &rooms->host.counts;
    size_t streams = atomic_load_explicit(&counts->streams, memory_order_relaxed);
    size_t max = rooms->host.streams_max;
    *ret_metrics = (struct live_rooms_metrics){
        .rooms = atomic_load_explicit(&counts->rooms, memory_order_relaxed),
        .messages = atomic_load_explicit(&counts->messages, memory_order_relaxed),
        .stale = atomic_load_explicit(&counts->stale, memory_order_relaxed),
        /* One that is about to be refused is counted for a moment. */
        .streams = streams < max ? streams : max,
        .streams_max = max,
        .dropped = metrics_counted(&counts->dropped),
        .refused = metrics_counted(&counts->refused),
        .expired = metrics_counted(&counts->expired),
    };
    metrics_observed(&counts->lateness, &ret_metrics->lateness);
}
