/*
 * Which route a request's path belongs to. Pure: any thread.
 */
#ifndef TEMPMESSENGER_HTTP_ROUTER_H
#define TEMPMESSENGER_HTTP_ROUTER_H

#include "http_route.h"

#include <stddef.h>

/* The first of `routes` that `path` (no query, not yet decoded) belongs to, or NULL. */
const struct http_route *http_router_match(const struct http_route *routes, size_t route_count,
                                           const char *path);

#endif
