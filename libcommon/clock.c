/*
 * The system's clocks. CLOCK_MONOTONIC is the one that pthread condition variables of this project
 * are set to, so a deadline can be waited for as it stands.
 */
#include "clock.h"

#include <time.h>

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
