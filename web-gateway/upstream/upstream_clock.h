/*
 * Where the clock of a distant store stands against ours: a message that took long to arrive must
 * not live longer here for that.
 *
 * A message carries its end by the store's clock and, as of when it was sent, the time it has
 * left. How long it travelled it does not say; but the fastest message of the last seconds
 * travelled for hardly any time, and the offset of the two clocks that it shows holds for all.
 *
 * Any thread, between upstream_clock_init and upstream_clock_fini.
 */
#ifndef TEMPMESSENGER_UPSTREAM_CLOCK_H
#define TEMPMESSENGER_UPSTREAM_CLOCK_H

#include "message.h"

#include <pthread.h>
#include <stdint.h>

enum {
    /* An offset is believed for at least so long and at most twice as long. Clocks drift apart by
     * less than a millisecond in that time. */
    UPSTREAM_CLOCK_WINDOW_US = 10 * 1000 * 1000,
    /* One that seems later than this was not late: the store's clock was set back. */
    UPSTREAM_CLOCK_LATE_MAX_US = 5 * 1000 * 1000,
};

struct upstream_clock {
    pthread_mutex_t lock;
    int64_t least_us[2]; /* our time less the store's, the least of this window and of the last */
    uint64_t window_us;  /* when this window began; 0: nothing is known */
};

void upstream_clock_init(struct upstream_clock *clock);
void upstream_clock_fini(struct upstream_clock *clock);

/* Brings forward the end of a message that came at `now_us` and that nobody else has yet, and
 * learns from it. `clock` NULL: leaves the message as it is. */
void upstream_clock_date(struct upstream_clock *clock, struct message *message, uint64_t now_us);

#endif
