/*
 * What a server has answered: how often, by route, method and status, and how long it took.
 *
 * The labels are bounded by the table of routes: a path that is in none counts under "none", a
 * method and a status that are not ours under "other". Any thread may add and write at any time.
 */
#ifndef TEMPMESSENGER_HTTP_STATS_H
#define TEMPMESSENGER_HTTP_STATS_H

#include "http_route.h"
#include "metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_metrics;

/* One request that was answered. */
struct http_metrics_answer {
    const struct http_route *route; /* of those that the metrics were made for; NULL: none */
    enum http_method method;
    int status;
    bool is_stream;   /* it goes on: only counted, not timed */
    uint64_t took_us; /* from when the request had come whole to when its answer was made */
};

/* For these routes, which must outlive it. NULL when out of memory. */
struct http_metrics *http_metrics_new(const struct http_route *routes, size_t route_count);

/* Takes NULL. */
void http_metrics_free(struct http_metrics *metrics);

void http_metrics_add(struct http_metrics *metrics, const struct http_metrics_answer *answer);

/* tempmessenger_http_requests_total and tempmessenger_http_request_duration_seconds; what has not
 * happened yet is left out. */
void http_metrics_write(const struct http_metrics *metrics, struct metrics_writer *writer);

#endif
