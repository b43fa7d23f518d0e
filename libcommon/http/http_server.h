/*
 * The HTTP server of both services: Ulfius over libmicrohttpd's pool of epoll threads.
 *
 * What every answer needs is done here: routing with HEAD, OPTIONS, 404 and 405, the bearer token,
 * the limits, request ids, security headers, problem+json, the access log and an orderly stop.
 */
#ifndef TEMPMESSENGER_HTTP_SERVER_H
#define TEMPMESSENGER_HTTP_SERVER_H

#include "http_exchange.h"
#include "http_route.h"

struct http_server_config {
    const char *address; /* IPv4 or IPv6 */
    unsigned port;       /* 0: any free one */
    unsigned threads;    /* event threads; a request that has to wait gets another one */
    /* Open connections, streams included; fewer where the open-file limit allows fewer, of which
     * they may take `files_share` percent. HTTP_SERVER_CONNECTIONS_RESERVE more are taken for
     * routes that are `vital`. */
    unsigned max_connections;
    unsigned files_share;
    size_t body_max;           /* bytes; a longer body is answered 413 */
    const char *token;         /* what Authorization must bear; NULL: nothing */
    const char *metrics_token; /* the same for a route that says `metrics` */
    const struct http_route *routes;
    size_t route_count;

    void *service; /* handed to the handlers, and to the functions below */

    /* A connection has come from `peer`: whether it may stay; NULL: each may. *ret_client, NULL
     * before, is handed to `disconnected` when the connection is closed, if it is set. Neither may
     * block. */
    bool (*connected)(void *service, const struct sockaddr *peer, void **ret_client);
    void (*disconnected)(void *service, void *client);

    /* Whether the sender of a request that changes something may do so; NULL: everyone. It may set
     * headers of the answer, and runs on an event thread, without waiting, before anything of the
     * body is kept. */
    enum error_code (*check_sender)(struct http_exchange *exchange, void *service,
                                    struct error *err);
};

enum {
    /* Connections above max_connections, for routes that are `vital`. */
    HTTP_SERVER_CONNECTIONS_RESERVE = 16,
    /* Above the streams that may be open, so that there are some left to ask on. */
    HTTP_SERVER_CONNECTIONS_BESIDE_STREAMS = 256,
};

struct http_server;

/* Binds and serves. The config's strings and routes must outlive the server. INTERNAL, with the
 * reason in err->detail in words for the operator, where the address cannot be bound. */
enum error_code http_server_start(const struct http_server_config *config,
                                  struct http_server **ret_server,
                                  struct error *err) ERROR_MUST_USE;

/* The port that is listened on. */
unsigned http_server_port(const struct http_server *server);

/* What a service needs was tried outside of a request, with this result: logs an outage as failing
 * requests do. Any thread. */
void http_server_note_outage(struct http_server *server, enum error_code code,
                             const struct error *err);

struct http_metrics;

/* What the server has answered until now (http_metrics.h). */
const struct http_metrics *http_server_answers(const struct http_server *server);

/* What an operator is shown. */
struct http_server_metrics {
    size_t connections;
    uint64_t refused; /* connections beyond those that may be open, or out of files */
    uint64_t overdue; /* closed because a request was not whole in time */
};

/* Waits for nobody. */
void http_server_metrics(const struct http_server *server, struct http_server_metrics *ret_metrics);

/* Takes no more connections and waits until the requests under way are answered, at most
 * `timeout_ms`; for those that have come only in part, a second at most. Then, within the same time
 * and for a second at most, until no client keeps a connection: each is closed with its next
 * answer. Streams are requests under way: end them first. Once. */
void http_server_drain(struct http_server *server, uint64_t timeout_ms);

/* Shuts down all connections that are left, taken ones too, and waits until whoever has one has
 * ended it. */
void http_server_hang_up(struct http_server *server);

/* Frees. No connection that was taken may be left: hang up first. Takes NULL. */
void http_server_free(struct http_server *server);

#endif
