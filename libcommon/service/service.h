/*
 * A service as a program: from its settings to its end.
 */
#ifndef TEMPMESSENGER_SERVICE_H
#define TEMPMESSENGER_SERVICE_H

#include "common_settings.h"
#include "http_server.h"

struct service_program {
    const struct settings_program *settings;

    /* Makes what the service is made of, calls service_run, and frees it. `settings` is the struct
     * that the program's settings fill. */
    enum error_code (*run)(const void *settings, struct error *err);
};

/*
 * All of main. Loads the settings into `settings`, a zeroed struct that has `common` as a member;
 * does what --help, --version and --healthcheck ask for, or opens the log and runs. Returns the
 * exit status: 0, or 1 for a --healthcheck that finds nothing alive. Where the service cannot
 * start, one line on stderr says why, and the status is SETTINGS_SECRET_MISSING_STATUS for the
 * missing file of a secret and SETTINGS_INVALID_STATUS for any other reason. Once, on the main
 * thread, before any other.
 */
int service_main(const struct service_program *program, int argc, char *argv[], void *settings,
                 const struct common_settings *common);

/* What service_run calls with the config's service while requests come. */
struct service_hooks {
    /* Tries to reach what the service needs: UNAVAILABLE or TIMEOUT where that fails; INTERNAL is
     * logged each time. Blocks for a bounded time. Runs on a thread of its own, each second after
     * the start, until it has succeeded once. */
    enum error_code (*check)(void *service, struct error *err);

    /* Once, at the end, on the caller's thread, unless the start failed: from here on the service
     * is not ready, and it ends its streams; otherwise the drain would wait for them. */
    void (*stop)(void *service);
};

/*
 * The time between a service's start and its end. Starts the server, logs "listening", and blocks
 * until SIGTERM or SIGINT comes; an outage that `check` finds meanwhile is logged once, even
 * without a request. Then logs "stopping", calls `stop`, drains for at most `shutdown_timeout_ms`,
 * and frees the server: no handler runs after that.
 *
 * Once, within a program's `run`. Errors are http_server_start's.
 */
enum error_code service_run(const struct http_server_config *config,
                            const struct service_hooks *hooks, uint64_t shutdown_timeout_ms,
                            struct error *err) ERROR_MUST_USE;

#endif
