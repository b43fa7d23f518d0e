/*
 * What a server is made of, for the files of this folder alone; all others see http_server.h.
 */
#ifndef TEMPMESSENGER_HTTP_SERVER_PRIVATE_H
#define TEMPMESSENGER_HTTP_SERVER_PRIVATE_H

#include "http_connections.h"
#include "http_metrics.h"
#include "http_outage.h"
#include "http_server.h"
#include "http_waiters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <ulfius.h>

struct http_server {
    struct http_server_config config;
    struct _u_instance instance; /* http_daemon.c's */
    bool started;
    int listen_fd; /* libmicrohttpd's once `started` */
    unsigned port;
    uint64_t request_id_seed;
    _Atomic uint64_t request_count;

    struct http_connections *connections;
    struct http_waiters *waiters;
    struct http_metrics *metrics;
    struct metrics_counter refused; /* connections */

    _Atomic size_t active; /* requests begun and not ended */
    _Atomic size_t whole;  /* of them, those that have come whole */
    _Atomic bool draining;
    struct http_outage outage;
    pthread_mutex_t lock; /* while `idle` is signalled, and waited for */
    pthread_cond_t idle;
};

/* A request has ended, whoever answered it; `whole`: all of it had come. */
void http_server_request_ends(struct http_server *server, bool whole);

#endif
