/*
 * A breaker: after a failure to reach a peer, calls to it fail at once for a while instead of each
 * waiting for its own timeout; then the breaker lets one call through, and its result decides.
 *
 * Any thread may call any function between breaker_init and breaker_fini. Nothing here blocks.
 */
#ifndef TEMPMESSENGER_BREAKER_H
#define TEMPMESSENGER_BREAKER_H

#include "clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum breaker_state {
    BREAKER_CLOSED, /* calls go through */
    BREAKER_OPEN,   /* calls are refused until `retry_at_us` */
    BREAKER_TRIAL,  /* one call is on its way; all others are refused until it is back */
};

struct breaker {
    pthread_mutex_t lock; /* over all below */
    const struct clock *clock;
    uint64_t open_us;
    enum breaker_state state;
    uint64_t retry_at_us; /* monotonic */
};

/* A closed breaker that stays open for `open_us` after a failure. Borrows `clock` for its life. */
void breaker_init(struct breaker *breaker, const struct clock *clock, uint64_t open_us);

void breaker_fini(struct breaker *breaker);

/* Whether a call may be made now. A caller that got true reports exactly one breaker_success or
 * breaker_failure; otherwise a trial would never end. */
bool breaker_allow(struct breaker *breaker) __attribute__((warn_unused_result));

/* Whether the last call reached the peer, or there was none yet. */
bool breaker_closed(struct breaker *breaker);

/* The peer was reached: closes, whatever the state was. */
void breaker_success(struct breaker *breaker);

/* The peer was not reached: opens for `open_us` from now, whatever the state was. */
void breaker_failure(struct breaker *breaker);

#endif
