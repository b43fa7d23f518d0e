/*
 * Three states under one lock. Every result counts, whichever call brings it: a call that was on
 * its way when the breaker opened, and succeeds after all, has shown that the other side is there;
 * one that fails late has shown that it still is not.
 *
 * The caller decides what counts as a failure: an unreachable peer, not a polite refusal.
 */
#include "breaker.h"

#include "cleanup.h"

void breaker_init(struct breaker *breaker, const struct clock *clock, uint64_t open_us)
{
    *breaker = (struct breaker){.clock = clock, .open_us = open_us, .state = BREAKER_CLOSED};
    pthread_mutex_init(&breaker->lock, NULL);
}

void breaker_fini(struct breaker *breaker)
{
    pthread_mutex_destroy(&breaker->lock);
}

bool breaker_allow(struct breaker *breaker)
{
    LOCKED(&breaker->lock);
    if (breaker->state == BREAKER_CLOSED)
        return true;
    if (breaker->state == BREAKER_TRIAL ||
        clock_monotonic_us(breaker->clock) < breaker->retry_at_us)
        return false;
    breaker->state = BREAKER_TRIAL;
    return true;
}

bool breaker_closed(struct breaker *breaker)
{
    LOCKED(&breaker->lock);
    return breaker->state == BREAKER_CLOSED;
}

void breaker_success(struct breaker *breaker)
{
    LOCKED(&breaker->lock);
    breaker->state = BREAKER_CLOSED;
}

void breaker_failure(struct breaker *breaker)
{
    LOCKED(&breaker->lock);
    breaker->state = BREAKER_OPEN;
    breaker->retry_at_us = clock_monotonic_us(breaker->clock) + breaker->open_us;
}
