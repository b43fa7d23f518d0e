/*
 * The metrics that both services have: which build it is, what was answered, the live rooms, and the
 * process. What only one of them has is written by its own file.
 */
#ifndef TEMPMESSENGER_COMMON_METRICS_H
#define TEMPMESSENGER_COMMON_METRICS_H

#include "http_exchange.h"
#include "live_room.h"
#include "metrics.h"

/* Writes them. Waits for nobody. `service` is the program's name. */
void common_metrics_write(struct metrics_writer *writer, const char *service,
                          const struct http_metrics *http, const struct live_rooms *rooms);

/* Answers with the text, or INTERNAL where not all of it is there. */
enum error_code common_metrics_answer(struct http_exchange *exchange, const struct buffer *text,
                                      struct error *err) ERROR_MUST_USE;

#endif
