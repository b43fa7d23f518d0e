/*
 * Processor time is read from the process' own clock: /proc has it in ticks of 10 ms alone.
 */
#include "usage.h"

#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

struct usage_processes usage_parse(const char *pids)
{
    struct usage_processes processes = {0};
    const char *at = pids;
    while (*at) {
        char *end;
        unsigned long pid = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ',') || processes.count == USAGE_PROCESSES_MAX)
            loop_fail("\"%s\" is no list of at most %d process ids", pids, USAGE_PROCESSES_MAX);
        processes.pids[processes.count++] = pid;
        at = *end ? end + 1 : end;
    }
    return processes;
}

static void add_times(unsigned long pid, struct usage *usage)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        loop_fail("process %lu has no clock: it has ended?", pid);
    usage->cpu_s += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void add_status(unsigned long pid, struct usage *usage)
{
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/%lu/status", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        loop_fail("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            usage->resident_kib += strtoul(line + 6, NULL, 10);
        else if (strncmp(line, "Threads:", 8) == 0)
            usage->threads += strtoul(line + 8, NULL, 10);
    }
    fclose(file);
}

struct usage usage_of(const struct usage_processes *processes)
{
    struct usage usage = {0};
    for (size_t i = 0; i < processes->count; i++) {
        add_times(processes->pids[i], &usage);
        add_status(processes->pids[i], &usage);
    }
    return usage;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double usage_own_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
