/*
 * The time between a service's start and its end: it listens, serves until it is asked to stop, and
 * stops in order.
 */
#ifndef TEMPMESSENGER_SERVICE_H
#define TEMPMESSENGER_SERVICE_H

#include "http_server.h"

/*
 * Starts the server, logs "listening", and blocks until SIGTERM or SIGINT comes; then logs
 * "stopping", calls `stop` with the config's service, waits at most `shutdown_timeout_ms` for the
 * requests under way, and frees the server: no handler runs after that.
 *
 * `stop` runs once, on this thread, while requests still come and are answered. There the service
 * says that it is not ready any more and ends its streams, which the wait would else be for. It is
 * not called where the start fails.
 *
 * Once, on the thread that called process_prepare. Errors are http_server_start's.
 */
enum error_code service_run(const struct http_server_config *config, uint64_t shutdown_timeout_ms,
                            void (*stop)(void *service), struct error *err) ERROR_MUST_USE;

#endif
