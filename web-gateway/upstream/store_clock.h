/*
 * Where the clock of a distant store stands against ours: a message that was long under way must not
 * live longer here for that.
 *
 * A message tells its end by the store's clock and, as it is sent, how long it has left. What it has
 * left when it arrives is less by the time on its way, which it does not tell; but the fastest of
 * the last seconds was hardly under way at all, and what it says of the two clocks holds for all.
 *
 * Any thread, between store_clock_init and store_clock_fini.
 */
#ifndef TEMPMESSENGER_STORE_CLOCK_H
#define TEMPMESSENGER_STORE_CLOCK_H

#include "message.h"

#include <pthread.h>
#include <stdint.h>

enum {
    /* How long what a message has told is believed, at least; at most twice as long. Clocks run
     * apart by less than a millisecond in that time. */
    STORE_CLOCK_WINDOW_US = 10 * 1000 * 1000,
    /* One that seems later than this was not late: the store's clock was set back. */
    STORE_CLOCK_LATE_MAX_US = 5 * 1000 * 1000,
};

struct store_clock {
    pthread_mutex_t lock;
    int64_t least_us[2]; /* our time less the store's, the least of this window and of the last */
    uint64_t window_us;  /* when this window began; 0: nothing is known */
};

void store_clock_init(struct store_clock *clock);
void store_clock_fini(struct store_clock *clock);

/* Brings forward the end of a message that came at `now_us` and that nobody else has yet. Learns
 * from it. `clock` NULL: leaves it as it is. */
void store_clock_date(struct store_clock *clock, struct message *message, uint64_t now_us);

#endif
