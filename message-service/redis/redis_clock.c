/*
 * A message that came at A and was made at C by Redis' clock says that the offset is at most A - C:
 * it cannot have come before it was made. So the smallest of these is the best, and never too
 * small; a time that was cut to whole milliseconds only makes it larger.
 *
 * It becomes too small where Redis' clock is set back or runs slow, and lives would be cut short.
 * Against that Redis is asked the time: its answer bounds the offset from both sides, and an offset
 * outside these bounds is dropped. A message that looks late is either late or dated by a clock
 * that was set back, so it is a reason to ask; so is the age of the last answer. In between, clocks
 * that run apart by 50 ppm move the offset by 1.5 ms.
 */
#include "redis_clock.h"

static int64_t offset_at(uint64_t monotonic_us, int64_t redis_us)
{
    return (int64_t)monotonic_us - redis_us;
}

void redis_clock_confirm(struct redis_clock *clock, uint64_t asked_us, int64_t redis_us,
                         int64_t precision_us, uint64_t answered_us)
{
    int64_t least_us = offset_at(asked_us, redis_us) - precision_us;
    int64_t most_us = offset_at(answered_us, redis_us);
    if (!clock->known || clock->offset_us < least_us || clock->offset_us > most_us)
        clock->offset_us = most_us;
    clock->known = true;
    clock->confirmed_us = answered_us;
}

bool redis_clock_doubts(const struct redis_clock *clock, int64_t created_ms, uint64_t now_us)
{
    if (!clock->known)
        return true;
    uint64_t age_us = now_us - clock->confirmed_us;
    int64_t late_us = offset_at(now_us, created_ms * 1000) - clock->offset_us;
    return age_us >= REDIS_CLOCK_CONFIRM_US ||
           (late_us > REDIS_CLOCK_LATE_US && age_us >= REDIS_CLOCK_DOUBT_EVERY_US);
}

struct redis_moment redis_clock_date(struct redis_clock *clock, int64_t created_ms, uint64_t now_us)
{
    int64_t most_us = offset_at(now_us, created_ms * 1000);
    if (!clock->known)
        return (struct redis_moment){created_ms, now_us};
    if (most_us < clock->offset_us)
        clock->offset_us = most_us;
    int64_t redis_ms = ((int64_t)now_us - clock->offset_us) / 1000;
    return (struct redis_moment){redis_ms, (uint64_t)(redis_ms * 1000 + clock->offset_us)};
}
