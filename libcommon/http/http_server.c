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
#include "epoll_wait.h"
#include "http_internal.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    /* How long a stop waits for clients that keep their connection to ask once more and be told. */
    GOODBYE_WAIT_MS = 1000,
    GOODBYE_POLL_MS = 10,
    /* A server's options besides the terminator. */
    MHD_OPTIONS = 8,
};

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
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, config->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (ulfius_init_instance(&server->instance, server->port, NULL, NULL) != U_OK)
        return false;
    /* One byte over the limit is how a body that is too long is told from one that just fits. */
    server->instance.max_post_body_size = config->body_max + 1;
    /* Forms are decoded by who wants them: Ulfius' decoder drops a character cut by a packet. */
    server->instance.allowed_post_processor = U_POST_PROCESS_NONE;
    /* A header of bytes that are no UTF-8 is there, and wrong; Ulfius would leave it out. */
    server->instance.check_utf8 = 0;
    if (ulfius_set_default_endpoint(&server->instance, http_dispatch, server) != U_OK)
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

    server->metrics = http_metrics_new(config->routes, config->route_count);
    if (!server->metrics) {
        error_set(err, ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    if (getrandom(&server->request_id_seed, sizeof server->request_id_seed, 0) !=
            sizeof server->request_id_seed ||
        !bind_socket(server)) {
        error_set(err, ERROR_INTERNAL, "cannot listen on %s port %u: %s", config->address,
                  config->port, strerror(errno));
        goto fail;
    }
    if (!epoll_wait_is_ours()) {
        error_set(err, ERROR_INTERNAL, "epoll_wait is not the program's own; see epoll_wait.c");
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

/*
 * Closes the listening socket under libmicrohttpd's hands, by putting one that does nothing in its
 * place. MHD_quiesce_daemon is for this, but aborts the process now and then: it takes the socket
 * from a thread's epoll set while that thread does so itself (0.9.75). Closed so, the kernel takes
 * it from all sets at once, and the number stays taken until libmicrohttpd closes it.
 */
static void stop_listening(const struct http_server *server)
{
    int nothing = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (nothing < 0)
        return;
    dup3(nothing, server->listen_fd, O_CLOEXEC);
    close(nothing);
}

/* Waits until there is none of `count`, under the lock. */
static void await(struct http_server *server, const _Atomic size_t *count, uint64_t timeout_ms)
{
    struct timespec end = clock_timespec(clock_monotonic_us(&clock_system) + timeout_ms * 1000);
    while (atomic_load(count) && pthread_cond_timedwait(&server->idle, &server->lock, &end) == 0)
        continue;
}

static uint64_t now_ms(void)
{
    return clock_monotonic_us(&clock_system) / 1000;
}

static uint64_t left_ms(uint64_t end_ms, uint64_t at_most_ms)
{
    uint64_t now = now_ms();
    uint64_t left = end_ms > now ? end_ms - now : 0;
    return left < at_most_ms ? left : at_most_ms;
}

/* While the server drains each answer closes its connection. One that is closed without an answer
 * may just have taken a request, which its client cannot tell from one that was carried out. */
static void await_goodbyes(struct http_server *server, uint64_t timeout_ms)
{
    uint64_t end_ms = now_ms() + timeout_ms;
    struct timespec pause = {.tv_nsec = GOODBYE_POLL_MS * 1000000L};
    while (MHD_get_daemon_info(server->instance.mhd_daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
               ->num_connections &&
           now_ms() < end_ms)
        nanosleep(&pause, NULL);
}

void http_server_drain(struct http_server *server, uint64_t timeout_ms)
{
    uint64_t end_ms = now_ms() + timeout_ms;
    atomic_store(&server->draining, true);
    stop_listening(server);
    {
        LOCKED(&server->lock);
        await(server, &server->active, left_ms(end_ms, HALF_REQUEST_WAIT_MS));
        await(server, &server->serving, left_ms(end_ms, timeout_ms));
    }
    await_goodbyes(server, left_ms(end_ms, GOODBYE_WAIT_MS));
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    if (server->started)
        ulfius_stop_framework(&server->instance);
    else if (server->listen_fd >= 0)
        close(server->listen_fd);
    ulfius_clean_instance(&server->instance);
    http_metrics_free(server->metrics);
    gate_fini(&server->gate);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
