/*
 * Ulfius in libmicrohttpd's pool mode, with one endpoint: everything. Ulfius matches methods to the
 * letter and copies each endpoint that matches, so the routing is ours (http_router.c); it reads
 * the request, collects the body and sends the answer.
 *
 * Ulfius does not hand out the connection that a stream needs to be suspended. It does let us pass
 * our own URI callback, the first thing called for a request: there Ulfius' request is grown into an
 * http_exchange, which Ulfius frees in its time with the allocator it came from.
 *
 * The listening socket is ours, so that a port in use is told plainly and port 0 is of use.
 */
#include "http_server.h"

#include "clock.h"
#include "http_internal.h"
#include "http_problem.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTEN_BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    /* Connections above max_connections, so that there is one to say 503 on. */
    CONNECTIONS_RESERVE = 256,
    CONNECTION_IDLE_TIMEOUT_S = 60,
    /* How long a stop waits for the rest of a request: a peer that has gone in the middle of one is
     * not noticed by libmicrohttpd before the idle timeout. */
    HALF_REQUEST_WAIT_MS = 1000,
    /* For a request's line and headers, and for a piece of the answer. What a connection costs. */
    CONNECTION_MEMORY = 12 * 1024,
    /* Of it, what libmicrohttpd takes for each header or cookie besides its text, and what the head
     * of our longest answer takes. */
    HEADER_MEMORY = 64,
    ANSWER_HEAD_MAX = 1024,
    /* A server's options besides the terminator. */
    MHD_OPTIONS = 8,
};

struct http_server {
    struct http_server_config config;
    struct _u_instance instance;
    int listen_fd; /* libmicrohttpd's while `started` and not `quiesced` */
    unsigned port;
    bool started;
    bool quiesced; /* libmicrohttpd does not own listen_fd any more */
    uint64_t request_id_seed;
    _Atomic uint64_t request_count;

    struct gate gate; /* of the threads that may block */

    _Atomic size_t active;  /* requests begun and not completed */
    _Atomic size_t serving; /* of them, those that have come whole */
    _Atomic bool draining;
    _Atomic bool unavailable; /* a request has failed for others, and none has gone well since */
    pthread_mutex_t lock;     /* while `idle` is told, and waited for */
    pthread_cond_t idle;
};

/* ---- requests ids ---- */

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
    return used > CONNECTION_MEMORY - ANSWER_HEAD_MAX;
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
 * between each request that fails has its line at debug. */
static void log_cause(struct http_server *server, const struct http_exchange *exchange,
                      enum error_code code, const struct error *err)
{
    if (!code && exchange->blocks && atomic_exchange(&server->unavailable, false))
        log_write(LOG_LEVEL_INFO, "available again");
    if (!err->cause[0])
        return;
    bool outage = code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT;
    bool worth_a_warning =
        outage ? !atomic_exchange(&server->unavailable, true) : error_status(code) >= 500;
    log_write(worth_a_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "request failed",
              LOG_TEXT("request_id", exchange->request_id), LOG_TEXT("error", error_type(code)),
              LOG_TEXT("cause", err->cause));
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

static int dispatch(const struct _u_request *request, struct _u_response *response, void *context)
{
    struct http_server *server = context;
    struct http_exchange *exchange = ((const struct http_exchange *)request)->self;
    exchange->response = response;
    exchange->method = request->http_verb;
    exchange->serving = true;
    atomic_fetch_add_explicit(&server->serving, 1, memory_order_relaxed);
    exchange->body_max = server->config.body_max;
    exchange->gate = &server->gate;
    set_request_id(server, exchange);
    u_map_put(response->map_header, "X-Request-Id", exchange->request_id);
    u_map_put(response->map_header, "X-Content-Type-Options", "nosniff");
    u_map_put(response->map_header, "Referrer-Policy", "no-referrer");
    u_map_put(response->map_header, "Cache-Control", "no-store");
    if (atomic_load_explicit(&server->draining, memory_order_relaxed))
        u_map_put(response->map_header, "Connection", "close");

    const struct http_route *route =
        http_router_match(server->config.routes, server->config.route_count,
                          target_path(request->url_path), &exchange->params);
    struct error err = {0};
    enum error_code code = serve(server, exchange, route, &err);
    if (exchange->blocks)
        gate_leave(&server->gate);
    log_cause(server, exchange, code, &err);
    if (code)
        http_answer_problem(exchange, code, &err);
    exchange->response = NULL;
    return U_CALLBACK_COMPLETE;
}

/* ---- what libmicrohttpd calls ---- */

/* Keeps the query from libmicrohttpd, which would make a record of each of its parts: a long query
 * takes all of the connection's memory, and the connection then hangs. We have a copy of the whole
 * (http_query); `uri` lies in the connection's own buffer, and what follows it is read after this. */
static void hide_query(const char *uri)
{
    char *query = strchr(uri, '?');
    if (query)
        query[1] = '\0';
}

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct connection_info_struct *info = ulfius_uri_logger(NULL, uri);
    if (!info)
        return NULL;
    struct http_exchange *exchange = o_realloc(info->request, sizeof *exchange);
    if (!exchange) {
        ulfius_clean_request_full(info->request);
        o_free(info);
        return NULL;
    }
    memset((char *)exchange + sizeof exchange->request, 0,
           sizeof *exchange - sizeof exchange->request);
    hide_query(uri);
    exchange->self = exchange;
    exchange->connection = connection;
    exchange->server = server;
    exchange->started_us = clock_monotonic_us(&clock_system);
    info->request = &exchange->request;
    atomic_fetch_add_explicit(&server->active, 1, memory_order_relaxed);
    return info;
}

