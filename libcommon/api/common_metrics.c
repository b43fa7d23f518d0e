/*
 * Each module counts for itself and hands out a copy (live_rooms_metrics and the like); names, help and
 * order are here. docs/metrics.md lists the same families, and a test compares the two.
 *
 * Nothing here takes a lock that is held for longer than it takes to change a number: an operator
 * asks most when something is stuck.
 */
#include "common_metrics.h"

#include "http_metrics.h"
#include "process_metrics.h"

/* A family of one sample. */
static void write_one(struct metrics_writer *writer, const char *name, enum metrics_type type,
                      uint64_t value, const char *help)
{
    metrics_write_family(writer, name, type, help);
    metrics_write_number(writer, NULL, value);
}

static void write_build(struct metrics_writer *writer, const char *service)
{
    metrics_write_family(writer, "tempmessenger_build_info", METRICS_GAUGE,
                         "1; which program and version this is.");
    metrics_write_number(
        writer, METRICS_LABELS({"service", service}, {"version", TEMPMESSENGER_VERSION}), 1);
}

static void write_rooms(struct metrics_writer *writer, const struct live_rooms *rooms)
{
    struct live_rooms_metrics metrics;
    live_rooms_metrics(rooms, &metrics);
    write_one(writer, "tempmessenger_event_streams", METRICS_GAUGE, metrics.subscribers,
              "Event streams that are open.");
    write_one(writer, "tempmessenger_event_streams_max", METRICS_GAUGE, metrics.subscribers_max,
              "Event streams that may be open (MAX_CONNECTIONS).");
    write_one(writer, "tempmessenger_event_streams_dropped_total", METRICS_COUNTER, metrics.dropped,
              "Event streams ended because their reader fell too far behind, or memory was short.");
    write_one(writer, "tempmessenger_event_streams_refused_total", METRICS_COUNTER, metrics.refused,
              "Event streams refused because as many were open as may be.");
    write_one(writer, "tempmessenger_live_rooms", METRICS_GAUGE, metrics.rooms,
              "Rooms that are kept up to date here: watched, or asked for lately.");
    write_one(writer, "tempmessenger_live_messages", METRICS_GAUGE, metrics.messages,
              "Live messages in those rooms.");
    write_one(writer, "tempmessenger_messages_expired_total", METRICS_COUNTER, metrics.expired,
              "Messages of those rooms whose time was up.");
    metrics_write_family(writer, "tempmessenger_expiry_lateness_seconds", METRICS_HISTOGRAM,
                         "From a message's end to its expired event being published.");
    metrics_write_distribution(writer, NULL, &metrics.lateness);
}

void common_metrics_write(struct metrics_writer *writer, const char *service,
                          const struct http_metrics *http, const struct live_rooms *rooms)
{
    write_build(writer, service);
    http_metrics_write(http, writer);
    write_rooms(writer, rooms);
    process_metrics_write(writer);
}

enum error_code common_metrics_answer(struct http_exchange *exchange, const struct buffer *text,
                                      struct error *err)
{
    if (text->failed)
        return error_because(err, ERROR_INTERNAL, "the metrics do not fit, or out of memory");
    return http_answer(exchange, 200, METRICS_CONTENT_TYPE, text->data, text->len);
}
