/*
 * Calls of one kind to another process (the store, the message service): how they ended, and how
 * long they took. Zero when its memory is; any thread may add and read, and none waits.
 */
#ifndef TEMPMESSENGER_CALL_METRICS_H
#define TEMPMESSENGER_CALL_METRICS_H

#include "error.h"
#include "metrics.h"

#include <stddef.h>
#include <stdint.h>

struct call_metrics {
    struct metrics_counter outcomes[ERROR_COUNT];
    struct metrics_histogram durations;
};

/* The same, as it was read. */
struct call_metrics_reading {
    uint64_t outcomes[ERROR_COUNT];
    struct metrics_distribution durations; /* of all but UNAVAILABLE */
};

void call_metrics_add(struct call_metrics *calls, enum error_code outcome, uint64_t took_us);

void call_metrics_read(const struct call_metrics *calls, struct call_metrics_reading *ret_reading);

/* The kinds of calls to one process, for the text. */
struct call_metrics_family {
    const char *calls_name; /* of the counter */
    const char *calls_help;
    const char *duration_name; /* of the histogram */
    const char *duration_help;
    const char *const *kinds;
    size_t kind_count;
};

/* Writes `readings`, one for each kind, as two families. An outcome is "ok" or the last word of an
 * error's problem type; "ok", "unavailable" and "timeout" are there from the beginning. */
void call_metrics_write(const struct call_metrics_family *family,
                        const struct call_metrics_reading *readings, struct metrics_writer *writer);

#endif
