/*
 * The metrics that both services have: the build, the answered requests, the live rooms, the
 * process. A service's own metrics are in a file of its own.
 */
#ifndef TEMPMESSENGER_COMMON_METRICS_H
#define TEMPMESSENGER_COMMON_METRICS_H

#include "http_exchange.h"
#include "live_rooms.h"
#include "metrics.h"

/* Writes them, without blocking. `service` is the program's name. */
void common_metrics_write(struct metrics_writer *writer, const char *service,
                          const struct http_server *server, const struct live_rooms *rooms);

/* Answers with the text. INTERNAL if the text is incomplete. */
enum error_code common_metrics_answer(struct http_exchange *exchange, const struct buffer *text,
                                      struct error *err) ERROR_MUST_USE;

#endif
