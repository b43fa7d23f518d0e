/*
 * One HTTP request and the answer being made to it, as a handler sees them.
 *
 * An exchange belongs to the server and lives for the handler's call; so do the strings that its
 * functions return. A handler reads, makes one call, and answers once (http_answer…), or returns an
 * error, which the server answers as application/problem+json (RFC 9457).
 */
#ifndef TEMPMESSENGER_HTTP_EXCHANGE_H
#define TEMPMESSENGER_HTTP_EXCHANGE_H

#include "blob.h"
#include "error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct http_exchange;
struct http_metrics;

/* The media types that both services answer with. */
#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_PROBLEM "application/problem+json"
#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"
#define HTTP_TYPE_HTML "text/html; charset=utf-8"
#define HTTP_TYPE_EVENTS "text/event-stream"

/* The path segment that stands for `:name` in the route, percent-decoded; NULL if the route has none
 * of that name. */
const char *http_param(const struct http_exchange *exchange, const char *name);

/* The query's first value of `name`, percent-decoded; false if there is none, or if it does not fit
 * into `size` bytes with its NUL. */
bool http_query(const struct http_exchange *exchange, const char *name, char *ret_value,
                size_t size);

/* A request header's value, its name in any case; NULL if absent. Repeated ones are joined by ','. */
const char *http_header(const struct http_exchange *exchange, const char *name);

/* The request's body; never NULL. TOO_LARGE where it is longer than the server's body_max: the rest
 * was not kept. */
enum error_code http_body(const struct http_exchange *exchange, const void **ret_body,
                          size_t *ret_len, struct error *err) ERROR_MUST_USE;

/* Whether the Content-Type is this media type, whatever its parameters and case. */
bool http_content_type_is(const struct http_exchange *exchange, const char *media_type);

bool http_is_head(const struct http_exchange *exchange);

/* The sender's X-Request-Id where it is well-formed, else one made here. Never NULL. */
const char *http_request_id(const struct http_exchange *exchange);

/* The sender's W3C traceparent where it is well-formed, else NULL. */
const char *http_traceparent(const struct http_exchange *exchange);

/* What the server has answered until now (http_metrics.h). */
const struct http_metrics *http_exchange_metrics(const struct http_exchange *exchange);

/* The address the connection came from. */
const struct sockaddr *http_peer(const struct http_exchange *exchange);

/* How long a request waits for the right to block, where others have it. */
enum { HTTP_BLOCK_WAIT_MS = 100 };

/* Before a call that may block (for the store, for another service): all but one of the server's
 * threads may at one time, so that there is always one for requests that need not. The right lasts
 * to the end of the handler. UNAVAILABLE where none is free. */
enum error_code http_block(struct http_exchange *exchange, struct error *err) ERROR_MUST_USE;

/* Sets a header of the answer, whatever kind of answer it becomes. */
__attribute__((format(printf, 3, 4))) void
http_set_header(struct http_exchange *exchange, const char *name, const char *format, ...);

/* Answers with a copy of the bytes. `content_type` is NULL where there is no content. */
enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len);

/* Answers 200 with the bytes and this entity tag, or 304 where If-None-Match names it (weak
 * comparison, RFC 9110, 13.1.2). */
enum error_code http_answer_tagged(struct http_exchange *exchange, const char *content_type,
                                   const char *etag, const void *bytes, size_t len);

/* Answers 200 {"status":"ok"}. */
enum error_code http_answer_ok(struct http_exchange *exchange);

/* What a stream read returns instead of a count of bytes. */
enum { HTTP_STREAM_LATER = 0, HTTP_STREAM_END = -1 };

/*
 * An answer that is read piece by piece until it ends.
 *
 * `read` fills up to `max` bytes and returns their count, HTTP_STREAM_END, or HTTP_STREAM_LATER
 * after a call of http_stream_suspend: it is then not called again before http_stream_resume. It
 * runs on a thread of the server and must not block. `free` is called once, also when the peer left.
 */
struct http_stream_ops {
    ssize_t (*read)(void *stream, char *bytes, size_t max);
    void (*free)(void *stream);
};

/* Where a stream goes: valid from http_answer_stream until the stream's `free`. */
struct http_connection;

/* Answers 200 with a stream. Takes `stream`, also on failure, when `free` is called here. Sets
 * *ret_connection before the first `read` can run. */
enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream,
                                   struct http_connection **ret_connection);

/* From within `read` alone. */
void http_stream_suspend(struct http_connection *connection);

/* Any thread; the caller sees to it that `free` has not run. A resume that comes before the suspend
 * undoes it only if both stand under one lock of the caller's. */
void http_stream_resume(struct http_connection *connection);

#endif
