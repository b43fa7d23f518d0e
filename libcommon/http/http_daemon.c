/*
 * Ulfius in libmicrohttpd's pool mode, with one endpoint: everything. Ulfius matches methods to the
 * letter, copies each endpoint that matches and each answer, so both are ours (http_router.h,
 * send_answer); it reads the request and collects the body.
 *
 * Two things of libmicrohttpd's are needed that Ulfius does not hand out:
 *
 * - the connection, to suspend a request that waits and to take a stream over. Ulfius passes our
 *   URI callback on, the first thing called for a request: there Ulfius' request is grown into an
 *   http_exchange, which Ulfius frees in its time with the allocator it came from;
 * - the moments between a request's head and its answer. This program has its own MHD_start_daemon,
 *   which puts `on_access` before Ulfius' handler, and the accept policy beside it, and starts the
 *   daemon as the library's would.
 *
 * A request that waits is suspended: it is in no epoll set, costs no thread of libmicrohttpd's, and
 * goes on where it stopped when a thread of the waiters has made its answer.
 */
#include "http_daemon.h"

#include "clock.h"
#include "http_access_log.h"
#include "http_dispatch.h"
#include "http_exchange_private.h"
#include "http_server_private.h"
#include "log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Bytes of a refused request's body that are taken and thrown away before the answer: a client
     * that is cut off while it sends may miss the answer. A longer body is not waited for. */
    REFUSED_BODY_MAX = 4 * 1024 * 1024,
    /* A server's options besides the terminator. */
    MHD_OPTIONS = 9,
};

/* ---- Ulfius' own handler, and the way around it ---- */

typedef enum MHD_Result access_handler(void *context, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *data_len, void **request_context);

/* The server that this thread is starting, and Ulfius' handler, which is the same for all. */
static _Thread_local struct http_server *starting;
static access_handler *_Atomic ulfius_handler;

static struct http_exchange *exchange_of(void *request_context)
{
    struct connection_info_struct *info = request_context;
    return (struct http_exchange *)info->request;
}

/* What libmicrohttpd told of a connection when it began. */
static struct http_connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* Makes the answer on a thread that may block. */
static void run_job(struct http_waiters_job *job, bool late)
{
    struct http_exchange *exchange =
        (struct http_exchange *)((char *)job - offsetof(struct http_exchange, job));
    if (late)
        http_dispatch_answer_busy(exchange);
    else if (!http_dispatch_answer(exchange, true))
        abort(); /* a handler may not ask for what it was given */
    MHD_resume_connection(exchange->connection);
}

/* The request is whole. Whether its answer is made. */
static bool answer(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (!exchange->whole) {
        exchange->whole = true;
        exchange->whole_us = clock_now_us();
        atomic_fetch_add_explicit(&server->whole, 1, memory_order_relaxed);
        http_connections_whole(exchange->open_connection);
    }
    if (http_dispatch_answer(exchange, false))
        return true;
    exchange->job.run = run_job;
    MHD_suspend_connection(exchange->connection);
    if (http_waiters_submit(server->waiters, &exchange->job))
        return false;
    http_dispatch_answer_busy(exchange);
    MHD_resume_connection(exchange->connection);
    return false;
}

/* Whether a refused request is to be answered at once, without the rest of its body. */
static bool is_not_waited_for(const struct http_exchange *exchange)
{
    const char *length = http_request_header(exchange, "Content-Length");
    if (exchange->head_fault)
        return true; /* nobody knows where its body ends */
    return http_dispatch_refused(exchange) && length &&
           (strtoull(length, NULL, 10) > REFUSED_BODY_MAX ||
            http_request_header(exchange, "Expect"));
}

/* The answer as libmicrohttpd takes it, which then owns the body; NULL when out of memory. */
static struct MHD_Response *response_of(const struct http_exchange *exchange)
{
    struct _u_response *answer = exchange->response;
    struct MHD_Response *response;
    if (answer->stream_callback) {
        response = MHD_create_response_from_callback(
            answer->stream_size, answer->stream_block_size, answer->stream_callback,
            answer->stream_user_data, answer->stream_callback_free);
        if (response)
            answer->stream_callback = NULL;
        /* Without chunks: libmicrohttpd (0.9.75) would send the last one for a HEAD too. */
        if (response && http_request_is_head(exchange))
            MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
        return response;
    }
    response = MHD_create_response_from_buffer(answer->binary_body_length, answer->binary_body,
                                               MHD_RESPMEM_MUST_FREE);
    if (response)
        answer->binary_body = NULL;
    return response;
}

