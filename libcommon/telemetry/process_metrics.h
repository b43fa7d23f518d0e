/*
 * What this process uses of the machine, from /proc. Any thread.
 */
#ifndef TEMPMESSENGER_PROCESS_METRICS_H
#define TEMPMESSENGER_PROCESS_METRICS_H

#include "metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_metrics {
    uint64_t cpu_us; /* of all threads, in and outside the kernel */
    uint64_t resident_bytes;
    uint64_t threads;
    uint64_t open_files;
    uint64_t open_files_max;
    uint64_t started_us; /* since 1970; the same at every reading */
};

/* False, and nothing is set, where /proc cannot be read. */
bool process_metrics_read(struct process_metrics *ret_metrics) __attribute__((warn_unused_result));

/* Parses the text of /proc/<pid>/stat: the resident pages, the threads, and the start in clock
 * ticks since the machine's. False if it is not such a text. */
bool process_metrics_parse(const char *stat, uint64_t *ret_pages, uint64_t *ret_threads,
                           uint64_t *ret_start_ticks) __attribute__((warn_unused_result));

/* The process_… families that Prometheus' own libraries have; nothing where /proc cannot be
 * read. */
void process_metrics_write(struct metrics_writer *writer);

#endif
