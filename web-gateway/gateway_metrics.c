/*
 * What only the gateway has, its ways to the message service, behind what both services have
 * (common_metrics.c). The names are those of docs/metrics.md.
 */
#include "gateway_metrics.h"

#include "common_metrics.h"

static const struct call_metrics_family upstream_calls = {
    .calls_name = "tempmessenger_upstream_calls_total",
    .calls_help = "Calls to the message service, by outcome.",
    .duration_name = "tempmessenger_upstream_call_duration_seconds",
    .duration_help = "Duration of calls to the message service, without those that were not "
                     "served.",
    .kinds = message_client_call_names,
    .kind_count = MESSAGE_CLIENT_CALLS,
};

static void write_client(struct metrics_writer *writer, struct message_client *client)
{
    struct message_client_metrics metrics;
    message_client_metrics(client, &metrics);
    metrics_write_one(writer, "tempmessenger_upstream_up", METRICS_GAUGE, metrics.up,
                      "Whether the last call to the message service was answered.");
    call_metrics_write(&upstream_calls, metrics.calls, writer);
}

static void write_feeds(struct metrics_writer *writer, const struct room_feeds *feeds)
{
    struct room_feeds_metrics metrics;
    room_feeds_metrics(feeds, &metrics);
    metrics_write_family(writer, "tempmessenger_room_feeds", METRICS_GAUGE,
                         "Feeds from the message service, one for each live room.");
    metrics_write_number(writer, METRICS_LABELS({"state", "connected"}), metrics.connected);
    metrics_write_number(writer, METRICS_LABELS({"state", "disconnected"}), metrics.disconnected);
}

static void write_client_limits(struct metrics_writer *writer, const struct client_limits *limits)
{
    struct client_limits_metrics metrics;
    client_limits_metrics(limits, &metrics);
    metrics_write_family(writer, "tempmessenger_client_refused_total", METRICS_COUNTER,
                         "Refusals because the client address was over its limit.");
    metrics_write_number(writer, METRICS_LABELS({"limit", "connections"}), metrics.connections);
    metrics_write_number(writer, METRICS_LABELS({"limit", "streams"}), metrics.streams);
    metrics_write_number(writer, METRICS_LABELS({"limit", "rooms"}), metrics.rooms);
}

void gateway_metrics_write(const struct gateway_metrics_sources *sources, struct buffer *text)
{
    struct metrics_writer writer = {.text = text};
    common_metrics_write(&writer, "web-gateway", sources->server, sources->rooms);
    write_client(&writer, sources->client);
    write_feeds(&writer, sources->feeds);
    write_client_limits(&writer, sources->client_limits);
}
