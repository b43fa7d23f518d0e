/*
 * The message service as a process: settings, store, server, and an orderly stop.
 */
#include "http_waiters.h"
#include "process.h"
#include "routes.h"
#include "service.h"
#include "service_settings.h"
#include "store_source.h"

/* JSON may write each byte of a message as six, and has other members besides. */
static size_t body_max(size_t message_max_bytes)
{
    enum { OTHER_MEMBERS_MAX = 4096 };
    return 6 * message_max_bytes + OTHER_MEMBERS_MAX;
}

static enum error_code open_store(const struct service_settings *settings, unsigned connections,
                                  struct message_store **ret_store, struct error *err)
{
    struct message_store_config config = {
        .url = settings->store_url,
        .prefix = settings->store_prefix,
        .timeout_ms = settings->store_timeout_ms,
        .room_max_messages = settings->room_max_messages,
        .room_max_bytes = settings->room_max_bytes,
        .connections = connections,
        .clock = &clock_system,
    };
    return message_store_open(&config, ret_store, err);
}

static void stop(void *context)
{
    struct message_service *service = context;
    atomic_store(&service->stopping, true);
    live_rooms_stop(service->rooms);
}

static enum error_code serve(const struct service_settings *settings, unsigned threads,
                             struct message_service *service, struct error *err)
{
    struct http_server_config config = {
        .address = settings->common.bind_address,
        .port = settings->common.port,
        .threads = threads,
        .max_connections =
            settings->common.max_connections + HTTP_SERVER_CONNECTIONS_BESIDE_STREAMS,
        .files_share = 90,
        .body_max = body_max(settings->message_max_bytes),
        .token = settings->common.service_token,
        .metrics_token = settings->common.metrics_token,
        .routes = message_service_routes,
        .route_count = message_service_route_count,
        .service = service,
    };
    const struct service_hooks hooks = {.check = message_service_check, .stop = stop};
    return service_run(&config, &hooks, settings->common.shutdown_timeout_ms, err);
}

static void set_rules(const struct service_settings *settings, struct message_service *service)
{
    service->sync_timeout_ms = settings->store_timeout_ms;
    service->rules = (struct draft_rules){
        .text_max = settings->message_max_bytes,
        .ttl_min_ms = settings->message_ttl_min_ms,
        .ttl_max_ms = settings->message_ttl_max_ms,
        .ttl_default_ms = settings->message_ttl_ms,
    };
    struct message_limits limits = {
        .text_max = settings->message_max_bytes,
        .ttl_min_ms = settings->message_ttl_min_ms,
        .ttl_max_ms = settings->message_ttl_max_ms,
        .ttl_default_ms = settings->message_ttl_ms,
    };
    message_limits_format(&limits, service->limits, sizeof service->limits);
}

static enum error_code run(const void *program_settings, struct error *err)
{
    const struct service_settings *settings = program_settings;
    unsigned threads = process_threads(settings->common.http_threads);
    struct message_service service = {0};
    set_rules(settings, &service);
    enum error_code code =
        openapi_make(openapi_shared, message_service_openapi, &service.openapi, err);
    if (!code)
        code = open_store(settings, HTTP_WAITERS_THREADS_MAX, &service.store, err);
    if (!code) {
        service.rooms =
            store_source_rooms(service.store, settings->common.max_connections, process_loops());
        code = service.rooms ? serve(settings, threads, &service, err)
                             : error_because(err, ERROR_INTERNAL, "out of memory");
    }
    live_rooms_free(service.rooms);
    message_store_free(service.store);
    openapi_free(service.openapi);
    return code;
}

int main(int argc, char *argv[])
{
    struct service_settings settings = {0};
    const struct service_program program = {
        .settings = &service_settings_program,
        .run = run,
    };
    return service_main(&program, argc, argv, &settings, &settings.common);
}
