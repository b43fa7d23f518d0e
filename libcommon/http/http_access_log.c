/*
 * A stream's line is written when it ends, long after libmicrohttpd has freed its request: the few
 * texts that the line needs are kept in one allocation.
 */
#include "http_access_log.h"

#include "clock.h"
#include "http_exchange_private.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

/* A request's facts as its line tells them. */
struct line {
    const char *method;
    const char *path;
    const char *request_id;
    const char *traceparent; /* NULL: none */
    int status;
    size_t bytes;
    uint64_t started_us;
};

struct http_access_log_kept {
    struct line line;
    char texts[];
};

static void write_line(const struct line *line)
{
    uint64_t took_us = clock_now_us() - line->started_us;
    log_write(LOG_LEVEL_INFO, "request", LOG_TEXT("method", line->method),
              LOG_TEXT("path", line->path), LOG_NUMBER("status", line->status),
              LOG_NUMBER("bytes", line->bytes), LOG_DURATION("duration_ms", took_us),
              LOG_TEXT("request_id", line->request_id), LOG_TEXT("traceparent", line->traceparent));
}

static struct line line_of(const struct http_exchange *exchange)
{
    return (struct line){
        .method = exchange->request.http_verb,
        .path = exchange->request.url_path,
        .request_id = exchange->request_id,
        .traceparent = http_request_traceparent(exchange),
        .status = exchange->status,
        .bytes = exchange->bytes,
        .started_us = exchange->started_us,
    };
}

void http_access_log_write(const struct http_exchange *exchange)
{
    if (!exchange->status || exchange->taken || !log_enabled(LOG_LEVEL_INFO))
        return;
    struct line line = line_of(exchange);
    write_line(&line);
}

/* Copies a text behind those that are there. */
static const char *keep(char **end, const char *text)
{
    if (!text)
        return NULL;
    char *copy = *end;
    *end = stpcpy(copy, text) + 1;
    return copy;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

struct http_access_log_kept *http_access_log_keep(const struct http_exchange *exchange)
{
    if (!log_enabled(LOG_LEVEL_INFO))
        return NULL;
    struct line line = line_of(exchange);
    struct http_access_log_kept *kept =
        malloc(sizeof *kept + size_of(line.method) + size_of(line.path) + size_of(line.request_id) +
               size_of(line.traceparent));
    if (!kept)
        return NULL;
    char *end = kept->texts;
    kept->line = line;
    kept->line.method = keep(&end, line.method);
    kept->line.path = keep(&end, line.path);
    kept->line.request_id = keep(&end, line.request_id);
    kept->line.traceparent = keep(&end, line.traceparent);
    return kept;
}

void http_access_log_write_kept(struct http_access_log_kept *kept)
{
    if (!kept)
        return;
    write_line(&kept->line);
    free(kept);
}