/* Sends the answer that was made. Ulfius would make another one, and copy this one's body. */
static enum MHD_Result send_answer(const struct http_exchange *exchange)
{
    struct _u_response *answer = exchange->response;
    struct MHD_Response *response = answer ? response_of(exchange) : NULL;
    if (!response)
        return MHD_NO;
    const char **names = u_map_enum_keys(answer->map_header);
    for (size_t i = 0; names[i]; i++)
        MHD_add_response_header(response, names[i], u_map_get(answer->map_header, names[i]));
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_len, void **request_context)
{
    access_handler *ulfius = ulfius_handler;
    if (!*request_context)
        return MHD_NO;
    struct http_exchange *exchange = exchange_of(*request_context);
    bool begins = exchange->stage == HTTP_STAGE_LINE;
    if (begins) {
        exchange->head.method = method;
        exchange->head.version = version;
        exchange->head_fault = http_head_fault(connection, &exchange->head);
        http_head_unify(connection);
        enum MHD_Result result =
            ulfius(context, connection, url, method, version, data, data_len, request_context);
        if (result == MHD_YES)
            http_dispatch_head(exchange);
        if (result == MHD_NO || !is_not_waited_for(exchange))
            return result;
    } else if (*data_len && http_dispatch_refused(exchange)) {
        *data_len = 0;
        return MHD_YES;
    }
    if (*data_len)
        return ulfius(context, connection, url, method, version, data, data_len, request_context);
    if (exchange->stage != HTTP_STAGE_ANSWERED && !answer(exchange))
        return MHD_YES;
    return send_answer(exchange);
}

/* Ulfius does not start without an endpoint; every request is answered before it would be asked. */
static int on_request(const struct _u_request *request, struct _u_response *response, void *context)
{
    (void)request, (void)response, (void)context;
    return U_CALLBACK_ERROR;
}

/* ---- what libmicrohttpd calls ---- */

static enum MHD_Result on_accept(void *context, const struct sockaddr *peer, socklen_t peer_len)
{
    struct http_server *server = context;
    (void)peer, (void)peer_len;
    if (http_connections_count(server->connections) <
        server->config.max_connections + HTTP_SERVER_CONNECTIONS_RESERVE)
        return MHD_YES;
    metrics_count(&server->refused);
    return MHD_NO;
}

/* Here, not in on_accept: for each that comes here the end is reported too. */
static bool may_stay(struct http_server *server, struct MHD_Connection *connection,
                     struct http_connection *begun)
{
    const struct http_server_config *config = &server->config;
    if (!config->connected)
        return true;
    const struct sockaddr *peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    return config->connected(config->service, peer, &begun->client);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        http_connections_release(*socket_context);
        return;
    }
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct http_connection *begun = http_connections_add(server->connections, fd);
    *socket_context = begun;
    if (begun && !may_stay(server, connection, begun))
        http_connections_refuse(begun);
}

/* Keeps the query from libmicrohttpd, which would make a record of each of its parts: a long query
 * takes all of the connection's memory, and the connection then hangs. We have a copy of the whole
 * (http_request_query); `uri` lies in the connection's own buffer, and what follows it is read
 * after this. */
static void hide_query(const char *uri)
{
    char *query = strchr(uri, '?');
    if (query)
        query[1] = '\0';
}

