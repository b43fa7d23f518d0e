/*
 * The rooms under test, with a source that counts and a clock that a test sets.
 *
 * The set clock is far ahead of the system's, so that the timer's thread sleeps until it is woken,
 * and the time that it sees passes in rooms_wake_timer alone.
 */
#ifndef TEMPMESSENGER_TESTS_ROOMS_H
#define TEMPMESSENGER_TESTS_ROOMS_H

#include "live_rooms.h"

#include <pthread.h>
#include <stdatomic.h>

#define SECOND_US UINT64_C(1000000)

enum {
    ROOMS_MAX = 4,
    ROOMS_STREAMS_MAX = 5,
    ROOMS_LINGER_S = 30,
    ROOMS_KEEP_ALIVE_S = 10, /* the module's own */
};

extern struct live_rooms *rooms;

/* Rooms of that source. */
struct live_rooms *rooms_make(const struct clock *clock, bool lists_are_newest);

/* A room that is there and synchronised, or is made so. */
struct live_room *rooms_use(const char *name);

/* ---- the clock ---- */

extern const struct clock rooms_clock;
extern _Atomic uint64_t rooms_now_us;

/* The calling thread is the test's: the time that it sees is the one it sets. A fixture. */
void rooms_set_clock(void);

void rooms_pass(uint64_t us);

/* Has the timer's thread look at the rooms that are due: a new room wakes it. */
void rooms_wake_timer(void);

/* ---- the source ---- */

struct rooms_source {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t opened;
    size_t closed;
    char last_closed[ROOM_NAME_SIZE];
    bool fails;
    bool silent; /* a room that is opened is not synchronised */
    void (*on_close)(struct live_room *room);
};

extern struct rooms_source rooms_source;

/* Waits until the source has closed `count` rooms. */
void rooms_await_closed(size_t count);

#endif
