/*
 * Each module keeps its own counters and hands out a copy (live_rooms_metrics, …); this file has
 * the names, help texts and order. docs/metrics.md lists the same families, and a test compares the
 * two.
 *
 * No lock taken here is held for longer than an update of a number takes: operators look at metrics
 * most when something is stuck.
 */
#include "common_metrics.h"

#include "http_metrics.h"
#include "http_server.h"
#include "log.h"
#include "process_metrics.h"

static void write_build(struct metrics_writer *writer, const char *service)
{
    metrics_write_family(writer, "tempmessenger_build_info", METRICS_GAUGE,
                         "Always 1; the program and its version.");
    metrics_write_number(
        writer, METRICS_LABELS({"service", service}, {"version", TEMPMESSENGER_VERSION}), 1);
}

static void write_rooms(struct metrics_writer *writer, const struct live_rooms *rooms)
{
    struct live_rooms_metrics metrics;
    live_rooms_metrics(rooms, &metrics);
    metrics_write_one(writer, "tempmessenger_event_streams", METRICS_GAUGE, metrics.streams,
                      "Open event streams.");
    metrics_write_one(writer, "tempmessenger_event_streams_max", METRICS_GAUGE, metrics.streams_max,
                      "Maximum of open event streams (MAX_CONNECTIONS).");
    metrics_write_one(
        writer, "tempmessenger_event_streams_dropped_total", METRICS_COUNTER, metrics.dropped,
        "Event streams ended because the reader fell too far behind, or memory ran out.");
    metrics_write_one(writer, "tempmessenger_event_streams_refused_total", METRICS_COUNTER,
                      metrics.refused, "Event streams refused because the maximum was open.");
    metrics_write_one(writer, "tempmessenger_live_rooms", METRICS_GAUGE, metrics.rooms,
                      "Rooms kept up to date in this process: watched, or requested lately.");
    metrics_write_one(writer, "tempmessenger_stale_rooms", METRICS_GAUGE, metrics.stale,
                      "Rooms that may be out of date because their source is silent.");
    metrics_write_one(writer, "tempmessenger_live_messages", METRICS_GAUGE, metrics.messages,
                      "Live messages in those rooms.");
    metrics_write_one(writer, "tempmessenger_messages_expired_total", METRICS_COUNTER,
                      metrics.expired, "Messages of those rooms that expired.");
    metrics_write_family(writer, "tempmessenger_expiry_lateness_seconds", METRICS_HISTOGRAM,
                         "Time from a message's end to the publication of its expired event.");
    metrics_write_distribution(writer, NULL, &metrics.lateness);
}

static void write_connections(struct metrics_writer *writer, const struct http_server *server)
{
    struct http_server_metrics metrics;
    http_server_metrics(server, &metrics);
    metrics_write_one(writer, "tempmessenger_http_connections", METRICS_GAUGE, metrics.connections,
                      "Open connections, event streams included.");
    metrics_write_one(writer, "tempmessenger_http_connections_refused_total", METRICS_COUNTER,
                      metrics.refused, "Connections closed at once, because too many were open.");
    metrics_write_one(writer, "tempmessenger_http_requests_overdue_total", METRICS_COUNTER,
                      metrics.overdue,
                      "Connections closed because a request was not complete in time.");
}

void common_metrics_write(struct metrics_writer *writer, const char *service,
                          const struct http_server *server, const struct live_rooms *rooms)
{
    write_build(writer, service);
    http_metrics_write(http_server_answers(server), writer);
    write_connections(writer, server);
    write_rooms(writer, rooms);
    metrics_write_one(writer, "tempmessenger_log_lines_dropped_total", METRICS_COUNTER,
                      log_dropped(), "Log lines dropped because standard error did not take them.");
    process_metrics_write(writer);
}

enum error_code common_metrics_answer(struct http_exchange *exchange, const struct buffer *text,
                                      struct error *err)
{
    if (text->failed)
        return error_because(err, ERROR_INTERNAL, "the metrics do not fit, or out of memory");
    return http_answer(exchange, 200, METRICS_CONTENT_TYPE, text->data, text->len);
}
