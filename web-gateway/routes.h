/*
 * The paths of the web gateway.
 */
#ifndef TEMPMESSENGER_ROUTES_H
#define TEMPMESSENGER_ROUTES_H

#include "client_limits.h"
#include "clock.h"
#include "http_server.h"
#include "live_rooms.h"
#include "message_client.h"
#include "message_limits.h"
#include "openapi.h"
#include "page.h"
#include "rate_limit.h"
#include "room_feeds.h"
#include "static_files.h"

#include <stdatomic.h>

/* What the handlers work on; shared by the server's threads. */
struct web_gateway {
    struct message_client *client;
    struct live_rooms *rooms; /* filled by the room feeds */
    struct room_feeds *feeds; /* for their numbers; else they are seen through the rooms alone */
    uint64_t upstream_timeout_ms; /* how long a first reader waits for a room */
    struct page *page;
    struct static_files *static_files;
    struct openapi *openapi;
    struct client_limits *client_limits;
    struct rate_limit *rate_limit; /* of writes; NULL: off */
    const char *const *allowed_origins;
    size_t allowed_origin_count;
    pthread_mutex_t limits_lock;
    struct message_limits limits; /* the message service's; zero until it has told them */
    _Atomic bool stopping;        /* not ready any more */
    _Atomic bool connected;       /* the message service has answered once */
};

/* Whether the gateway can do its work; for service_hooks, the context is the gateway. */
enum error_code web_gateway_check(void *context, struct error *err) ERROR_MUST_USE;

extern const struct http_route web_gateway_routes[];
extern const size_t web_gateway_route_count;

/* What these routes add to the OpenAPI document, NUL-terminated; the build embeds it. */
extern const char web_gateway_openapi[];

#endif
