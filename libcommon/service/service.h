/*
 * A service as a program: from its settings to its end.
 */
#ifndef TEMPMESSENGER_SERVICE_H
#define TEMPMESSENGER_SERVICE_H

#include "common_settings.h"
#include "http_server.h"

struct service_program {
    const struct settings_program *settings;
    const struct http_route *routes;
    size_t route_count;

    /* Makes what the service is made of, calls service_run, and frees it. `settings` is the struct
     * that the program's settings fill. */
    enum error_code (*run)(const void *settings, struct error *err);
};

/*
 * All of main. Loads the settings into `settings`, a zeroed struct, whose member `common` is; does
 * what --help, --version and --healthcheck ask for; waits for secrets that are not there yet
 * (waiting.h); opens the log and runs. Returns the exit status: 0, 1 for a --healthcheck that finds
 * nothing alive, SETTINGS_INVALID_STATUS where it cannot start, with one line on stderr that says
 * why. Once, on the main thread, before any other.
 */
int service_main(const struct service_program *program, int argc, char *argv[], void *settings,
                 struct common_settings *common);

/* What service_run calls with the config's service while requests come. */
struct service_hooks {
    /* Whether what the service needs can be reached: UNAVAILABLE or TIMEOUT where it cannot; INTERNAL
     * is logged each time. Blocks for a bounded time. On a thread of its own, each second from the
     * start on until it has been reached once. */
    enum error_code (*check)(void *service, struct error *err);

    /* Once, at the end, on the thread that called: the service says that it is not ready any more and ends its streams, which
     * the wait would else be for. Not where the start fails. */
    void (*stop)(void *service);
};

/*
 * The time between a service's start and its end. Starts the server, logs "listening", and blocks
 * until SIGTERM or SIGINT comes; what `check` cannot reach meanwhile is logged once, whether anybody
 * asks for it or not. Then logs "stopping", calls `stop`, waits at most `shutdown_timeout_ms` for the
 * requests under way, and frees the server: no handler runs after that.
 *
 * Once, within a program's `run`. Errors are http_server_start's.
 */
enum error_code service_run(const struct http_server_config *config,
                            const struct service_hooks *hooks, uint64_t shutdown_timeout_ms,
                            struct error *err) ERROR_MUST_USE;

#endif
