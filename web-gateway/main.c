/*
 * The web gateway as a process: settings, templates, the message service's client, server, and an
 * orderly stop.
 */
#include "gateway_settings.h"
#include "log.h"
#include "posting.h"
#include "process.h"
#include "routes.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

static void close_gateway(struct web_gateway *gateway)
{
    message_client_free(gateway->client);
    rate_limit_free(gateway->rate_limit);
    static_files_free(gateway->static_files);
    page_free(gateway->page);
}

/* Fills `gateway`; what is there after a failure is freed by close_gateway too. */
static enum error_code open_gateway(const struct gateway_settings *settings, unsigned threads,
                                    struct web_gateway *gateway, struct error *err)
{
    struct message_client_config client = {
        .url = settings->message_service_url,
        .token = settings->common.service_token,
        .timeout_ms = settings->upstream_timeout_ms,
        /* One thread is always left for those who need no call. */
        .connections = threads > 1 ? threads - 1 : 1,
    };
    gateway->trusted_proxies = settings->trusted_proxies;
    gateway->trusted_proxy_count = settings->trusted_proxies_count;
    gateway->allowed_origins = settings->allowed_origins;
    gateway->allowed_origin_count = settings->allowed_origins_count;
    enum error_code code = page_load(settings->template_dir, &gateway->page, err);
    if (!code)
        code = static_files_load(settings->template_dir, &gateway->static_files, err);
    if (code)
        return code;
    gateway->client = message_client_new(&client);
    if (settings->rate_limit.count)
        gateway->rate_limit =
            rate_limit_new(settings->rate_limit.count, settings->rate_limit.window_ms);
    if (!gateway->client || (settings->rate_limit.count && !gateway->rate_limit))
        return error_because(err, ERROR_INTERNAL, "out of memory");
    return ERROR_NONE;
}

static enum error_code serve(const struct gateway_settings *settings, unsigned threads,
                             struct web_gateway *gateway, struct error *err)
{
    struct http_server_config config = {
        .address = settings->common.bind_address,
        .port = settings->common.port,
        .threads = threads,
        .max_connections = settings->common.max_connections,
        .body_max = POSTING_BODY_MAX,
        .routes = web_gateway_routes,
        .route_count = web_gateway_route_count,
        .service = gateway,
    };
    struct http_server *server;
    enum error_code code = http_server_start(&config, &server, err);
    if (code)
        return code;
    log_write(LOG_LEVEL_INFO, "listening", LOG_TEXT("address", config.address),
              LOG_NUMBER("port", http_server_port(server)), LOG_NUMBER("threads", threads));
    const char *signal = process_wait();
    log_write(LOG_LEVEL_INFO, "stopping", LOG_TEXT("signal", signal));
    atomic_store(&gateway->stopping, true);
    http_server_drain(server, settings->common.shutdown_timeout_ms);
    http_server_free(server);
    return ERROR_NONE;
}

static enum error_code run(const struct gateway_settings *settings, struct error *err)
{
    unsigned threads = process_threads(settings->common.http_threads);
    struct web_gateway gateway = {0};
    enum error_code code = open_gateway(settings, threads, &gateway, err);
    if (!code)
        code = serve(settings, threads, &gateway, err);
    close_gateway(&gateway);
    return code;
}

int main(int argc, char *argv[])
{
    struct gateway_settings settings = {0};
    enum settings_outcome outcome =
        gateway_settings_load(argc, argv, environ, stdout, stderr, &settings);
    if (outcome != SETTINGS_OK)
        return outcome == SETTINGS_DONE ? EXIT_SUCCESS : SETTINGS_INVALID_STATUS;

    process_prepare();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    log_open("web-gateway", settings.common.log_level, settings.common.log_format);
    struct error err = {0};
    enum error_code code = run(&settings, &err);
    if (code)
        log_write(LOG_LEVEL_ERROR, "cannot start", LOG_TEXT("reason", error_detail(code, &err)),
                  LOG_TEXT("cause", err.cause));
    log_close();
    curl_global_cleanup();
    gateway_settings_fini(&settings);
    return code ? SETTINGS_INVALID_STATUS : EXIT_SUCCESS;
}
