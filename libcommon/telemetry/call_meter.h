/*
 * Calls of one kind to something else (the store, the message service): how they ended, and how long
 * they took. Zero when its memory is; any thread may add and read, and none waits.
 */
#ifndef TEMPMESSENGER_CALL_METER_H
#define TEMPMESSENGER_CALL_METER_H

#include "error.h"
#include "metrics.h"

#include <stddef.h>
#include <stdint.h>

struct call_meter {
    struct metrics_counter outcomes[ERROR_COUNT];
    struct metrics_histogram durations;
};

/* A meter as it was read. */
struct call_meter_stats {
    uint64_t outcomes[ERROR_COUNT];
    struct metrics_distribution durations; /* of all but UNAVAILABLE */
};

void call_meter_add(struct call_meter *meter, enum error_code outcome, uint64_t took_us);

void call_meter_stats(const struct call_meter *meter, struct call_meter_stats *ret_stats);

/* The kinds of calls to one other side, for the text. */
struct call_meter_family {
    const char *calls_name; /* of the counter */
    const char *calls_help;
    const char *duration_name; /* of the histogram */
    const char *duration_help;
    const char *const *kinds;
    size_t kind_count;
};

/* Writes `stats`, one for each kind, as two families. An outcome is "ok" or the last word of an
 * error's problem type; "ok", "unavailable" and "timeout" are there from the beginning. */
void call_meter_write(const struct call_meter_family *family, const struct call_meter_stats *stats,
                      struct metrics_writer *writer);

#endif
