/*
 * A server of its own with the service's paths, all of which but one say that the service is not
 * available: so clients and load balancers hear what they would hear of a service whose store is
 * away, and an unknown path stays unknown. Requests need no token here, since there is nothing to
 * guard, and the token may be what is missing.
 *
 * That the server is another one than the service's own, later, keeps the waiting out of all else:
 * a service has all its settings or does not exist. The price is that for some milliseconds between
 * the two nobody listens.
 */
#include "waiting.h"

#include "log.h"
#include "process.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_INTERVAL_MS = 1000,
    DRAIN_TIMEOUT_MS = 1000,
    THREADS = 2,
    BODY_MAX = 64 * 1024, /* taken, and not looked at */
};

static enum error_code refuse(struct http_exchange *exchange, void *service, struct error *err)
{
    (void)exchange;
    (void)service;
    return error_set(err, ERROR_UNAVAILABLE, "The service is starting");
}

/* The service's routes with handlers that refuse, for the caller to free with free(). */
static struct http_route *refusing_routes(const struct http_route *routes, size_t count)
{
    struct http_route *refusing = calloc(count, sizeof *refusing);
    for (size_t i = 0; refusing && i < count; i++) {
        bool alive = strcmp(routes[i].path, "/livez") == 0;
        refusing[i] = routes[i];
        for (enum http_method method = 0; method < HTTP_METHODS; method++)
            if (refusing[i].handlers[method] && !alive)
                refusing[i].handlers[method] = refuse;
    }
    return refusing;
}

static void log_missing(const struct waiting_config *config, unsigned port, const char *missing)
{
    log_write(LOG_LEVEL_WARNING, "waiting to start", LOG_TEXT("missing", missing),
              LOG_TEXT("address", config->address), LOG_NUMBER("port", port));
}

static const char *wait_until_nothing_is_missing(const struct waiting_config *config, unsigned port)
{
    char *logged = NULL;
    const char *missing, *signal = NULL;
    while (!signal && (missing = config->look(config->context))) {
        if (!logged || strcmp(logged, missing) != 0) {
            log_missing(config, port, missing);
            free(logged);
            logged = strdup(missing);
        }
        signal = process_wait_for(LOOK_INTERVAL_MS);
    }
    free(logged);
    return signal;
}

enum error_code waiting_run(const struct waiting_config *config, unsigned *ret_port,
                            const char **ret_signal, struct error *err)
{
    struct http_route *routes = refusing_routes(config->routes, config->route_count);
    if (!routes)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    struct http_server_config http = {
        .address = config->address,
        .port = config->port,
        .threads = THREADS,
        .max_connections = config->max_connections,
        .files_share = 90,
        .body_max = BODY_MAX,
        .routes = routes,
        .route_count = config->route_count,
    };
    struct http_server *server;
    enum error_code code = http_server_start(&http, &server, err);
    if (!code) {
        *ret_port = http_server_port(server);
        *ret_signal = wait_until_nothing_is_missing(config, *ret_port);
        http_server_drain(server, DRAIN_TIMEOUT_MS);
        http_server_free(server);
    }
    free(routes);
    return code;
}
