/*
 * What processes use, as /proc tells.
 */
#ifndef TEMPMESSENGER_BENCH_USAGE_H
#define TEMPMESSENGER_BENCH_USAGE_H

#include <stddef.h>

enum { USAGE_PROCESSES_MAX = 16 };

/* Sums over the processes that are watched. */
struct usage {
    double cpu_s; /* user and system */
    unsigned long resident_kib;
    unsigned long threads;
};

struct usage_processes {
    unsigned long pids[USAGE_PROCESSES_MAX];
    size_t count;
};

/* "12,34"; fails where it is something else. */
struct usage_processes usage_parse(const char *pids);

struct usage usage_of(const struct usage_processes *processes);

/* This process' own processor time. */
double usage_own_cpu_s(void);

#endif
