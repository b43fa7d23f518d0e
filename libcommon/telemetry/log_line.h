/*
 * The form of one line of the log.
 *
 * Text: `2026-11-22T06:00:00.123Z info    message key=value key="quoted value"`
 * JSON: `{"time":"…","level":"info","service":"web-gateway","message":"…","key":value}`
 *
 * Pure: it takes the time and writes nowhere. Any thread.
 */
#ifndef TEMPMESSENGER_LOG_LINE_H
#define TEMPMESSENGER_LOG_LINE_H

#include "log.h"

#include <stddef.h>

/* A line with its newline: what a pipe takes in one piece (PIPE_BUF). The message, and the value of
 * each field, escapes counted. */
enum { LOG_LINE_MAX = 4096, LOG_VALUE_MAX = 1024 };

struct log_line {
    uint64_t time_ms; /* since 1970, UTC */
    enum log_level level;
    const char *service;
    const char *message;
    const struct log_field *fields; /* ends with a NULL key */
};

/* Writes the line, newline included and without a NUL, and returns its length. `format` is not
 * LOG_FORMAT_AUTO. Values over LOG_VALUE_MAX end with "…"; where the line is full the remaining
 * fields give way to truncated=true. Control characters, bytes that are not UTF-8 and characters
 * that reorder or break lines on a terminal are escaped. */
size_t log_line_render(enum log_format format, const struct log_line *line,
                       char ret_bytes[LOG_LINE_MAX]);

#endif
