/*
 * All that the gateway tells Prometheus.
 */
#ifndef TEMPMESSENGER_GATEWAY_METRICS_H
#define TEMPMESSENGER_GATEWAY_METRICS_H

#include "buffer.h"
#include "client_limits.h"
#include "http_exchange.h"
#include "live_rooms.h"
#include "message_client.h"
#include "room_feeds.h"

/* What is asked for its numbers. */
struct gateway_metrics_sources {
    struct message_client *client;
    const struct client_limits *client_limits;
    const struct room_feeds *feeds;
    const struct live_rooms *rooms;
    const struct http_server *server;
};

/* Appends it to `text`. Waits for nobody. */
void gateway_metrics_write(const struct gateway_metrics_sources *sources, struct buffer *text);

#endif
