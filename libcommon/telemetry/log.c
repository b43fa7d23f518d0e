/*
 * Where lines of the log come from and go to; their form is in log_line.c.
 *
 * yder is the log of Ulfius and Orcania. Here it only passes on their messages: its callback hands
 * each to this file. Our own lines do not go through yder, which knows no fields, reads messages as
 * printf formats and allocates a line. It goes on calling after it is closed, so log_close turns
 * its level off first.
 *
 * A pipe that nobody reads must not stop the service: a line that stderr does not take at once is
 * dropped. One lock is held over poll() and write(), so that no other thread fills the pipe between
 * the two; a pipe that poll() finds writable takes PIPE_BUF bytes.
 */
#include "log.h"

#include "cleanup.h"
#include "log_line.h"
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <yder.h>

enum { LOG_SERVICE_SIZE = 64, LOG_LEVEL_OFF = -1 };

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a pipe takes a line in one piece");

/* Set while there is one thread, then only read. */
static struct {
    char service[LOG_SERVICE_SIZE];
    int level;
    enum log_format format;
} state = {.level = LOG_LEVEL_OFF};

static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metrics_counter dropped;

static const unsigned long yder_levels[] = {
    [LOG_LEVEL_ERROR] = Y_LOG_LEVEL_ERROR,
    [LOG_LEVEL_WARNING] = Y_LOG_LEVEL_WARNING,
    [LOG_LEVEL_INFO] = Y_LOG_LEVEL_INFO,
    [LOG_LEVEL_DEBUG] = Y_LOG_LEVEL_DEBUG,
};

static enum log_level level_of_yder(unsigned long yder_level)
{
    enum log_level level = LOG_LEVEL_ERROR;
    while (level < LOG_LEVEL_DEBUG && yder_levels[level] < yder_level)
        level++;
    return level;
}

/* A message of a library, from yder. */
static void write_library_message(void *context, const char *app, const time_t date,
                                  const unsigned long yder_level, const char *message)
{
    (void)context, (void)app, (void)date;
    log_write(level_of_yder(yder_level), message);
}

/* Where stderr is closed /dev/null takes its place, which the next socket would take otherwise. */
static void hold_stderr(void)
{
    if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
        return;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || null == STDERR_FILENO)
        return;
    dup2(null, STDERR_FILENO);
    close(null);
}

void log_open(const char *service, enum log_level level, enum log_format format)
{
    hold_stderr();
    if (format == LOG_FORMAT_AUTO)
        format = isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    snprintf(state.service, sizeof state.service, "%s", service);
    state.format = format;
    state.level = (int)level;
    y_init_logs(state.service, Y_LOG_MODE_CALLBACK, yder_levels[level], NULL, NULL);
    y_set_logs_callback(write_library_message, NULL, NULL);
}

void log_close(void)
{
    state.level = LOG_LEVEL_OFF;
    y_init_logs(NULL, Y_LOG_MODE_NONE, Y_LOG_LEVEL_NONE, NULL, NULL);
    y_close_logs();
}

bool log_enabled(enum log_level level)
{
    return (int)level <= state.level;
}

uint64_t log_dropped(void)
{
    return metrics_counted(&dropped);
}

/* Whether stderr takes a line now. */
static bool writable(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

static void write_or_drop(const char *bytes, size_t len)
{
    LOCKED(&write_lock);
    ssize_t written;
    do {
        written = writable() ? write(STDERR_FILENO, bytes, len) : 0;
    } while (written < 0 && errno == EINTR);
    if (written != (ssize_t)len)
        metrics_count(&dropped);
}

void log_write_fields(enum log_level level, const char *message, const struct log_field *fields)
{
    if (!log_enabled(level))
        return;
    int errno_before = errno;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct log_line line = {
        .time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
        .level = level,
        .service = state.service,
        .message = message,
        .fields = fields,
    };
    char bytes[LOG_LINE_MAX];
    size_t len = log_line_render(state.format, &line, bytes);
    write_or_drop(bytes, len);
    errno = errno_before;
}
