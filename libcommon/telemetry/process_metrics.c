/*
 * /proc/self/stat is one line, read in one piece. The name of the program in it may hold spaces and
 * brackets, so counting begins behind the last bracket.
 *
 * The kernel gives the start in ticks since the machine's. Its time on the wall clock is computed
 * once: if it were computed at each reading, setting that clock would move the start.
 *
 * Newer kernels (6.2) give the number of open files as the size of their directory; with older ones
 * the directory is read, some milliseconds for ten thousand files.
 */
#include "process_metrics.h"

#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    STAT_SIZE = 2048,
    US_PER_S = 1000000,
    /* Of the fields in proc(5), which counts from one; the third is the first behind the name. */
    FIELD_FIRST = 3,
    FIELD_THREADS = 20,
    FIELD_START = 22,
    FIELD_PAGES = 24,
};

static const char files_path[] = "/proc/self/fd";

static pthread_once_t started_once = PTHREAD_ONCE_INIT;
static uint64_t started_us;

static uint64_t clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000u;
}

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, size - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* The number in the field, or false. */
static bool field(const char *behind_name, int number, uint64_t *ret_value)
{
    const char *at = behind_name;
    for (int i = FIELD_FIRST; i <= number; i++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    char *end;
    *ret_value = strtoull(at, &end, 10);
    return end != at;
}

bool process_metrics_parse(const char *stat, uint64_t *ret_pages, uint64_t *ret_threads,
                           uint64_t *ret_start_ticks)
{
    const char *behind_name = strrchr(stat, ')');
    return behind_name && field(behind_name, FIELD_PAGES, ret_pages) &&
           field(behind_name, FIELD_THREADS, ret_threads) &&
           field(behind_name, FIELD_START, ret_start_ticks);
}

static bool read_stat(uint64_t *ret_pages, uint64_t *ret_threads, uint64_t *ret_start_ticks)
{
    char text[STAT_SIZE];
    return read_text("/proc/self/stat", text, sizeof text) &&
           process_metrics_parse(text, ret_pages, ret_threads, ret_start_ticks);
}

static void compute_start(void)
{
    uint64_t pages, threads, ticks;
    if (!read_stat(&pages, &threads, &ticks))
        return;
    uint64_t boot_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME);
    started_us = boot_us + ticks * US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t count_files(void)
{
    struct stat status;
    if (stat(files_path, &status) == 0 && status.st_size > 0)
        return (uint64_t)status.st_size;
    DIR *files = opendir(files_path);
    uint64_t count = 0;
    while (files && readdir(files))
        count++;
    if (files)
        closedir(files);
    /* Without the two dots and the directory itself. */
    return count > 3 ? count - 3 : 0;
}

static uint64_t cpu_us(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_S +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

bool process_metrics_read(struct process_metrics *ret_metrics)
{
    uint64_t pages, threads, ticks;
    if (!read_stat(&pages, &threads, &ticks))
        return false;
    pthread_once(&started_once, compute_start);
    *ret_metrics = (struct process_metrics){
        .cpu_us = cpu_us(),
        .resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE),
        .threads = threads,
        .open_files = count_files(),
        .open_files_max = process_file_limit(),
        .started_us = started_us,
    };
    return true;
}

static void write_seconds(struct metrics_writer *writer, const char *name, enum metrics_type type,
                          uint64_t us, const char *help)
{
    metrics_write_family(writer, name, type, help);
    metrics_write_seconds(writer, NULL, us);
}

void process_metrics_write(struct metrics_writer *writer)
{
    struct process_metrics metrics;
    if (!process_metrics_read(&metrics))
        return;
    write_seconds(writer, "process_cpu_seconds_total", METRICS_COUNTER, metrics.cpu_us,
                  "Processor time of all threads.");
    metrics_write_one(writer, "process_resident_memory_bytes", METRICS_GAUGE,
                      metrics.resident_bytes, "Resident memory.");
    metrics_write_one(writer, "process_open_fds", METRICS_GAUGE, metrics.open_files, "Open files.");
    metrics_write_one(writer, "process_max_fds", METRICS_GAUGE, metrics.open_files_max,
                      "Maximum of open files.");
    write_seconds(writer, "process_start_time_seconds", METRICS_GAUGE, metrics.started_us,
                  "When the process started, since 1970.");
    metrics_write_one(writer, "process_threads", METRICS_GAUGE, metrics.threads, "Threads.");
}