static void log_request(const struct http_exchange *exchange)
{
    if (!exchange->status || !log_enabled(LOG_LEVEL_INFO))
        return;
    uint64_t took_us = clock_monotonic_us(&clock_system) - exchange->started_us;
    const char *traceparent = http_traceparent(exchange);
    log_write(LOG_LEVEL_INFO, "request", LOG_TEXT("method", exchange->method),
              LOG_TEXT("path", exchange->request.url_path), LOG_NUMBER("status", exchange->status),
              LOG_NUMBER("bytes", exchange->bytes), LOG_DURATION("duration_ms", took_us),
              LOG_TEXT("request_id", exchange->request_id), LOG_TEXT("traceparent", traceparent));
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *server = context;
    struct connection_info_struct *info = *request_context;
    if (!info)
        return;
    struct http_exchange *exchange = (struct http_exchange *)info->request;
    log_request(exchange);
    http_params_fini(&exchange->params);
    if (exchange->serving)
        atomic_fetch_sub_explicit(&server->serving, 1, memory_order_relaxed);
    mhd_request_completed(NULL, connection, request_context, why);
    atomic_fetch_sub(&server->active, 1);
    if (atomic_load(&server->draining)) {
        LOCKED(&server->lock);
        pthread_cond_broadcast(&server->idle);
    }
}

/* libmicrohttpd reports each peer that leaves too early: of interest when looking for a fault. */
__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list args)
{
    (void)context;
    if (!log_enabled(LOG_LEVEL_DEBUG))
        return;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_write(LOG_LEVEL_DEBUG, "libmicrohttpd", LOG_TEXT("text", text));
}

/* ---- start and stop ---- */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *text, unsigned port, union socket_address *address)
{
    *address = (union socket_address){0};
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return sizeof address->v6;
    }
    return 0;
}

/* Listens; the port's number goes to server->port. */
static bool bind_socket(struct http_server *server)
{
    union socket_address address;
    socklen_t len = parse_address(server->config.address, server->config.port, &address);
    if (!len) {
        errno = EINVAL;
        return false;
    }
    int on = 1;
    server->listen_fd =
        socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listen_fd < 0 ||
        setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listen_fd, &address.any, len) != 0 ||
        listen(server->listen_fd, LISTEN_BACKLOG) != 0 ||
        getsockname(server->listen_fd, &address.any, &len) != 0)
        return false;
    server->port =
        ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return true;
}

static bool start_instance(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    unsigned connections = config->max_connections + CONNECTIONS_RESERVE;
    struct MHD_OptionItem options[MHD_OPTIONS + 1] = {
        /* The logger first: the others may have something to say. */
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, server},
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_TIMEOUT_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, config->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (ulfius_init_instance(&server->instance, server->port, NULL, NULL) != U_OK)
        return false;
    /* One byte over the limit is how a body that is too long is told from one that just fits. */
    server->instance.max_post_body_size = config->body_max + 1;
    /* Forms are decoded by who wants them: Ulfius' decoder drops a character cut by a packet. */
    server->instance.allowed_post_processor = U_POST_PROCESS_NONE;
    if (ulfius_set_default_endpoint(&server->instance, dispatch, server) != U_OK)
        return false;
    return ulfius_start_framework_with_mhd_options(&server->instance,
                                                   MHD_USE_EPOLL_INTERNAL_THREAD |
                                                       MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                                                   options) == U_OK;
}

enum error_code http_server_start(const struct http_server_config *config,
                                  struct http_server **ret_server, struct error *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    server->config = *config;
    server->listen_fd = -1;
    gate_init(&server->gate, config->threads > 1 ? config->threads - 1 : 1);
    pthread_mutex_init(&server->lock, NULL);
    clock_cond_init(&server->idle);

    if (getrandom(&server->request_id_seed, sizeof server->request_id_seed, 0) !=
            sizeof server->request_id_seed ||
        !bind_socket(server)) {
        error_set(err, ERROR_INTERNAL, "cannot listen on %s port %u: %s", config->address,
                  config->port, strerror(errno));
        goto fail;
    }
    if (!start_instance(server)) {
        error_set(err, ERROR_INTERNAL, "cannot start the HTTP server");
        goto fail;
    }
    server->started = true;
    *ret_server = server;
    return ERROR_NONE;

fail:
    http_server_free(server);
    return ERROR_INTERNAL;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

/* Waits until there is none of `count`, under the lock. */
static void await(struct http_server *server, const _Atomic size_t *count, uint64_t timeout_ms)
{
    struct timespec end = clock_timespec(clock_monotonic_us(&clock_system) + timeout_ms * 1000);
    while (atomic_load(count) && pthread_cond_timedwait(&server->idle, &server->lock, &end) == 0)
        continue;
}

void http_server_drain(struct http_server *server, uint64_t timeout_ms)
{
    atomic_store(&server->draining, true);
    /* The socket stays ours: the threads let go of it in their own time, so it is closed last. */
    MHD_quiesce_daemon(server->instance.mhd_daemon);
    shutdown(server->listen_fd, SHUT_RDWR);
    server->quiesced = true;

    uint64_t half_ms = timeout_ms < HALF_REQUEST_WAIT_MS ? timeout_ms : HALF_REQUEST_WAIT_MS;
    LOCKED(&server->lock);
    await(server, &server->active, half_ms);
    await(server, &server->serving, timeout_ms - half_ms);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    if (server->started)
        ulfius_stop_framework(&server->instance);
    if (server->listen_fd >= 0 && (!server->started || server->quiesced))
        close(server->listen_fd);
    ulfius_clean_instance(&server->instance);
    gate_fini(&server->gate);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
