/*
 * The offset between Redis' clock and our monotonic one. It gives the end of a published message to
 * the millisecond, even if the message was read late: a thread that was held up must not lengthen
 * lives.
 *
 * One thread at a time. Times of Redis are microseconds since 1970, ours are monotonic.
 */
#ifndef TEMPMESSENGER_REDIS_CLOCK_H
#define TEMPMESSENGER_REDIS_CLOCK_H

#include "redis_moment.h"

#include <stdbool.h>
#include <stdint.h>

/* Initialise with {0}. */
struct redis_clock {
    bool known;
    int64_t offset_us;     /* our time less Redis': never below the truth while no clock is set */
    uint64_t confirmed_us; /* when Redis was last asked */
};

enum {
    REDIS_CLOCK_LATE_US = 50 * 1000,           /* a message that seems later than this is doubted */
    REDIS_CLOCK_DOUBT_EVERY_US = 1000 * 1000,  /* but not again for so long */
    REDIS_CLOCK_CONFIRM_US = 30 * 1000 * 1000, /* clocks run apart: ask at least so often */
};

/* Redis was asked at `asked_us`, answered that it was `redis_us`, to `precision_us` below the
 * truth, and the answer was here at `answered_us`. */
void redis_clock_confirm(struct redis_clock *clock, uint64_t asked_us, int64_t redis_us,
                         int64_t precision_us, uint64_t answered_us);

/* Whether to ask Redis the time before dating a message made at `created_ms` that came at `now_us`:
 * either it was held up or Redis' clock was set back, and only an answer can show which. */
bool redis_clock_doubts(const struct redis_clock *clock, int64_t created_ms, uint64_t now_us);

/* That moment on both clocks. Learns from a message that came faster than any before. */
struct redis_moment redis_clock_date(struct redis_clock *clock, int64_t created_ms,
                                     uint64_t now_us);

#endif
