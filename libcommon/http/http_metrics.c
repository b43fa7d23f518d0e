/*
 * One block of counters for each route and one for what has none, all made at the beginning: adding
 * finds its counter by index and allocates nothing, and no client can make the table grow.
 *
 * An answer counts when it is made, not when it has been sent: an event stream counts as it opens,
 * and a client that reads slowly, or sends its body slowly, makes nothing look slow here. That is
 * in the access log.
 */
#include "http_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The answers of both services, the usual first; index 0 is for any other. */
static const int statuses[] = {0,   200, 204, 201, 304, 303, 404, 400, 401,
                               403, 405, 413, 415, 422, 429, 500, 503, 504};

enum {
    STATUSES = sizeof statuses / sizeof statuses[0],
    STATUS_SIZE = 12,
};

struct block {
    struct metrics_counter answers[HTTP_METHODS + 1][STATUSES];
    struct metrics_histogram durations[HTTP_METHODS + 1];
};

struct http_metrics {
    const struct http_route *routes;
    size_t route_count;
    struct block blocks[]; /* in the order of the routes; the last is for none */
};

struct http_metrics *http_metrics_new(const struct http_route *routes, size_t route_count)
{
    struct http_metrics *metrics =
        calloc(1, sizeof *metrics + (route_count + 1) * sizeof(struct block));
    if (!metrics)
        return NULL;
    metrics->routes = routes;
    metrics->route_count = route_count;
    return metrics;
}

void http_metrics_free(struct http_metrics *metrics)
{
    free(metrics);
}

static size_t status_index(int status)
{
    for (size_t i = 1; i < STATUSES; i++)
        if (statuses[i] == status)
            return i;
    return 0;
}

void http_metrics_add(struct http_metrics *metrics, const struct http_metrics_answer *answer)
{
    size_t route = answer->route ? (size_t)(answer->route - metrics->routes) : metrics->route_count;
    struct block *block = &metrics->blocks[route];
    size_t method = answer->method;
    metrics_count(&block->answers[method][status_index(answer->status)]);
    if (!answer->is_stream)
        metrics_observe(&block->durations[method], answer->took_us);
}

static const char *route_name(const struct http_metrics *metrics, size_t route)
{
    return route < metrics->route_count ? metrics->routes[route].path : "none";
}

static void write_answers(struct metrics_writer *writer, const char *route, enum http_method method,
                          const struct block *block)
{
    for (size_t i = 0; i < STATUSES; i++) {
        uint64_t count = metrics_counted(&block->answers[method][i]);
        char status[STATUS_SIZE];
        snprintf(status, sizeof status, "%d", statuses[i]);
        if (count)
            metrics_write_number(writer,
                                 METRICS_LABELS({"route", route},
                                                {"method", http_method_name(method)},
                                                {"status", i ? status : "other"}),
                                 count);
    }
}

static void write_durations(struct metrics_writer *writer, const char *route,
                            enum http_method method, const struct block *block)
{
    struct metrics_distribution durations;
    metrics_observed(&block->durations[method], &durations);
    if (durations.count)
        metrics_write_distribution(
            writer, METRICS_LABELS({"route", route}, {"method", http_method_name(method)}),
            &durations);
}

void http_metrics_write(const struct http_metrics *metrics, struct metrics_writer *writer)
{
    metrics_write_family(writer, "tempmessenger_http_requests_total", METRICS_COUNTER,
                         "Requests answered, by the pattern of their route.");
    for (size_t i = 0; i <= metrics->route_count; i++)
        for (enum http_method method = 0; method <= HTTP_OTHER; method++)
            write_answers(writer, route_name(metrics, i), method, &metrics->blocks[i]);
    metrics_write_family(writer, "tempmessenger_http_request_duration_seconds", METRICS_HISTOGRAM,
                         "Time from the complete request to its response; excludes event streams.");
    for (size_t i = 0; i <= metrics->route_count; i++)
        for (enum http_method method = 0; method <= HTTP_OTHER; method++)
            write_durations(writer, route_name(metrics, i), method, &metrics->blocks[i]);
}
