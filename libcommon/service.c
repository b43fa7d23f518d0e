/*
 * What both services do with their server once all else is made, in the order that matters: the
 * service is told before the drain, because a stream is a request under way that does not end by
 * itself, and whoever asks whether it is ready must hear no while connections are still taken.
 *
 * What is served, and what there is to take down afterwards, is the caller's.
 */
#include "service.h"

#include "log.h"
#include "process.h"

/* Files that are not a client's connection: to stores and services, sockets that listen, the log. */
enum { FILES_RESERVE = 512 };

/* Each connection is an open file, and there are some others. */
static void warn_of_file_limit(unsigned max_connections)
{
    unsigned long limit = process_file_limit();
    if (limit < (unsigned long)max_connections + FILES_RESERVE)
        log_write(LOG_LEVEL_WARNING, "fewer files may be open than MAX_CONNECTIONS needs",
                  LOG_NUMBER("open_files", limit), LOG_NUMBER("max_connections", max_connections));
}

enum error_code service_run(const struct http_server_config *config, uint64_t shutdown_timeout_ms,
                            void (*stop)(void *service), struct error *err)
{
    struct http_server *server;
    enum error_code code = http_server_start(config, &server, err);
    if (code)
        return code;
    log_write(LOG_LEVEL_INFO, "listening", LOG_TEXT("address", config->address),
              LOG_NUMBER("port", http_server_port(server)), LOG_NUMBER("threads", config->threads));
    warn_of_file_limit(config->max_connections);
    const char *signal = process_wait();
    log_write(LOG_LEVEL_INFO, "stopping", LOG_TEXT("signal", signal));
    stop(config->service);
    http_server_drain(server, shutdown_timeout_ms);
    http_server_free(server);
    return ERROR_NONE;
}
