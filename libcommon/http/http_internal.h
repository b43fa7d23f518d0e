/*
 * What the parts of the server share and nobody else sees: http_server.c (its life), http_dispatch.c
 * (a request's way) and http_exchange.c (what a handler sees).
 */
#ifndef TEMPMESSENGER_HTTP_INTERNAL_H
#define TEMPMESSENGER_HTTP_INTERNAL_H

#include "gate.h"
#include "http_exchange.h"
#include "http_metrics.h"
#include "http_router.h"
#include "http_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <ulfius.h>

enum {
    HTTP_REQUEST_ID_MAX = 64,
    /* For a request's line and headers, and for a piece of the answer: what a connection costs. */
    HTTP_CONNECTION_MEMORY = 12 * 1024,
};

struct http_server {
    struct http_server_config config;
    struct _u_instance instance;
    int listen_fd; /* libmicrohttpd's once `started` */
    unsigned port;
    bool started;
    uint64_t request_id_seed;
    _Atomic uint64_t request_count;

    struct gate gate; /* of the threads that may block */
    struct http_metrics *metrics;

    _Atomic size_t active;  /* requests begun and not completed */
    _Atomic size_t serving; /* of them, those that have come whole */
    _Atomic bool draining;
    _Atomic bool unavailable; /* a request has failed for others, and none has gone well since */
    pthread_mutex_t lock;     /* while `idle` is told, and waited for */
    pthread_cond_t idle;
};

struct http_exchange {
    /* First: Ulfius made this as its request, and we grew it (http_server.c, on_uri). */
    struct _u_request request;
    struct http_exchange *self; /* for `dispatch`, which is handed the request as const */
    struct MHD_Connection *connection;
    struct http_server *server;
    struct _u_response *response; /* while the handler runs */
    const char *method;           /* the request's */
    struct http_params params;
    uint64_t started_us;
    size_t body_max;   /* of the server's config */
    struct gate *gate; /* the server's */
    bool serving;      /* it has come whole */
    bool blocks;       /* has a place in it */
    bool is_stream;    /* the answer is */
    size_t bytes;      /* of the answer's content; a stream's are not counted */
    int status;        /* of the answer; 0: none yet */
    char request_id[HTTP_REQUEST_ID_MAX + 1];
};

/* The server's one endpoint; `context` is the server. */
int http_dispatch(const struct _u_request *request, struct _u_response *response, void *context);

#endif
