/*
 * The paths of the message service.
 */
#ifndef TEMPMESSENGER_ROUTES_H
#define TEMPMESSENGER_ROUTES_H

#include "http_server.h"
#include "live_rooms.h"
#include "message_limits.h"
#include "message_store.h"
#include "openapi.h"

#include <stdatomic.h>

/* What the handlers work on; shared by the server's threads. */
struct message_service {
    struct message_store *store;
    struct live_rooms *rooms;
    uint64_t sync_timeout_ms; /* how long a first reader waits for a room */
    struct draft_rules rules;
    char limits[MESSAGE_LIMITS_SIZE]; /* the same, as a header of event streams */
    struct openapi *openapi;
    _Atomic bool stopping; /* not ready any more */
};

/* Whether the store can be reached; for service_hooks, the context is the service. */
enum error_code message_service_check(void *context, struct error *err) ERROR_MUST_USE;

extern const struct http_route message_service_routes[];
extern const size_t message_service_route_count;

/* What these routes add to the OpenAPI document, NUL-terminated; the build embeds it. */
extern const char message_service_openapi[];

#endif
