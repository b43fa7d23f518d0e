#include "sender_check.h"

#include "origin.h"
#include "routes.h"

static enum error_code check_origin(struct http_exchange *exchange,
                                    const struct web_gateway *gateway, struct error *err)
{
    if (origin_allowed(http_request_header(exchange, "Origin"),
                       http_request_header(exchange, "Host"), gateway->allowed_origins,
                       gateway->allowed_origin_count))
        return ERROR_NONE;
    return error_because(err, ERROR_CROSS_ORIGIN, "the Origin is neither this host nor allowed");
}

static enum error_code check_rate(struct http_exchange *exchange, struct web_gateway *gateway,
                                  struct error *err)
{
    if (!gateway->rate_limit)
        return ERROR_NONE;
    struct client_address client;
    client_limits_identify(gateway->client_limits, exchange, &client);
    struct rate_limit_state state;
    bool allowed = rate_limit_take(gateway->rate_limit, client.key, clock_now_us(), &state);
    char policy[RATE_LIMIT_HEADER_SIZE];
    char limit[RATE_LIMIT_HEADER_SIZE];
    rate_limit_format(&state, policy, limit);
    http_answer_set_header(exchange, "RateLimit-Policy", "%s", policy);
    http_answer_set_header(exchange, "RateLimit", "%s", limit);
    if (allowed)
        return ERROR_NONE;
    if (err)
        err->retry_after_s = state.next_s;
    return error_because(err, ERROR_RATE_LIMITED, "over the rate limit: %s", client.text);
}

enum error_code sender_check(struct http_exchange *exchange, void *context, struct error *err)
{
    enum error_code code = check_origin(exchange, context, err);
    return code ? code : check_rate(exchange, context, err);
}
