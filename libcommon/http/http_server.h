/*
 * The HTTP server of both services: Ulfius over libmicrohttpd's pool of epoll threads.
 *
 * What every answer needs is done here: routing with HEAD, OPTIONS, 404 and 405, the bearer token,
 * the body limit, request ids, security headers, problem+json, the access log and an orderly stop.
 */
#ifndef TEMPMESSENGER_HTTP_SERVER_H
#define TEMPMESSENGER_HTTP_SERVER_H

#include "http_exchange.h"

/* Answers the exchange and returns ERROR_NONE, or returns an error with nothing answered. */
typedef enum error_code http_handler(struct http_exchange *exchange, void *service,
                                     struct error *err);

/* One path and what it does. GET serves HEAD too; a method without handler is answered 405. */
struct http_route {
    const char *path; /* segments behind slashes; one that begins with ':' takes any and names it */
    http_handler *get;
    http_handler *post;
    bool open; /* needs no bearer token */
};

struct http_server_config {
    const char *address; /* IPv4 or IPv6 */
    unsigned port;       /* 0: any free one */
    unsigned threads;    /* event threads */
    unsigned max_connections;
    size_t body_max;   /* bytes; a longer body is answered 413 */
    const char *token; /* what Authorization must bear; NULL: nothing */
    const struct http_route *routes;
    size_t route_count;
    void *service; /* handed to the handlers */
};

struct http_server;

/* Binds and serves. The config's strings and routes must outlive the server. INTERNAL, with the
 * reason in err->detail in words for the operator, where the address cannot be bound. */
enum error_code http_server_start(const struct http_server_config *config,
                                  struct http_server **ret_server,
                                  struct error *err) ERROR_MUST_USE;

/* The port that is listened on. */
unsigned http_server_port(const struct http_server *server);

/* What a service needs was tried outside of a request, and went as `code` and `err` tell. An outage
 * is one warning in the log and one line when it is over, whoever meets them: requests that fail,
 * or this. Any thread. */
void http_server_note_outage(struct http_server *server, enum error_code code,
                             const struct error *err);

/* Takes no more connections and waits until the requests under way are answered, at most
 * `timeout_ms`; for those that have come only in part, a second at most. Then, within the same time
 * and for a second at most, until no client keeps a connection: each is closed with its next answer.
 * Streams are requests under way: end them first. Once. */
void http_server_drain(struct http_server *server, uint64_t timeout_ms);

/* Ends what is left and frees. No stream may be suspended. Takes NULL. */
void http_server_free(struct http_server *server);

#endif
