/*
 * What only the message service has, its store, behind what both services have
 * (common_metrics.c). The names are those of docs/metrics.md.
 */
#include "service_metrics.h"

#include "common_metrics.h"

static const char *const calls[] = {
    [MESSAGE_STORE_SAVE] = "save",
    [MESSAGE_STORE_LIST] = "list",
    [MESSAGE_STORE_FIND] = "find",
    [MESSAGE_STORE_CHECK] = "check",
};

static const struct call_metrics_family store_calls = {
    .calls_name = "tempmessenger_store_calls_total",
    .calls_help = "Calls to the store, by what came of them.",
    .duration_name = "tempmessenger_store_call_duration_seconds",
    .duration_help =
        "Time that calls to the store took; those that did not reach it are not in it.",
    .kinds = calls,
    .kind_count = MESSAGE_STORE_CALLS,
};

static void write_store(struct metrics_writer *writer, const struct message_store *store)
{
    struct message_store_metrics metrics;
    message_store_metrics(store, &metrics);
    metrics_write_family(writer, "tempmessenger_store_up", METRICS_GAUGE,
                         "Whether the last call to the store was answered.");
    metrics_write_number(writer, NULL, metrics.up);
    call_metrics_write(&store_calls, metrics.calls, writer);
    metrics_write_family(writer, "tempmessenger_messages_accepted_total", METRICS_COUNTER,
                         "Messages accepted; repeats of one are not counted.");
    metrics_write_number(writer, NULL, metrics.accepted);
}

void service_metrics_write(const struct message_store *store, const struct live_rooms *rooms,
                           const struct http_server *server, struct buffer *text)
{
    struct metrics_writer writer = {.text = text};
    common_metrics_write(&writer, "message-service", server, rooms);
    write_store(&writer, store);
}
