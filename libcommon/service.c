/*
 * What both services do as programs, in the order that matters. At the end the service is told
 * before the drain, because a stream is a request under way that does not end by itself, and whoever
 * asks whether it is ready must hear no while connections are still taken.
 *
 * What is served, what it is made of and what there is to take down afterwards, is the caller's.
 */
#include "service.h"

#include "healthcheck.h"
#include "log.h"
#include "process.h"
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Files that are not a client's connection: to stores and services, sockets that listen, the log. */
enum { FILES_RESERVE = 512 };

enum { CHECK_INTERVAL_MS = 1000 };

/* Each connection is an open file, and there are some others. */
static void warn_of_file_limit(unsigned max_connections)
{
    unsigned long limit = process_file_limit();
    if (limit < (unsigned long)max_connections + FILES_RESERVE)
        log_write(LOG_LEVEL_WARNING, "fewer files may be open than MAX_CONNECTIONS needs",
                  LOG_NUMBER("open_files", limit), LOG_NUMBER("max_connections", max_connections));
}

/* Blocks until SIGTERM or SIGINT comes; returns its name. */
static const char *await_signal(struct http_server *server, const struct http_server_config *config,
                                const struct service_hooks *hooks)
{
    for (;;) {
        struct error err = {0};
        enum error_code code = hooks->check(config->service, &err);
        http_server_note_outage(server, code, &err);
        if (!code)
            return process_wait();
        const char *signal = process_wait_for(CHECK_INTERVAL_MS);
        if (signal)
            return signal;
    }
}

enum error_code service_run(const struct http_server_config *config,
                            const struct service_hooks *hooks, uint64_t shutdown_timeout_ms,
                            struct error *err)
{
    struct http_server *server;
    enum error_code code = http_server_start(config, &server, err);
    if (code)
        return code;
    log_write(LOG_LEVEL_INFO, "listening", LOG_TEXT("address", config->address),
              LOG_NUMBER("port", http_server_port(server)), LOG_NUMBER("threads", config->threads));
    warn_of_file_limit(config->max_connections);
    const char *signal = await_signal(server, config, hooks);
    log_write(LOG_LEVEL_INFO, "stopping", LOG_TEXT("signal", signal));
    hooks->stop(config->service);
    http_server_drain(server, shutdown_timeout_ms);
    http_server_free(server);
    return ERROR_NONE;
}

/* ---- from main to there ---- */

struct start {
    const struct service_program *program;
    int argc;
    char **argv;
    void *settings;
    enum settings_outcome outcome;
    char *said; /* by the settings: a line, or empty; NULL where there is no memory */
};

/* Loads the settings, again where they were loaded before. */
static void load(struct start *start)
{
    const struct settings_program *program = start->program->settings;
    size_t len;
    free(start->said);
    start->said = NULL;
    settings_fini(program, start->settings);
    start->outcome = SETTINGS_INVALID;
    FILE *err = open_memstream(&start->said, &len);
    if (!err)
        return;
    start->outcome =
        settings_load(program, start->argc, start->argv, environ, stdout, err, start->settings);
    if (fclose(err) != 0)
        start->outcome = SETTINGS_INVALID;
}

/* What the settings said, for the log: without the program's name and the line's end. */
static const char *reason(struct start *start)
{
    if (!start->said)
        return "out of memory";
    start->said[strcspn(start->said, "\n")] = '\0';
    const char *colon = strstr(start->said, ": ");
    return colon ? colon + 2 : start->said;
}

static const char *look(void *context)
{
    struct start *start = context;
    load(start);
    return start->outcome == SETTINGS_AWAITED ? reason(start) : NULL;
}

/* Waits until all secrets are there, or a signal comes, which *ret_signal is then. The service will
 * listen on the port that it waited on. */
static enum error_code await_secrets(struct start *start, struct common_settings *common,
                                     const char **ret_signal, struct error *err)
{
    char *address = strdup(common->bind_address); /* a look makes the settings anew */
    if (!address)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    struct waiting_config config = {
        .address = address,
        .port = common->port,
        .max_connections = common->max_connections,
        .routes = start->program->routes,
        .route_count = start->program->route_count,
        .look = look,
        .context = start,
    };
    unsigned port;
    enum error_code code = waiting_run(&config, &port, ret_signal, err);
    free(address);
    if (!code && start->outcome == SETTINGS_INVALID)
        return error_set(err, ERROR_INTERNAL, "%s", reason(start));
    if (!code)
        common->port = port;
    return code;
}

static int serve(struct start *start, struct common_settings *common)
{
    process_prepare();
    log_open(start->program->settings->name, common->log_level, common->log_format);
    struct error err = {0};
    const char *signal = NULL;
    enum error_code code = ERROR_NONE;
    if (start->outcome == SETTINGS_AWAITED)
        code = await_secrets(start, common, &signal, &err);
    if (signal)
        log_write(LOG_LEVEL_INFO, "stopping", LOG_TEXT("signal", signal));
    else if (!code)
        code = start->program->run(start->settings, &err);
    if (code)
        log_write(LOG_LEVEL_ERROR, "cannot start", LOG_TEXT("reason", error_detail(code, &err)),
                  LOG_TEXT("cause", err.cause));
    log_close();
    return code ? SETTINGS_INVALID_STATUS : EXIT_SUCCESS;
}

int service_main(const struct service_program *program, int argc, char *argv[], void *settings,
                 struct common_settings *common)
{
    struct start start = {.program = program, .argc = argc, .argv = argv, .settings = settings};
    const char *name = program->settings->name;
    int status = EXIT_SUCCESS;
    load(&start);
    if (start.outcome == SETTINGS_INVALID) {
        fputs(start.said ? start.said : "out of memory\n", stderr);
        status = SETTINGS_INVALID_STATUS;
    } else if (start.outcome != SETTINGS_DONE && common->healthcheck) {
        bool alive = healthcheck_run(name, common->bind_address, common->port,
                                     HEALTHCHECK_TIMEOUT_MS, stdout);
        status = alive ? EXIT_SUCCESS : EXIT_FAILURE;
    } else if (start.outcome != SETTINGS_DONE) {
        status = serve(&start, common);
    }
    settings_fini(program->settings, settings);
    free(start.said);
    return status;
}
