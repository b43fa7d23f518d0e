/*
 * What one client address may have open at the gateway and ask it to open, so that nobody alone
 * takes what is there for all: connections, event streams, and rooms that nobody reads yet.
 *
 * An address that may be a proxy for many is not held to it (client_address.h says which is). The
 * log tells of the first refusal of an address, once a day.
 *
 * Any thread; nothing blocks.
 */
#ifndef TEMPMESSENGER_CLIENT_LIMITS_H
#define TEMPMESSENGER_CLIENT_LIMITS_H

#include "client_address.h"
#include "clients.h"
#include "error.h"
#include "http_exchange.h"
#include "metrics.h"
#include "settings.h"

struct client_limits_config {
    const struct address_block *trusted_proxies;
    size_t trusted_proxy_count;
    unsigned max[CLIENTS_KINDS];      /* 0: any number */
    struct setting_rate rooms_opened; /* both 0: off */
};

struct client_limits;

/* The proxies must outlive the limits. NULL when out of memory. */
struct client_limits *client_limits_new(const struct client_limits_config *config);

/* Nothing may be open. Takes NULL. */
void client_limits_free(struct client_limits *limits);

/* The client that the request comes from. Logs the first X-Forwarded-For of an address that is not
 * trusted. */
void client_limits_identify(struct client_limits *limits, const struct http_exchange *exchange,
                            struct client_address *ret_client);

/* A connection has come from `peer`: false where it has as many as it may. *ret_client is for
 * clients_close, or NULL: the peer is not held to the limit. */
bool client_limits_connect(struct client_limits *limits, const struct sockaddr *peer,
                           struct client **ret_client);

/* The request's client opens an event stream: RATE_LIMITED where it has as many as it may.
 * *ret_client as of client_limits_connect. */
enum error_code client_limits_open_stream(struct client_limits *limits,
                                          const struct http_exchange *exchange,
                                          struct client **ret_client,
                                          struct error *err) ERROR_MUST_USE;

/* The request's client asks for a room that is not open: RATE_LIMITED where it has asked for as
 * many as it may. */
enum error_code client_limits_open_room(struct client_limits *limits,
                                        const struct http_exchange *exchange,
                                        struct error *err) ERROR_MUST_USE;

/* How many were refused. */
struct client_limits_metrics {
    uint64_t connections;
    uint64_t streams;
    uint64_t rooms;
};

void client_limits_metrics(const struct client_limits *limits,
                           struct client_limits_metrics *ret_metrics);

#endif