/* Makes Ulfius' request an exchange; its address changes. */
static struct http_exchange *grow(struct connection_info_struct *info)
{
    struct http_exchange *exchange = o_realloc(info->request, sizeof *exchange);
    if (!exchange) {
        ulfius_clean_request_full(info->request);
        o_free(info);
        return NULL;
    }
    memset((char *)exchange + sizeof exchange->request, 0,
           sizeof *exchange - sizeof exchange->request);
    info->request = &exchange->request;
    exchange->self = exchange;
    return exchange;
}

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct http_connection *open_connection = connection_of(connection);
    if (!open_connection) /* there was no memory for it */
        return NULL;
    struct connection_info_struct *info = ulfius_uri_logger(NULL, uri);
    struct http_exchange *exchange = info ? grow(info) : NULL;
    if (!exchange)
        return NULL;
    exchange->head.target = uri;
    exchange->head.target_end = uri + strlen(uri);
    exchange->head.target_text = exchange->request.http_url;
    hide_query(uri);
    exchange->connection = connection;
    exchange->open_connection = open_connection;
    exchange->server = server;
    exchange->started_us = clock_now_us();
    http_connections_begin(open_connection);
    atomic_fetch_add_explicit(&server->active, 1, memory_order_relaxed);
    return info;
}

static void free_response(struct http_exchange *exchange)
{
    struct _u_response *answer = exchange->response;
    if (!answer)
        return;
    /* It was not sent: the peer left while the request waited. */
    if (answer->stream_callback)
        answer->stream_callback_free(answer->stream_user_data);
    ulfius_clean_response_full(answer);
    exchange->response = NULL;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *server = context;
    if (!*request_context)
        return;
    struct http_exchange *exchange = exchange_of(*request_context);
    bool taken = exchange->taken;
    bool whole = exchange->whole;
    http_access_log_write(exchange);
    http_params_fini(&exchange->params);
    free_response(exchange);
    if (!taken)
        http_connections_rest(exchange->open_connection);
    mhd_request_completed(NULL, connection, request_context, why);
    if (!taken)
        http_server_request_ends(server, whole);
}

/* libmicrohttpd reports each peer that leaves too early: of interest when looking for a fault. */
__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list args)
{
    (void)context;
    if (!log_enabled(LOG_LEVEL_DEBUG))
        return;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_write(LOG_LEVEL_DEBUG, "libmicrohttpd", LOG_TEXT("text", text));
}

/* ---- start and stop ---- */

/* Goes before libmicrohttpd's for all that this program loads; Ulfius calls it, and nobody else. */
struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
                                    void *policy_context, MHD_AccessHandlerCallback handler,
                                    void *handler_context, ...)
{
    va_list options;
    va_start(options, handler_context);
    if (starting) {
        ulfius_handler = handler;
        handler = on_access;
        policy = on_accept;
        policy_context = starting;
    }
    struct MHD_Daemon *daemon =
        MHD_start_daemon_va(flags, port, policy, policy_context, handler, handler_context, options);
    va_end(options);
    return daemon;
}

static bool start_instance(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    /* Never reached: on_accept refuses before. Each thread gets its share of libmicrohttpd's. */
    unsigned connections =
        (config->max_connections + 2 * HTTP_SERVER_CONNECTIONS_RESERVE) * config->threads;
    struct MHD_OptionItem options[MHD_OPTIONS + 1] = {
        /* The logger first: the others may have something to say. */
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, server},
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, HTTP_CONNECTIONS_IDLE_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, config->threads > 1 ? config->threads : 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    starting = server;
    int result = ulfius_start_framework_with_mhd_options(
        &server->instance,
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, options);
    starting = NULL;
    return result == U_OK;
}

bool http_daemon_start(struct http_server *server)
{
    if (ulfius_init_instance(&server->instance, server->port, NULL, NULL) != U_OK)
        return false;
    /* One byte over the limit is how a body that is too long is told from one that just fits. */
    server->instance.max_post_body_size = server->config.body_max + 1;
    /* Forms are decoded by who wants them: Ulfius' decoder drops a character cut by a packet. */
    server->instance.allowed_post_processor = U_POST_PROCESS_NONE;
    /* A header of bytes that are no UTF-8 is there, and wrong; Ulfius would leave it out. */
    server->instance.check_utf8 = 0;
    if (ulfius_set_default_endpoint(&server->instance, on_request, server) == U_OK &&
        start_instance(server))
        return true;
    ulfius_clean_instance(&server->instance);
    return false;
}

void http_daemon_stop(struct http_server *server)
{
    ulfius_stop_framework(&server->instance);
    ulfius_clean_instance(&server->instance);
}
