/*
 * The web gateway as a process: settings, templates, the message service's client, server, and an
 * orderly stop.
 */
#include "gateway_settings.h"
#include "http_waiters.h"
#include "process.h"
#include "room_feeds.h"
#include "routes.h"
#include "sender_check.h"
#include "service.h"
#include "submission.h"

#include <curl/curl.h>

enum {
    /* Rooms watched at one time; each costs a connection to the message service. */
    ROOMS_MAX = 4096,
    /* Of the files that may be open, in percent. */
    FILES_SHARE_CONNECTIONS = 60,
    FILES_SHARE_ROOMS = 35,
    LINGER_US = 60 * 1000 * 1000, /* how long a room that nobody asks for is kept up to date */
};

/* The gateway, and what only this file knows of. */
struct process_parts {
    struct web_gateway gateway;
    struct upstream_clock upstream_clock;
};

static void close_parts(struct process_parts *parts)
{
    struct web_gateway *gateway = &parts->gateway;
    live_rooms_free(gateway->rooms);
    room_feeds_free(gateway->feeds);
    message_client_free(gateway->client);
    client_limits_free(gateway->client_limits);
    rate_limit_free(gateway->rate_limit);
    openapi_free(gateway->openapi);
    static_files_free(gateway->static_files);
    page_free(gateway->page);
}

static enum error_code load_page(const struct gateway_settings *settings,
                                 struct web_gateway *gateway, struct error *err)
{
    enum error_code code = page_load(settings->template_dir, &gateway->page, err);
    if (!code)
        code = static_files_load(settings->template_dir, &gateway->static_files, err);
    return code ? error_set(err, code, "TEMPLATE_DIR: %s", settings->template_dir) : ERROR_NONE;
}

static void on_reached(void *context, const struct message_limits *limits)
{
    struct web_gateway *gateway = context;
    atomic_store(&gateway->connected, true);
    LOCKED(&gateway->limits_lock);
    if (limits)
        gateway->limits = *limits;
}

/* The rooms and what fills them. */
static bool open_rooms(const struct gateway_settings *settings, struct process_parts *parts)
{
    struct room_feed_config feeds = {
        .target = {settings->message_service_url, settings->common.service_token},
        .timeout_ms = settings->upstream_timeout_ms,
        .reached = on_reached,
        .reached_context = &parts->gateway,
        .upstream_clock = &parts->upstream_clock,
    };
    parts->gateway.feeds = room_feeds_new(&feeds);
    if (!parts->gateway.feeds)
        return false;
    struct live_rooms_config rooms = {
        .source = {.open = room_feeds_open,
                   .close = room_feeds_close,
                   .context = parts->gateway.feeds},
        .rooms_max = process_files(ROOMS_MAX, FILES_SHARE_ROOMS),
        .streams_max = settings->common.max_connections,
        .loops = process_loops(),
        .linger_us = LINGER_US,
        .clock = &clock_system,
    };
    parts->gateway.rooms = live_rooms_new(&rooms);
    return parts->gateway.rooms != NULL;
}

/* Fills `parts`; what is there after a failure is freed by close_parts too. */
static enum error_code open_parts(const struct gateway_settings *settings,
                                  struct process_parts *parts, struct error *err)
{
    struct web_gateway *gateway = &parts->gateway;
    struct message_client_config client = {
        .url = settings->message_service_url,
        .token = settings->common.service_token,
        .timeout_ms = settings->upstream_timeout_ms,
        .connections = HTTP_WAITERS_THREADS_MAX,
        .upstream_clock = &parts->upstream_clock,
    };
    struct client_limits_config limits = {
        .trusted_proxies = settings->trusted_proxies,
        .trusted_proxy_count = settings->trusted_proxies_count,
        .max = {[CLIENTS_CONNECTION] = settings->client_max_connections,
                [CLIENTS_STREAM] = settings->client_max_streams},
        .rooms_opened = settings->room_open_limit,
    };
    const struct setting_rate *rate = &settings->rate_limit;
    gateway->upstream_timeout_ms = settings->upstream_timeout_ms;
    gateway->allowed_origins = settings->allowed_origins;
    gateway->allowed_origin_count = settings->allowed_origins_count;
    enum error_code code = load_page(settings, gateway, err);
    if (!code)
        code = openapi_make(openapi_shared, web_gateway_openapi, &gateway->openapi, err);
    if (code)
        return code;
    gateway->client = message_client_new(&client);
    if (rate->count)
        gateway->rate_limit = rate_limit_new(rate->count, rate->window_ms);
    gateway->client_limits = client_limits_new(&limits);
    if (!gateway->client || !gateway->client_limits || (rate->count && !gateway->rate_limit) ||
        !open_rooms(settings, parts))
        return error_because(err, ERROR_INTERNAL, "out of memory");
    return ERROR_NONE;
}

static void stop(void *context)
{
    struct web_gateway *gateway = context;
    atomic_store(&gateway->stopping, true);
    live_rooms_stop(gateway->rooms);
}

static bool connected(void *context, const struct sockaddr *peer, void **ret_client)
{
    struct web_gateway *gateway = context;
    struct client *client;
    bool may_stay = client_limits_connect(gateway->client_limits, peer, &client);
    *ret_client = client;
    return may_stay;
}

static void disconnected(void *context, void *client)
{
    (void)context;
    clients_close(client, CLIENTS_CONNECTION);
}

static enum error_code serve(const struct gateway_settings *settings, unsigned threads,
                             struct web_gateway *gateway, struct error *err)
{
    struct http_server_config config = {
        .address = settings->common.bind_address,
        .port = settings->common.port,
        .threads = threads,
        .max_connections =
            settings->common.max_connections + HTTP_SERVER_CONNECTIONS_BESIDE_STREAMS,
        .files_share = FILES_SHARE_CONNECTIONS,
        .body_max = SUBMISSION_BODY_MAX,
        .metrics_token = settings->common.metrics_token,
        .routes = web_gateway_routes,
        .route_count = web_gateway_route_count,
        .service = gateway,
        .connected = connected,
        .disconnected = disconnected,
        .check_sender = sender_check,
    };
    const struct service_hooks hooks = {.check = web_gateway_check, .stop = stop};
    return service_run(&config, &hooks, settings->common.shutdown_timeout_ms, err);
}

static enum error_code run(const void *program_settings, struct error *err)
{
    const struct gateway_settings *settings = program_settings;
    unsigned threads = process_threads(settings->common.http_threads);
    struct process_parts parts = {.gateway = {.limits_lock = PTHREAD_MUTEX_INITIALIZER}};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    upstream_clock_init(&parts.upstream_clock);
    enum error_code code = open_parts(settings, &parts, err);
    if (!code)
        code = serve(settings, threads, &parts.gateway, err);
    close_parts(&parts);
    upstream_clock_fini(&parts.upstream_clock);
    curl_global_cleanup();
    return code;
}

int main(int argc, char *argv[])
{
    struct gateway_settings settings = {0};
    const struct service_program program = {
        .settings = &gateway_settings_program,
        .run = run,
    };
    return service_main(&program, argc, argv, &settings, &settings.common);
}
