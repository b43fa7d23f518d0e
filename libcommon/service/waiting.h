/*
 * A service that cannot start yet, because something is missing that others may still bring: it
 * listens, is alive, is not ready, and looks again each second.
 */
#ifndef TEMPMESSENGER_WAITING_H
#define TEMPMESSENGER_WAITING_H

#include "http_server.h"

struct waiting_config {
    const char *address; /* as in http_server_config */
    unsigned port;
    unsigned max_connections;
    const struct http_route *routes; /* the service's own; /livez is among them */
    size_t route_count;

    /* What is missing, in a line for the log that lives until the next look; NULL: nothing any more.
     * On the thread that waits. */
    const char *(*look)(void *context);
    void *context;
};

/*
 * Serves until `look` has nothing to tell, or SIGTERM or SIGINT comes, whose name *ret_signal is
 * then; else it is NULL. GET /livez is answered by its handler, without the service; what else the
 * service knows by 503. What is missing is logged when it is another than before. At the end the
 * port, which is *ret_port, is free again.
 *
 * On the thread that called process_prepare. Errors are http_server_start's.
 */
enum error_code waiting_run(const struct waiting_config *config, unsigned *ret_port,
                            const char **ret_signal, struct error *err) ERROR_MUST_USE;

#endif
