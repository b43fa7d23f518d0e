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
struct http_server;
struct http_takeover;

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

/* Whether the query has a value of `name`, of whatever length. */
bool http_has_query(const struct http_exchange *exchange, const char *name);

/* A request header's value, its name in any case; NULL if absent. Repeated ones are joined by ','. */
const char *http_header(const struct http_exchange *exchange, const char *name);

/* The request's body; never NULL. TOO_LARGE where it is longer than the server's body_max: the rest
 * was not kept. */
enum error_code http_body(const struct http_exchange *exchange, const void **ret_body,
                          size_t *ret_len, struct error *err) ERROR_MUST_USE;

/* Whether the Content-Type is this media type, whatever its parameters and case. */
bool http_content_type_is(const struct http_exchange *exchange, const char *media_type);

/* The answer to a body that is longer than the server's body_max. */
enum error_code http_body_too_long(const struct http_exchange *exchange, struct error *err);

bool http_is_head(const struct http_exchange *exchange);

/* The sender's X-Request-Id where it is well-formed, else one made here. Never NULL. */
const char *http_request_id(const struct http_exchange *exchange);

/* The sender's W3C traceparent where it is well-formed, else NULL. */
const char *http_traceparent(const struct http_exchange *exchange);

/* The server of this exchange. */
const struct http_server *http_exchange_server(const struct http_exchange *exchange);

/* The address the connection came from. */
const struct sockaddr *http_peer(const struct http_exchange *exchange);

/* Before a call that may block (for the store, for another service). ERROR_NONE where the handler
 * may; on an event thread another code, which the handler returns: it is then called once more, from
 * its beginning, on a thread that may. */
enum error_code http_may_block(const struct http_exchange *exchange) ERROR_MUST_USE;

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

/* Whether the request's If-None-Match names `etag` (weak comparison, RFC 9110, 13.1.2). */
bool http_etag_matches(const struct http_exchange *exchange, const char *etag);

/* Answers 200 {"status":"ok"}. */
enum error_code http_answer_ok(struct http_exchange *exchange);

/* An answer that is written piece by piece, by libmicrohttpd's threads, as its reader takes it. */
struct http_pieces_ops {
    /* Fills up to `max` bytes and returns their count; 0: that was all; -1: it fails. Must not
     * block. */
    ssize_t (*read)(void *pieces, char *bytes, size_t max);
    /* Called once, also when the peer left. */
    void (*free)(void *pieces);
};

/* Answers 200 with the pieces. Takes `pieces`, also on failure, when `free` is called here. */
enum error_code http_answer_pieces(struct http_exchange *exchange, const char *content_type,
                                   const struct http_pieces_ops *ops, void *pieces);

/* An answer whose connection is taken over once its head has been sent (http_takeover.h). */
struct http_stream_ops {
    /* The connection is the stream's, and so is the stream its own. On an event thread. */
    void (*take)(void *stream, struct http_takeover *takeover);
    /* Called instead of `take` where the peer left before, or the connection cannot be taken. */
    void (*free)(void *stream);
};

/* Answers 200 with a stream. Takes `stream`, also on failure, when `free` is called here. */
enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream);

#endif
