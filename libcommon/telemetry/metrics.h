/*
 * Numbers for an operator: counters and histograms that modules embed and keep, and a writer that
 * lays them out in Prometheus' text format, version 0.0.4.
 *
 * There is no registry: a module that counts keeps its numbers in its own struct and hands out a
 * copy, and one file of each service writes all of them on request. A value is zero when its memory
 * is; any thread may add to it or read it, and none ever waits. Values read one after the other are
 * not of one moment.
 *
 * A label's value is one of a few words of ours, never what a client sent.
 */
#ifndef TEMPMESSENGER_METRICS_H
#define TEMPMESSENGER_METRICS_H

#include "buffer.h"

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum {
    METRICS_BOUNDS = 16,           /* of a histogram; above the last there is one bucket more */
    METRICS_TEXT_MAX = 1024 * 1024 /* bytes of one answer to GET /metrics */
};

/* The buckets of every histogram, each up to and with its bound: 0.1 ms to 10 s. */
extern const uint64_t metrics_bounds_us[METRICS_BOUNDS];

/* ---- values ---- */

/* A number that only grows. */
struct metrics_counter {
    _Atomic uint64_t count;
};

/* How often something took how long. */
struct metrics_histogram {
    _Atomic uint64_t buckets[METRICS_BOUNDS + 1]; /* each for itself, not added up */
    _Atomic uint64_t sum_us;
};

/* A histogram as it was read. */
struct metrics_distribution {
    uint64_t buckets[METRICS_BOUNDS + 1];
    uint64_t sum_us;
    uint64_t count; /* of all buckets */
};

static inline void metrics_count(struct metrics_counter *counter)
{
    atomic_fetch_add_explicit(&counter->count, 1, memory_order_relaxed);
}

static inline uint64_t metrics_counted(const struct metrics_counter *counter)
{
    return atomic_load_explicit(&counter->count, memory_order_relaxed);
}

void metrics_observe(struct metrics_histogram *histogram, uint64_t took_us);

void metrics_observed(const struct metrics_histogram *histogram,
                      struct metrics_distribution *ret_distribution);

/* ---- the text ---- */

struct metrics_label {
    const char *name;
    const char *value; /* UTF-8 */
};

/* Labels for the functions below, which take NULL where there are none. */
#define METRICS_LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})

/* Where the text goes, and the family whose samples are written. */
struct metrics_writer {
    struct buffer *text; /* whether all of it fitted is for its owner to ask */
    const char *family;
};

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* Begins a family: each name once, with all of its samples, or none, before the next one begins. */
void metrics_write_family(struct metrics_writer *writer, const char *name, enum metrics_type type,
                          const char *help);

/* A family that has one sample, a number without labels. */
void metrics_write_one(struct metrics_writer *writer, const char *name, enum metrics_type type,
                       uint64_t number, const char *help);

/* One sample of the family: a number, a time written in seconds, or a histogram's lines. */
void metrics_write_number(struct metrics_writer *writer, const struct metrics_label *labels,
                          uint64_t number);
void metrics_write_seconds(struct metrics_writer *writer, const struct metrics_label *labels,
                           uint64_t us);
void metrics_write_distribution(struct metrics_writer *writer, const struct metrics_label *labels,
                                const struct metrics_distribution *distribution);

#endif
