/*
 * clients.c counts what is open, rate_limit.c how often something is asked for. The same kind of
 * table remembers of which addresses the log has told: one line a day is a rate, too.
 */
#include "client_limits.h"

#include "clock.h"
#include "log.h"
#include "rate_limit.h"

#include <stdlib.h>

enum {
    LOG_WINDOW_MS = RATE_LIMIT_WINDOW_MAX_MS,
    STREAM_RETRY_S = 10, /* when a client with too many streams may try again */
};

struct client_limits {
    struct client_limits_config config;
    struct clients *clients;
    struct rate_limit *rooms; /* NULL: off */
    struct rate_limit *refusals_logged;
    struct rate_limit *forwarded_logged;
    struct metrics_counter refused[CLIENTS_KINDS];
    struct metrics_counter rooms_refused;
};

struct client_limits *client_limits_new(const struct client_limits_config *config)
{
    struct client_limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        return NULL;
    const struct setting_rate *rooms = &config->rooms_opened;
    limits->config = *config;
    limits->clients = clients_new(config->max);
    limits->rooms = rooms->count ? rate_limit_new(rooms->count, rooms->window_ms) : NULL;
    limits->refusals_logged = rate_limit_new(1, LOG_WINDOW_MS);
    limits->forwarded_logged = rate_limit_new(1, LOG_WINDOW_MS);
    if (limits->clients && (limits->rooms || !rooms->count) && limits->refusals_logged &&
        limits->forwarded_logged)
        return limits;
    client_limits_free(limits);
    return NULL;
}

void client_limits_free(struct client_limits *limits)
{
    if (!limits)
        return;
    clients_free(limits->clients);
    rate_limit_free(limits->rooms);
    rate_limit_free(limits->refusals_logged);
    rate_limit_free(limits->forwarded_logged);
    free(limits);
}

/* Whether the log has not told of the client today. */
static bool is_first(struct rate_limit *logged, const struct client_address *client)
{
    struct rate_limit_state state;
    return rate_limit_take(logged, client->key, clock_now_us(), &state);
}

static void log_refusal(struct client_limits *limits, const struct client_address *client,
                        const char *setting)
{
    if (is_first(limits->refusals_logged, client))
        log_write(LOG_LEVEL_WARNING,
                  "a client address is over a limit; if it is a proxy, add it to TRUSTED_PROXIES",
                  LOG_TEXT("client", client->text), LOG_TEXT("setting", setting));
}

static void find(struct client_limits *limits, const struct sockaddr *peer,
                 const char *forwarded_for, struct client_address *ret_client)
{
    client_address_find(peer, forwarded_for, limits->config.trusted_proxies,
                        limits->config.trusted_proxy_count, ret_client);
}

void client_limits_identify(struct client_limits *limits, const struct http_exchange *exchange,
                            struct client_address *ret_client)
{
    find(limits, http_request_peer(exchange), http_request_header(exchange, "X-Forwarded-For"),
         ret_client);
    if (ret_client->forwarded_ignored && is_first(limits->forwarded_logged, ret_client))
        log_write(
            LOG_LEVEL_WARNING,
            "ignored X-Forwarded-For of an address that is not trusted; if it is a proxy, add "
            "it to TRUSTED_PROXIES",
            LOG_TEXT("client", ret_client->text));
}

/* One more of `kind` for the client; false where it has as many as it may. */
static bool open_one(struct client_limits *limits, const struct client_address *client,
                     enum clients_kind kind, const char *setting, struct client **ret_client)
{
    *ret_client = NULL;
    if (!client->limited || !limits->config.max[kind])
        return true;
    *ret_client = clients_open(limits->clients, client->key, kind);
    if (*ret_client)
        return true;
    metrics_count(&limits->refused[kind]);
    log_refusal(limits, client, setting);
    return false;
}

bool client_limits_connect(struct client_limits *limits, const struct sockaddr *peer,
                           struct client **ret_client)
{
    struct client_address client;
    find(limits, peer, NULL, &client);
    return open_one(limits, &client, CLIENTS_CONNECTION, "CLIENT_MAX_CONNECTIONS", ret_client);
}

static enum error_code refuse(struct error *err, uint32_t retry_after_s, const char *detail)
{
    if (err)
        err->retry_after_s = retry_after_s;
    return error_set(err, ERROR_RATE_LIMITED, "%s", detail);
}

enum error_code client_limits_open_stream(struct client_limits *limits,
                                          const struct http_exchange *exchange,
                                          struct client **ret_client, struct error *err)
{
    struct client_address client;
    client_limits_identify(limits, exchange, &client);
    if (open_one(limits, &client, CLIENTS_STREAM, "CLIENT_MAX_STREAMS", ret_client))
        return ERROR_NONE;
    return refuse(err, STREAM_RETRY_S, "Too many open event streams from this address");
}

enum error_code client_limits_open_room(struct client_limits *limits,
                                        const struct http_exchange *exchange, struct error *err)
{
    struct client_address client;
    struct rate_limit_state state;
    if (!limits->rooms)
        return ERROR_NONE;
    client_limits_identify(limits, exchange, &client);
    if (!client.limited || rate_limit_take(limits->rooms, client.key, clock_now_us(), &state))
        return ERROR_NONE;
    metrics_count(&limits->rooms_refused);
    log_refusal(limits, &client, "ROOM_OPEN_LIMIT");
    return refuse(err, state.next_s, "Too many new rooms from this address; try again later");
}

void client_limits_metrics(const struct client_limits *limits,
                           struct client_limits_metrics *ret_metrics)
{
    *ret_metrics = (struct client_limits_metrics){
        .connections = metrics_counted(&limits->refused[CLIENTS_CONNECTION]),
        .streams = metrics_counted(&limits->refused[CLIENTS_STREAM]),
        .rooms = metrics_counted(&limits->rooms_refused),
    };
}
