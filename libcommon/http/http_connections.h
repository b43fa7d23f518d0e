/*
 * The connections that are open, to whoever they belong by now: how many there are, and by when
 * each must have sent its request.
 *
 * Any thread may call any function. A connection is looked after from http_connections_add until
 * its last owner has released it, which each does before it closes the descriptor.
 */
#ifndef TEMPMESSENGER_HTTP_CONNECTIONS_H
#define TEMPMESSENGER_HTTP_CONNECTIONS_H

#include "metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
    /* From a connection's beginning, or from the first line of a later request, until the request
     * is whole. */
    HTTP_CONNECTIONS_REQUEST_MS = 30 * 1000,
    /* How long a connection is kept without a request. */
    HTTP_CONNECTIONS_IDLE_S = 60,
    /* How often the deadlines are looked at. */
    HTTP_CONNECTIONS_SWEEP_MS = 500,
};

struct http_connections;

struct http_connection {
    TAILQ_ENTRY(http_connection) entry;
    struct http_connections *connections;
    int fd;
    unsigned owners;              /* libmicrohttpd, and whoever took it over */
    void *client;                 /* whose connection it is; NULL: nobody wants to know */
    _Atomic uint64_t deadline_us; /* it is shut down then; UINT64_MAX: never */
};

/* Starts the thread that looks after deadlines. `disconnected`, if it is not NULL, is called when a
 * connection with a client ends. NULL when out of memory. */
struct http_connections *http_connections_new(void (*disconnected)(void *context, void *client),
                                              void *context);

/* No connection may be left. Takes NULL. */
void http_connections_free(struct http_connections *connections);

/* Looks after a connection whose request is due within HTTP_CONNECTIONS_REQUEST_MS. NULL when out
 * of memory. */
struct http_connection *http_connections_add(struct http_connections *connections, int fd);

size_t http_connections_count(const struct http_connections *connections);

/* How many were shut down because their request was not whole in time. */
uint64_t http_connections_overdue(const struct http_connections *connections);

/* Shuts the connection down: its owner reads the end of it and closes it. */
void http_connections_refuse(struct http_connection *connection);

/* Shuts all connections down, so that whoever reads from one or writes to it is told. */
void http_connections_shutdown(struct http_connections *connections);

/* Another owner has the connection besides, with a descriptor of its own. */
void http_connections_take(struct http_connection *connection, int fd);

/* One owner less; the last frees it. Takes NULL. */
void http_connections_release(struct http_connection *connection);

/* A request begins: it is due within HTTP_CONNECTIONS_REQUEST_MS, or sooner if it was already. */
void http_connections_begin(struct http_connection *connection);

/* The request is whole: nothing is due. */
void http_connections_whole(struct http_connection *connection);

/* The answer is sent; another request may follow within the time that a connection is kept. */
void http_connections_rest(struct http_connection *connection);

#endif
