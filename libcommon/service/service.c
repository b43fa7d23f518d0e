/*
 * What both services do as programs, in the order that matters. A stop calls the service's hook
 * before the drain, because a stream is a request under way that does not end by itself, and
 * /readyz must answer no while the server still takes connections.
 *
 * The caller owns what is served, what it is made of, and the taking down afterwards.
 */
#include "service.h"

#include "cleanup.h"
#include "clock.h"
#include "healthcheck.h"
#include "log.h"
#include "process.h"
#include "thread.h"

#include <stdlib.h>

extern char **environ;

enum { CHECK_INTERVAL_MS = 1000 };

/* The server then takes fewer connections than it was configured for. */
static void warn_of_file_limit(const struct http_server_config *config)
{
    unsigned connections = process_files(config->max_connections, config->files_share);
    if (connections < config->max_connections)
        log_write(LOG_LEVEL_WARNING, "the open-file limit is too low for MAX_CONNECTIONS",
                  LOG_NUMBER("open_files", process_file_limit()),
                  LOG_NUMBER("connections", connections));
}

/* The thread that tries to reach what the service needs; a stop begins without waiting for it. */
struct checker {
    struct http_server *server;
    const struct http_server_config *config;
    const struct service_hooks *hooks;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
};

/* Whether the pause until the next check passed before end_checks. */
static bool pause_passes(struct checker *checker)
{
    uint64_t now_us = clock_now_us();
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
    if (thread_start(&checker->thread, "readiness", check_until_reached, checker))
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
    warn_of_file_limit(config);
    bool checking = start_checker(&checker);
    process_unmap_libraries();
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

static int serve(const struct service_program *program, const void *settings,
                 const struct common_settings *common)
{
    process_prepare();
    log_open(program->settings->name, common->log_level, common->log_format);
    struct error err = {0};
    enum error_code code = program->run(settings, &err);
    if (code)
        log_write(LOG_LEVEL_ERROR, "cannot start", LOG_TEXT("reason", error_detail(code, &err)),
                  LOG_TEXT("cause", err.cause));
    log_close();
    return code ? SETTINGS_INVALID_STATUS : EXIT_SUCCESS;
}

static int check_health(const struct service_program *program, const struct common_settings *common)
{
    bool alive = healthcheck_run(program->settings->name, common->bind_address, common->port,
                                 HEALTHCHECK_TIMEOUT_MS, stdout);
    return alive ? EXIT_SUCCESS : EXIT_FAILURE;
}

int service_main(const struct service_program *program, int argc, char *argv[], void *settings,
                 const struct common_settings *common)
{
    switch (settings_load(program->settings, argc, argv, environ, stdout, stderr, settings)) {
    case SETTINGS_OK: break;
    case SETTINGS_DONE: return EXIT_SUCCESS;
    case SETTINGS_INVALID: return SETTINGS_INVALID_STATUS;
    case SETTINGS_SECRET_MISSING: return SETTINGS_SECRET_MISSING_STATUS;
    }
    int status =
        common->healthcheck ? check_health(program, common) : serve(program, settings, common);
    settings_fini(program->settings, settings);
    return status;
}
