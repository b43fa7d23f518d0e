/*
 * The system's clocks. CLOCK_MONOTONIC is the one that pthread condition variables of this project
 * are set to, so a deadline can be waited for as it stands.
 */
#include "clock.h"

static uint64_t read_clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint64_t system_monotonic_us(const struct clock *clock)
{
    (void)clock;
    return read_clock_us(CLOCK_MONOTONIC);
}

static uint64_t system_wall_us(const struct clock *clock)
{
    (void)clock;
    return read_clock_us(CLOCK_REALTIME);
}

const struct clock clock_system = {
    .monotonic_us = system_monotonic_us,
    .wall_us = system_wall_us,
};

struct timespec clock_timespec(uint64_t monotonic_us)
{
    return (struct timespec){
        .tv_sec = (time_t)(monotonic_us / 1000000u),
        .tv_nsec = (long)(monotonic_us % 1000000u) * 1000,
    };
}

void clock_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}
