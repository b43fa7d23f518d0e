/*
 * The two clocks, behind a table so that tests can set the time.
 *
 * The monotonic clock measures lifetimes and waits; only a store reads the wall clock, to date its
 * messages. Any thread.
 */
#ifndef TEMPMESSENGER_CLOCK_H
#define TEMPMESSENGER_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

struct clock {
    uint64_t (*monotonic_us)(const struct clock *clock); /* microseconds since some fixed moment */
    uint64_t (*wall_us)(const struct clock *clock);      /* microseconds since 1970, UTC */
};

extern const struct clock clock_system;

static inline uint64_t clock_monotonic_us(const struct clock *clock)
{
    return clock->monotonic_us(clock);
}

static inline uint64_t clock_wall_us(const struct clock *clock)
{
    return clock->wall_us(clock);
}

/* Now, by the system's monotonic clock: for waits that no test sets the time of. */
static inline uint64_t clock_now_us(void)
{
    return clock_monotonic_us(&clock_system);
}

/* A monotonic time as pthread_cond_timedwait takes it, for conditions made by clock_cond_init. */
struct timespec clock_timespec(uint64_t monotonic_us);

/* Initialises a condition variable that waits by the system's monotonic clock. */
void clock_cond_init(pthread_cond_t *condition);

#endif
