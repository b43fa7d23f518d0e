/*
 * Measured times, in microseconds, and what is told of them.
 */
#ifndef TEMPMESSENGER_BENCH_SAMPLES_H
#define TEMPMESSENGER_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    int64_t *values;
    size_t count;
    size_t capacity;
};

void samples_init(struct samples *samples, size_t capacity);
void samples_fini(struct samples *samples);

/* No more than `capacity`. */
void samples_add(struct samples *samples, int64_t value);

/* Prints `"NAME":{"count":…,"min":…,"p50":…,"p99":…,"max":…}`, sorting the values. */
void samples_print(struct samples *samples, const char *name);

#endif
