/*
 * The test's thread and all others see two times, as a timer that wakes by itself in the middle of
 * a test would make its outcome a matter of luck.
 */
#include "rooms.h"

#include "told.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

_Atomic uint64_t rooms_now_us;
static _Atomic uint64_t timer_us; /* what other threads see */
static _Thread_local bool is_test_thread;

static uint64_t set_monotonic_us(const struct clock *clock)
{
    (void)clock;
    return is_test_thread ? rooms_now_us : timer_us;
}

/* The wall clock stands 100 s after the first number when a test begins. */
static const uint64_t begin_us = 1000000000000000;

static uint64_t set_wall_us(const struct clock *clock)
{
    (void)clock;
    return rooms_now_us - begin_us + FIRST_NUMBER + 100 * SECOND_US;
}

const struct clock rooms_clock = {.monotonic_us = set_monotonic_us, .wall_us = set_wall_us};

struct rooms_source rooms_source = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                    .changed = PTHREAD_COND_INITIALIZER};

static bool open_source(void *context, struct live_room *room)
{
    struct rooms_source *opened = context;
    pthread_mutex_lock(&opened->lock);
    opened->opened += !opened->fails;
    bool fails = opened->fails;
    bool silent = opened->silent;
    pthread_mutex_unlock(&opened->lock);
    if (!fails && !silent)
        live_source_sync(room, NULL, 0, event_id_nothing(live_room_name(room)));
    return !fails;
}

static void close_source(void *context, struct live_room *room)
{
    struct rooms_source *closed = context;
    if (closed->on_close)
        closed->on_close(room);
    LOCKED(&closed->lock);
    closed->closed++;
    memcpy(closed->last_closed, live_room_name(room), strlen(live_room_name(room)) + 1);
    pthread_cond_broadcast(&closed->changed);
}

void rooms_await_closed(size_t count)
{
    LOCKED(&rooms_source.lock);
    while (rooms_source.closed < count)
        pthread_cond_wait(&rooms_source.changed, &rooms_source.lock);
    ck_assert_uint_eq(rooms_source.closed, count);
}

struct live_rooms *rooms;

struct live_rooms *rooms_make(const struct clock *clock, bool lists_are_newest)
{
    struct live_rooms *made = live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_source,
                   .close = close_source,
                   .context = &rooms_source,
                   .lists_are_newest = lists_are_newest},
        .rooms_max = ROOMS_MAX,
        .streams_max = ROOMS_STREAMS_MAX,
        .loops = 1,
        .linger_us = ROOMS_LINGER_S * SECOND_US,
        .clock = clock,
    });
    ck_assert_ptr_nonnull(made);
    return made;
}

struct live_room *rooms_use(const char *name)
{
    struct live_room *room = NULL;
    ck_assert_int_eq(live_rooms_use(rooms, name, 1000, &room, NULL), ERROR_NONE);
    ck_assert_ptr_nonnull(room);
    ck_assert_str_eq(live_room_name(room), name);
    return room;
}

void rooms_set_clock(void)
{
    is_test_thread = true;
    rooms_now_us = timer_us = begin_us;
}

void rooms_pass(uint64_t us)
{
    rooms_now_us += us;
}

void rooms_wake_timer(void)
{
    static unsigned count;
    char name[16];
    snprintf(name, sizeof name, "wake-%u", count++);
    timer_us = (uint64_t)rooms_now_us;
    live_room_release(rooms_use(name));
}
