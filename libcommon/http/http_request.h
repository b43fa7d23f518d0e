/*
 * A request as a handler sees it. What is returned lives as long as the exchange.
 */
#ifndef TEMPMESSENGER_HTTP_REQUEST_H
#define TEMPMESSENGER_HTTP_REQUEST_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct http_exchange;
struct http_server;

/* The path segment that stands for `:name` in the route, percent-decoded; NULL if the route has
 * none of that name. */
const char *http_request_param(const struct http_exchange *exchange, const char *name);

/* The query's first value of `name`, percent-decoded; false if there is none, or if it does not fit
 * into `size` bytes with its NUL. */
bool http_request_query(const struct http_exchange *exchange, const char *name, char *ret_value,
                        size_t size);

/* Whether the query has a value of `name`, of whatever length. */
bool http_request_has_query(const struct http_exchange *exchange, const char *name);

/* A request header's value, its name in any case; NULL if absent. Repeated ones are joined by
 * ','. */
const char *http_request_header(const struct http_exchange *exchange, const char *name);

/* The request's body; never NULL. TOO_LARGE where it is longer than the server's body_max: the rest
 * was not kept. */
enum error_code http_request_body(const struct http_exchange *exchange, const void **ret_body,
                                  size_t *ret_len, struct error *err) ERROR_MUST_USE;

/* Whether the Content-Type is this media type, whatever its parameters and case. */
bool http_request_content_type_is(const struct http_exchange *exchange, const char *media_type);

/* The answer to a body that is longer than the server's body_max. */
enum error_code http_request_body_too_long(const struct http_exchange *exchange, struct error *err);

bool http_request_is_head(const struct http_exchange *exchange);

/* The sender's X-Request-Id where it is well-formed, else one made here. Never NULL. */
const char *http_request_id(const struct http_exchange *exchange);

/* The sender's W3C traceparent where it is well-formed, else NULL. */
const char *http_request_traceparent(const struct http_exchange *exchange);

/* The sender's W3C tracestate, where its traceparent is well-formed, else NULL. */
const char *http_request_tracestate(const struct http_exchange *exchange);

/* The server of this exchange. */
const struct http_server *http_request_server(const struct http_exchange *exchange);

/* The address the connection came from. */
const struct sockaddr *http_request_peer(const struct http_exchange *exchange);

/* Before a call that may block (for the store, for another service). ERROR_NONE where the handler
 * may; on an event thread another code, which the handler returns: it is then called once more,
 * from its beginning, on a thread that may. */
enum error_code http_request_may_block(const struct http_exchange *exchange) ERROR_MUST_USE;

/* Whether the request's If-None-Match names `etag` (weak comparison, RFC 9110, 13.1.2). */
bool http_request_etag_matches(const struct http_exchange *exchange, const char *etag);

#endif
