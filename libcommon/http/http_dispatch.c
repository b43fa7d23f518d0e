/*
 * Two steps: when the head has come, and when the request is whole. Between them a refused
 * request's body is thrown away as it comes. The handler runs on the event thread; one that finds
 * that it has to wait returns HTTP_WOULD_BLOCK, and begins again on a thread of the waiters
 * (http_waiters.h).
 */
#include "http_dispatch.h"

#include "clock.h"
#include "http_exchange_private.h"
#include "http_outage.h"
#include "http_problem.h"
#include "http_router.h"
#include "http_server_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    /* Of a connection's memory, what libmicrohttpd takes for each header or cookie besides its
     * text, and what the head of our longest answer takes. */
    HEADER_MEMORY = 64,
    ANSWER_HEAD_MAX = 1024,
};

/* ---- request ids ---- */

/* SplitMix64's finish: unlike inputs give unlike outputs. */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

static bool request_id_valid(const char *id)
{
    size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return len >= 1 && len <= HTTP_REQUEST_ID_MAX && id[len] == '\0';
}

/* Ids need only be told apart in logs, not be secret: a seed from the kernel and a counter do. */
static void set_request_id(struct http_server *server, struct http_exchange *exchange)
{
    const char *id = http_request_header(exchange, "X-Request-Id");
    if (id && request_id_valid(id)) {
        snprintf(exchange->request_id, sizeof exchange->request_id, "%s", id);
        return;
    }
    uint64_t count = atomic_fetch_add_explicit(&server->request_count, 1, memory_order_relaxed);
    snprintf(exchange->request_id, sizeof exchange->request_id, "%016" PRIx64 "%016" PRIx64,
             mix(server->request_id_seed + count), mix(~server->request_id_seed ^ count));
}

/* ---- the way of a request ---- */

static bool equal_in_constant_time(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned difference = a_len != b_len;
    for (size_t i = 0; i < a_len; i++)
        difference |= (unsigned char)a[i] ^ (unsigned char)b[i % (b_len ? b_len : 1)];
    return difference == 0;
}

static bool authorized(const struct http_server *server, const struct http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *token = exchange->route->metrics ? server->config.metrics_token
                        : exchange->route->open  ? NULL
                                                 : server->config.token;
    if (!token)
        return true;
    const char *value = http_request_header(exchange, "Authorization");
    if (!value || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    value += sizeof scheme - 1;
    return equal_in_constant_time(value, strlen(value), token, strlen(token));
}

static void set_allow(struct http_exchange *exchange)
{
    char allow[64] = ""; /* more than all methods take */
    size_t len = 0;
    const struct http_route *route = exchange->route;
    for (enum http_method method = 0; method < HTTP_METHODS; method++) {
        enum http_method served_by = method == HTTP_HEAD ? HTTP_GET : method;
        if (method != HTTP_OPTIONS && route->handlers[served_by])
            len +=
                (size_t)snprintf(allow + len, sizeof allow - len, "%s, ", http_method_name(method));
    }
    http_answer_set_header(exchange, "Allow", "%sOPTIONS", allow);
}

/* The handler for the request's method, or NULL: 405. */
static http_handler *handler_of(const struct http_exchange *exchange)
{
    if (exchange->method == HTTP_OTHER)
        return NULL;
    return exchange->route->handlers[exchange->method == HTTP_HEAD ? HTTP_GET : exchange->method];
}

/* Whether the request's head leaves too little memory for that of an answer: libmicrohttpd would
 * close the connection without one, after the handler has done its work. */
static bool is_crowded(const struct http_exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    const char *cookie =
        http_request_header(exchange, "Cookie"); /* kept a second time, taken apart */
    int items = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL) +
                MHD_get_connection_values(connection, MHD_COOKIE_KIND, NULL, NULL);
    size_t used =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size +
        (cookie ? strlen(cookie) : 0) + (size_t)items * HEADER_MEMORY;
    return used > HTTP_CONNECTION_MEMORY - ANSWER_HEAD_MAX;
}

/* Whether so many connections are open that what is left is for those who ask how we are. */
static bool is_overloaded(const struct http_server *server)
{
    return http_connections_count(server->connections) > server->config.max_connections;
}

static bool body_is_too_long(const struct http_exchange *exchange)
{
    const char *value = http_request_header(exchange, "Content-Length");
    return value && strtoull(value, NULL, 10) > exchange->server->config.body_max;
}

/* Whether the body is in a content coding, which we do not take. */
static bool is_encoded(const struct http_exchange *exchange)
{
    const char *at = http_request_header(exchange, "Content-Encoding");
    while (at && *at) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (len && (len != strlen("identity") || strncasecmp(at, "identity", len) != 0))
            return true;
        at += len;
    }
    return false;
}

/* Origin, rate, and whatever else the service asks of someone who changes something. */
static enum error_code check_sender(struct http_exchange *exchange, struct error *err)
{
    const struct http_server_config *config = &exchange->server->config;
    if (!http_method_changes(exchange->method) || exchange->route->unchecked ||
        !config->check_sender)
        return ERROR_NONE;
    return config->check_sender(exchange, config->service, err);
}

