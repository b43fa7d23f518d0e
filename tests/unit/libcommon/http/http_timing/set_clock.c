/*
 * All of clock.h is defined here, so that the program does not get the real one.
 */
#include "set_clock.h"

#include "clock.h"

#include <stdatomic.h>

static _Atomic uint64_t now_us = UINT64_C(1000000000);

void set_clock_ahead(uint64_t ms)
{
    now_us += ms * 1000;
}

static uint64_t read_now(const struct clock *clock)
{
    (void)clock;
    return now_us;
}

const struct clock clock_system = {.monotonic_us = read_now, .wall_us = read_now};

/* Whoever waits does so in the kernel's time, from now on. */
struct timespec clock_timespec(uint64_t us)
{
    struct timespec until;
    uint64_t wait_us = us > now_us ? us - now_us : 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + wait_us * 1000;
    until.tv_sec += (time_t)(ns / 1000000000u);
    until.tv_nsec = (long)(ns % 1000000000u);
    return until;
}

void clock_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}
