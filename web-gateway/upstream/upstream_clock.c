/*
 * The least offset of two windows of time: the one that runs and the one before it.
 */
#include "upstream_clock.h"

void upstream_clock_init(struct upstream_clock *clock)
{
    *clock = (struct upstream_clock){0};
    pthread_mutex_init(&clock->lock, NULL);
}

void upstream_clock_fini(struct upstream_clock *clock)
{
    pthread_mutex_destroy(&clock->lock);
}

static void begin(struct upstream_clock *clock, int64_t offset_us, uint64_t now_us)
{
    clock->least_us[0] = offset_us;
    clock->least_us[1] = offset_us;
    clock->window_us = now_us;
}

/* The least offset that is believed at `now_us`, this message's included. */
static int64_t learn(struct upstream_clock *clock, int64_t offset_us, uint64_t now_us)
{
    uint64_t age_us = now_us - clock->window_us;
    if (!clock->window_us || age_us >= 2 * (uint64_t)UPSTREAM_CLOCK_WINDOW_US) {
        begin(clock, offset_us, now_us);
    } else if (age_us >= UPSTREAM_CLOCK_WINDOW_US) {
        clock->least_us[1] = clock->least_us[0];
        clock->least_us[0] = offset_us;
        clock->window_us = now_us;
    } else if (offset_us < clock->least_us[0]) {
        clock->least_us[0] = offset_us;
    }
    int64_t least_us =
        clock->least_us[0] < clock->least_us[1] ? clock->least_us[0] : clock->least_us[1];
    if (offset_us - least_us <= UPSTREAM_CLOCK_LATE_MAX_US)
        return least_us;
    begin(clock, offset_us, now_us);
    return offset_us;
}

void upstream_clock_date(struct upstream_clock *clock, struct message *message, uint64_t now_us)
{
    if (!clock)
        return;
    int64_t offset_us = message_clock_offset_us(message);
    pthread_mutex_lock(&clock->lock);
    int64_t least_us = learn(clock, offset_us, now_us);
    pthread_mutex_unlock(&clock->lock);
    message->deadline_us -= (uint64_t)(offset_us - least_us);
}
