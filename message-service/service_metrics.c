/*
 * The store's metrics, which only the message service has, after those that both services have
 * (common_metrics.c). The names are those of docs/metrics.md.
 */
#include "service_metrics.h"

#include "common_metrics.h"

static const struct call_metrics_family store_calls = {
    .calls_name = "tempmessenger_store_calls_total",
    .calls_help = "Calls to the store, by outcome.",
    .duration_name = "tempmessenger_store_call_duration_seconds",
    .duration_help = "Duration of calls to the store, without those that did not reach it.",
    .kinds = message_store_call_names,
    .kind_count = MESSAGE_STORE_CALLS,
};

static void write_store(struct metrics_writer *writer, const struct message_store *store)
{
    struct message_store_metrics metrics;
    message_store_metrics(store, &metrics);
    metrics_write_one(writer, "tempmessenger_store_up", METRICS_GAUGE, metrics.up,
                      "Whether the last call to the store was answered.");
    call_metrics_write(&store_calls, metrics.calls, writer);
    metrics_write_one(writer, "tempmessenger_messages_accepted_total", METRICS_COUNTER,
                      metrics.accepted, "Messages accepted; repeats of one are not counted.");
}

void service_metrics_write(const struct message_store *store, const struct live_rooms *rooms,
                           const struct http_server *server, struct buffer *text)
{
    struct metrics_writer writer = {.text = text};
    common_metrics_write(&writer, "message-service", server, rooms);
    write_store(&writer, store);
}
