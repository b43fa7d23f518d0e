/*
 * What both services do as programs, in the order that matters. At the end the service is told
 * before the drain, because a stream is a request under way that does not end by itself, and whoever
 * asks whether it is ready must hear no while connections are still taken.
 *
 * What is served, what it is made of and what there is to take down afterwards, is the caller's.
 */
#include "service.h"

#include "cleanup.h"
#include "clock.h"
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

/* The thread that finds out whether what the service needs is there; a stop does not wait for it to
 * know before it begins. */
struct checker {
    struct http_server *server;
    const struct http_server_config *config;
    const struct service_hooks *hooks;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
};

/* Whether the pause until the next check went by without the end coming. */
static bool pause_passes(struct checker *checker)
{
    uint64_t now_us = clock_monotonic_us(&clock_system);
    struct timespec until = clock_timespec(now_us + CHECK_INTERVAL_MS * UINT64_C(1000));
    LOCKED(&checker->lock);
    while (!checker->ending && pthread_cond_timedwait(&checker->wake, &checker->lock, &until) == 0)
        continue;
    return !checker->ending;
}

static void *check_until_reached(void *context)
{
    struct checker *checker = context;
    enum error_code code;
    do {
        struct error err = {0};
        code = checker->hooks->check(checker->config->service, &err);
        http_server_note_outage(checker->server, code, &err);
    } while (code && pause_passes(checker));
    return NULL;
}

static bool start_checker(struct checker *checker)
{
    pthread_mutex_init(&checker->lock, NULL);
    clock_cond_init(&checker->wake);
    if (pthread_create(&checker->thread, NULL, check_until_reached, checker) == 0)
        return true;
    pthread_cond_destroy(&checker->wake);
    pthread_mutex_destroy(&checker->lock);
    return false;
}

static void end_checks(struct checker *checker)
{
    LOCKED(&checker->lock);
    checker->ending = true;
    pthread_cond_signal(&checker->wake);
}

static void fini_checker(struct checker *checker)
{
    pthread_join(checker->thread, NULL);
    pthread_cond_destroy(&checker->wake);
    pthread_mutex_destroy(&checker->lock);
}

enum error_code service_run(const struct http_server_config *config,
                            const struct service_hooks *hooks, uint64_t shutdown_timeout_ms,
                            struct error *err)
{
    struct checker checker = {.config = config, .hooks = hooks};
    enum error_code code = http_server_start(config, &checker.server, err);
    if (code)
        return code;
    log_write(LOG_LEVEL_INFO, "listening", LOG_TEXT("address", config->address),
              LOG_NUMBER("port", http_server_port(checker.server)),
              LOG_NUMBER("threads", config->threads));
    warn_of_file_limit(config->max_connections);
    bool checking = start_checker(&checker);
    const char *signal = process_wait();
    log_write(LOG_LEVEL_INFO, "stopping", LOG_TEXT("signal", signal));
    if (checking)
        end_checks(&checker);
    hooks->stop(config->service);
    http_server_drain(checker.server, shutdown_timeout_ms);
    http_server_hang_up(checker.server);
    if (checking)
        fini_checker(&checker);
    http_server_free(checker.server);
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
