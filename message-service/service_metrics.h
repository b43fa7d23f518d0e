/*
 * The message service's metrics in Prometheus' format.
 */
#ifndef TEMPMESSENGER_SERVICE_METRICS_H
#define TEMPMESSENGER_SERVICE_METRICS_H

#include "buffer.h"
#include "http_exchange.h"
#include "live_rooms.h"
#include "message_store.h"

/* Appends them to `text`. Neither calls the store nor waits for anyone. */
void service_metrics_write(const struct message_store *store, const struct live_rooms *rooms,
                           const struct http_server *server, struct buffer *text);

#endif
