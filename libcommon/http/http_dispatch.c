/*
 * The way of a request through the server, once it has come whole: its id, its route, who may send
 * it, its handler, and the answer's headers; errors become answers here, and are logged once.
 */
#include "clock.h"
#include "http_internal.h"
#include "http_problem.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    /* Of a connection's memory, what libmicrohttpd takes for each header or cookie besides its text,
     * and what the head of our longest answer takes. */
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
    const char *id = http_header(exchange, "X-Request-Id");
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
    const char *token = server->config.token;
    if (!token)
        return true;
    const char *value = http_header(exchange, "Authorization");
    if (!value || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    value += sizeof scheme - 1;
    return equal_in_constant_time(value, strlen(value), token, strlen(token));
}

static void set_allow(struct http_exchange *exchange, const struct http_route *route)
{
    http_set_header(exchange, "Allow", "%s%sOPTIONS", route->get ? "GET, HEAD, " : "",
                    route->post ? "POST, " : "");
}

/* The handler for the request's method, or NULL: 405. */
static http_handler *handler_of(const struct http_route *route, const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return route->get;
    return strcmp(method, "POST") == 0 ? route->post : NULL;
}

/* Whether the request's head leaves too little memory for that of an answer: libmicrohttpd would
 * close the connection without one, after the handler has done its work. */
static bool is_crowded(const struct http_exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    const char *cookie = http_header(exchange, "Cookie"); /* kept a second time, taken apart */
    int items = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL) +
                MHD_get_connection_values(connection, MHD_COOKIE_KIND, NULL, NULL);
    size_t used =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size +
        (cookie ? strlen(cookie) : 0) + (size_t)items * HEADER_MEMORY;
    return used > HTTP_CONNECTION_MEMORY - ANSWER_HEAD_MAX;
}

static enum error_code serve(struct http_server *server, struct http_exchange *exchange,
                             const struct http_route *route, struct error *err)
{
    const struct http_server_config *config = &server->config;
    if (is_crowded(exchange))
        return error_because(err, ERROR_TOO_LARGE,
                             "the request's head leaves no room for an answer");
    if (!route)
        return ERROR_NOT_FOUND;
    if (!route->open && !authorized(server, exchange))
        return ERROR_UNAUTHORIZED;
    if (strcmp(exchange->method, "OPTIONS") == 0) {
        set_allow(exchange, route);
        return http_answer(exchange, 204, NULL, NULL, 0);
    }
    http_handler *handler = handler_of(route, exchange->method);
    if (!handler) {
        set_allow(exchange, route);
        return ERROR_METHOD_NOT_ALLOWED;
    }
    return handler(exchange, config->service, err);
}

/* What others must be reached for, and cannot be, is said once, and once more when it can again; in
 * between each failure has its line at debug. */
static void log_failure(struct http_server *server, const char *message, const char *request_id,
                        enum error_code code, const struct error *err)
{
    if (!err->cause[0] && code != ERROR_INTERNAL)
        return;
    bool outage = code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT;
    bool worth_a_warning =
        outage ? !atomic_exchange(&server->unavailable, true) : error_status(code) >= 500;
    log_write(worth_a_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, message,
              LOG_TEXT("request_id", request_id), LOG_TEXT("error", error_type(code)),
              LOG_TEXT("cause", err->cause[0] ? err->cause : NULL));
}

static void log_end_of_outage(struct http_server *server)
{
    if (atomic_exchange(&server->unavailable, false))
        log_write(LOG_LEVEL_INFO, "available again");
}

static void log_outcome(struct http_server *server, const struct http_exchange *exchange,
                        enum error_code code, const struct error *err)
{
    if (!code && exchange->blocks)
        log_end_of_outage(server);
    log_failure(server, "request failed", exchange->request_id, code, err);
}

void http_server_note_outage(struct http_server *server, enum error_code code,
                             const struct error *err)
{
    if (!code)
        log_end_of_outage(server);
    else
        log_failure(server, "not ready", NULL, code, err);
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

/* The headers of every answer. */
static void set_headers(struct http_server *server, struct http_exchange *exchange)
{
    struct _u_map *headers = exchange->response->map_header;
    u_map_put(headers, "X-Request-Id", exchange->request_id);
    u_map_put(headers, "X-Content-Type-Options", "nosniff");
    u_map_put(headers, "Referrer-Policy", "no-referrer");
    u_map_put(headers, "Cache-Control", "no-store");
    if (atomic_load_explicit(&server->draining, memory_order_relaxed))
        u_map_put(headers, "Connection", "close");
}

static void add_to_metrics(const struct http_server *server, const struct http_exchange *exchange,
                           const struct http_route *route, uint64_t began_us)
{
    struct http_metrics_answer answer = {
        .route = route,
        .method = exchange->method,
        .status = exchange->status,
        .is_stream = exchange->is_stream,
        .took_us = clock_monotonic_us(&clock_system) - began_us,
    };
    http_metrics_add(server->metrics, &answer);
}

int http_dispatch(const struct _u_request *request, struct _u_response *response, void *context)
{
    struct http_server *server = context;
    struct http_exchange *exchange = ((const struct http_exchange *)request)->self;
    uint64_t began_us = clock_monotonic_us(&clock_system);
    exchange->response = response;
    exchange->method = request->http_verb;
    exchange->serving = true;
    atomic_fetch_add_explicit(&server->serving, 1, memory_order_relaxed);
    exchange->body_max = server->config.body_max;
    exchange->gate = &server->gate;
    set_request_id(server, exchange);
    set_headers(server, exchange);

    const char *path = target_path(request->url_path);
    const struct http_route *route =
        http_router_match(server->config.routes, server->config.route_count, path);
    struct error err = {0};
    enum error_code code = ERROR_INTERNAL;
    if (!route || http_params_read(route, path, &exchange->params))
        code = serve(server, exchange, route, &err);
    if (exchange->blocks)
        gate_leave(&server->gate);
    log_outcome(server, exchange, code, &err);
    if (code)
        http_answer_problem(exchange, code, &err);
    add_to_metrics(server, exchange, route, began_us);
    exchange->response = NULL;
    return U_CALLBACK_COMPLETE;
}
