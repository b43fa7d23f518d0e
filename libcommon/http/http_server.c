/*
 * The server's life: what it is made of, its start, and its orderly end. What a request goes
 * through is in http_daemon.c and http_dispatch.c.
 */
#include "http_server.h"

#include "cleanup.h"
#include "clock.h"
#include "epoll_wait.h"
#include "http_daemon.h"
#include "http_listener.h"
#include "http_server_private.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    /* How long a stop waits for the rest of a request: a peer that has gone in the middle of one is
     * not noticed by libmicrohttpd before its deadline. */
    HALF_REQUEST_WAIT_MS = 1000,
    /* How long a stop waits for clients that keep their connection to ask once more and be told. */
    GOODBYE_WAIT_MS = 1000,
    GOODBYE_POLL_MS = 10,
    HANG_UP_AGAIN_MS = 500,
};

/* ---- start ---- */

static bool make_parts(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    server->metrics = http_metrics_new(config->routes, config->route_count);
    server->waiters = http_waiters_new();
    server->connections = http_connections_new(config->disconnected, config->service);
    return server->metrics && server->waiters && server->connections &&
           getrandom(&server->request_id_seed, sizeof server->request_id_seed, 0) ==
               sizeof server->request_id_seed;
}

static enum error_code start(struct http_server *server, struct error *err)
{
    const struct http_server_config *config = &server->config;
    if (!make_parts(server))
        return error_set(err, ERROR_INTERNAL, "out of memory");
    server->listen_fd = http_listener_open(config->address, config->port, &server->port);
    if (server->listen_fd < 0)
        return error_set(err, ERROR_INTERNAL, "cannot listen on %s port %u: %s", config->address,
                         config->port, strerror(errno));
    if (!epoll_wait_is_ours())
        return error_set(err, ERROR_INTERNAL,
                         "epoll_wait is not the program's own; see epoll_wait.c");
    if (!http_daemon_start(server))
        return error_set(err, ERROR_INTERNAL, "cannot start the HTTP server");
    server->started = true;
    return ERROR_NONE;
}

enum error_code http_server_start(const struct http_server_config *config,
                                  struct http_server **ret_server, struct error *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    server->config = *config;
    server->config.max_connections = process_files(config->max_connections, config->files_share);
    server->listen_fd = -1;
    pthread_mutex_init(&server->lock, NULL);
    clock_cond_init(&server->idle);
    enum error_code code = start(server, err);
    if (code)
        http_server_free(server);
    else
        *ret_server = server;
    return code;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

/* ---- while it runs ---- */

void http_server_note_outage(struct http_server *server, enum error_code code,
                             const struct error *err)
{
    if (code)
        http_outage_note(&server->outage, "not ready", NULL, code, err);
    else
        http_outage_over(&server->outage);
}

const struct http_metrics *http_server_answers(const struct http_server *server)
{
    return server->metrics;
}

void http_server_metrics(const struct http_server *server, struct http_server_metrics *ret_metrics)
{
    *ret_metrics = (struct http_server_metrics){
        .connections = http_connections_count(server->connections),
        .refused = metrics_counted(&server->refused) + http_listener_refused(),
        .overdue = http_connections_overdue(server->connections),
    };
}

void http_server_request_ends(struct http_server *server, bool whole)
{
    /* Under the lock: whoever waits for the last may free the server. */
    LOCKED(&server->lock);
    if (whole)
        atomic_fetch_sub(&server->whole, 1);
    atomic_fetch_sub(&server->active, 1);
    if (atomic_load(&server->draining))
        pthread_cond_broadcast(&server->idle);
}

/* ---- stop ---- */

/* Waits until there is none of `count`, under the lock. */
static void await(struct http_server *server, const _Atomic size_t *count, uint64_t timeout_ms)
{
    struct timespec end = clock_timespec(clock_now_us() + timeout_ms * 1000);
    while (atomic_load(count) && pthread_cond_timedwait(&server->idle, &server->lock, &end) == 0)
        continue;
}

static uint64_t now_ms(void)
{
    return clock_now_us() / 1000;
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
    while (http_connections_count(server->connections) && now_ms() < end_ms)
        nanosleep(&pause, NULL);
}

void http_server_drain(struct http_server *server, uint64_t timeout_ms)
{
    uint64_t end_ms = now_ms() + timeout_ms;
    atomic_store(&server->draining, true);
    http_listener_stop(server->listen_fd);
    {
        LOCKED(&server->lock);
        await(server, &server->active, left_ms(end_ms, HALF_REQUEST_WAIT_MS));
        await(server, &server->whole, left_ms(end_ms, timeout_ms));
    }
    await_goodbyes(server, left_ms(end_ms, GOODBYE_WAIT_MS));
}

void http_server_hang_up(struct http_server *server)
{
    size_t left;
    do {
        http_connections_shutdown(server->connections);
        LOCKED(&server->lock);
        await(server, &server->whole, HANG_UP_AGAIN_MS);
        left = atomic_load(&server->whole);
    } while (left);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    /* No connection may be suspended when libmicrohttpd stops: what waits is waited for. */
    http_waiters_free(server->waiters);
    if (server->started)
        http_daemon_stop(server);
    else if (server->listen_fd >= 0)
        close(server->listen_fd);
    http_connections_free(server->connections);
    http_metrics_free(server->metrics);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