/* All that can be refused without the body. */
static enum error_code check_head(struct http_exchange *exchange, struct error *err)
{
    struct http_server *server = exchange->server;
    const struct http_route *route = exchange->route;
    if (exchange->head_fault)
        return error_because(err, ERROR_BAD_REQUEST, "%s", exchange->head_fault);
    if (is_crowded(exchange))
        return error_because(err, ERROR_TOO_LARGE,
                             "the request's head leaves no room for an answer");
    if (!route)
        return ERROR_NOT_FOUND;
    if (!route->vital && is_overloaded(server))
        return error_set(err, ERROR_UNAVAILABLE, "Too many connections");
    if (!authorized(server, exchange))
        return ERROR_UNAUTHORIZED;
    if (exchange->method != HTTP_OPTIONS && !handler_of(exchange))
        return ERROR_METHOD_NOT_ALLOWED;
    enum error_code code = check_sender(exchange, err);
    if (!code && http_method_changes(exchange->method) && is_encoded(exchange))
        code = ERROR_UNSUPPORTED_ENCODING;
    if (!code && body_is_too_long(exchange))
        code = http_request_body_too_long(exchange, err);
    return code;
}

/* The path in the request line, which may come with scheme and host before it (RFC 9112, 3.2.2). */
static const char *target_path(const char *target)
{
    const char *authority = strstr(target, "://");
    if (target[0] == '/' || !authority)
        return target;
    const char *path = strchr(authority + 3, '/');
    return path ? path : "/";
}

/* Makes the empty answer, with the headers of every answer; false when out of memory. */
static bool begin_response(struct http_exchange *exchange)
{
    if (exchange->response)
        return true;
    struct _u_response *response = o_malloc(sizeof *response);
    if (!response || ulfius_init_response(response) != U_OK) {
        o_free(response);
        return false;
    }
    exchange->response = response;
    struct _u_map *headers = response->map_header;
    u_map_put(headers, "X-Request-Id", exchange->request_id);
    u_map_put(headers, "X-Content-Type-Options", "nosniff");
    u_map_put(headers, "Referrer-Policy", "no-referrer");
    u_map_put(headers, "Cross-Origin-Resource-Policy", "same-origin");
    u_map_put(headers, "Cache-Control", "no-store");
    return true;
}

void http_dispatch_head(struct http_exchange *exchange)
{
    const struct http_server_config *config = &exchange->server->config;
    const char *path = target_path(exchange->request.url_path);
    exchange->stage = HTTP_STAGE_BODY;
    exchange->method = http_method_of(exchange->request.http_verb);
    exchange->route = http_router_match(config->routes, config->route_count, path);
    set_request_id(exchange->server, exchange);
    if (!begin_response(exchange) ||
        (exchange->route && !http_params_read(exchange->route, path, &exchange->params)))
        exchange->refusal = ERROR_INTERNAL;
    else
        exchange->refusal = check_head(exchange, &exchange->err);
}

bool http_dispatch_refused(const struct http_exchange *exchange)
{
    return exchange->refusal != ERROR_NONE;
}

static void add_to_metrics(const struct http_exchange *exchange)
{
    struct http_metrics_answer answer = {
        .route = exchange->route,
        .method = exchange->method,
        .status = exchange->status,
        .is_stream = exchange->is_stream,
        .took_us = clock_now_us() - exchange->whole_us,
    };
    http_metrics_add(exchange->server->metrics, &answer);
}

/* Whether the route had an answer of its own for the error. */
static bool answer_otherwise(struct http_exchange *exchange, enum error_code code)
{
    const struct http_route *route = exchange->route;
    return route && route->answer_error &&
           route->answer_error(exchange, exchange->server->config.service, code, &exchange->err);
}

/* What came of the request, told to all who want to know. */
static void finish(struct http_exchange *exchange, enum error_code code)
{
    struct http_server *server = exchange->server;
    if (!code && exchange->may_block)
        http_outage_over(&server->outage);
    http_outage_note(&server->outage, "request failed", exchange->request_id, code, &exchange->err);
    if (code == ERROR_METHOD_NOT_ALLOWED)
        set_allow(exchange);
    if (code && !answer_otherwise(exchange, code))
        http_problem_answer(exchange, code, &exchange->err);
    if (atomic_load_explicit(&server->draining, memory_order_relaxed) || exchange->head_fault)
        http_answer_set_header(exchange, "Connection", "close");
    add_to_metrics(exchange);
    exchange->stage = HTTP_STAGE_ANSWERED;
}

static enum error_code run_handler(struct http_exchange *exchange)
{
    if (exchange->refusal)
        return exchange->refusal;
    if (exchange->method == HTTP_OPTIONS) {
        set_allow(exchange);
        return http_answer(exchange, 204, NULL, NULL, 0);
    }
    exchange->err = (struct error){0};
    return handler_of(exchange)(exchange, exchange->server->config.service, &exchange->err);
}

bool http_dispatch_answer(struct http_exchange *exchange, bool may_block)
{
    exchange->may_block = may_block;
    enum error_code code = run_handler(exchange);
    if (code == HTTP_WOULD_BLOCK)
        return false;
    finish(exchange, code);
    return true;
}

void http_dispatch_answer_busy(struct http_exchange *exchange)
{
    exchange->may_block = false;
    finish(exchange, error_because(&exchange->err, ERROR_UNAVAILABLE,
                                   "too many requests wait for other services"));
}
