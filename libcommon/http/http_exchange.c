/*
 * Reading a request and making its answer, over Ulfius' structs: nothing of Ulfius or libmicrohttpd
 * is seen beyond this file and http_server.c.
 */
#include "http_exchange.h"

#include "http_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEADER_VALUE_SIZE = 1024,
    /* What a stream keeps besides its connection's memory, which is what its reads fill; this is used
     * only for clients that cannot take chunks (HTTP/1.0). */
    STREAM_BLOCK_SIZE = 1024,
};

const char *http_param(const struct http_exchange *exchange, const char *name)
{
    return http_params_get(&exchange->params, name);
}

bool http_query(const struct http_exchange *exchange, const char *name, char *ret_value,
                size_t size)
{
    const char *at = strchr(exchange->request.http_url, '?');
    size_t name_len = strlen(name);
    while (at) {
        const char *field = at + 1;
        at = strchr(field, '&');
        if (strncmp(field, name, name_len) != 0 || field[name_len] != '=')
            continue;
        const char *value = field + name_len + 1;
        size_t len = at ? (size_t)(at - value) : strlen(value);
        if (len >= size)
            return false;
        ret_value[http_percent_decode(value, len, ret_value)] = '\0';
        return true;
    }
    return false;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    return u_map_get_case(exchange->request.map_header, name);
}

enum error_code http_body(const struct http_exchange *exchange, const void **ret_body,
                          size_t *ret_len, struct error *err)
{
    if (exchange->request.binary_body_length > exchange->body_max)
        return error_set(err, ERROR_TOO_LARGE, "The body is longer than %zu bytes",
                         exchange->body_max);
    *ret_len = exchange->request.binary_body_length;
    *ret_body = *ret_len ? exchange->request.binary_body : "";
    return ERROR_NONE;
}

bool http_content_type_is(const struct http_exchange *exchange, const char *media_type)
{
    const char *value = http_header(exchange, "Content-Type");
    if (!value)
        return false;
    size_t len = strlen(media_type);
    return strncasecmp(value, media_type, len) == 0 && strchr("; \t", value[len]) != NULL;
}

bool http_is_head(const struct http_exchange *exchange)
{
    return strcmp(exchange->method, "HEAD") == 0;
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}

enum error_code http_block(struct http_exchange *exchange, struct error *err)
{
    if (!exchange->blocks && !gate_enter(exchange->gate, HTTP_BLOCK_WAIT_MS))
        return error_because(err, ERROR_UNAVAILABLE, "too many requests wait for other services");
    exchange->blocks = true;
    return ERROR_NONE;
}

/* version "-" trace-id "-" parent-id "-" flags; a trace or parent of zeros alone is invalid. */
const char *http_traceparent(const struct http_exchange *exchange)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    const char *value = http_header(exchange, "traceparent");
    if (!value || strlen(value) != sizeof form - 1)
        return NULL;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? value[i] != '-' : !strchr("0123456789abcdef", value[i]))
            return NULL;
    bool no_trace = strspn(value + 3, "0") == 32;
    bool no_parent = strspn(value + 36, "0") == 16;
    return no_trace || no_parent || strncmp(value, "ff", 2) == 0 ? NULL : value;
}

const struct http_metrics *http_exchange_metrics(const struct http_exchange *exchange)
{
    return exchange->server->metrics;
}

const struct sockaddr *http_peer(const struct http_exchange *exchange)
{
    return MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        ->client_addr;
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *format, ...)
{
    char value[HEADER_VALUE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    u_map_put(exchange->response->map_header, name, value);
}

enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len)
{
    if (content_type)
        u_map_put(exchange->response->map_header, "Content-Type", content_type);
    exchange->response->status = status;
    exchange->status = status;
    if (len &&
        ulfius_set_binary_body_response(exchange->response, (unsigned)status, bytes, len) != U_OK)
        return ERROR_INTERNAL;
    exchange->bytes = len;
    return ERROR_NONE;
}

enum error_code http_answer_ok(struct http_exchange *exchange)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    return http_answer(exchange, 200, HTTP_TYPE_JSON, ok, sizeof ok - 1);
}

/* The opaque part of an entity tag, quotes included: what weak comparison compares. */
static const char *opaque_tag(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

/* Whether the request's If-None-Match names `etag`. */
static bool etag_matches(const struct http_exchange *exchange, const char *etag)
{
    const char *list = http_header(exchange, "If-None-Match");
    if (!list)
        return false;
    if (strcmp(list, "*") == 0)
        return true;
    /* An opaque tag stands between quotes and has none inside, so finding it whole is enough. */
    return strstr(list, opaque_tag(etag)) != NULL;
}

enum error_code http_answer_tagged(struct http_exchange *exchange, const char *content_type,
                                   const char *etag, const void *bytes, size_t len)
{
    http_set_header(exchange, "ETag", "%s", etag);
    if (etag_matches(exchange, etag))
        return http_answer(exchange, 304, NULL, NULL, 0);
    return http_answer(exchange, 200, content_type, bytes, len);
}

/* What libmicrohttpd hands back to us for a stream. */
struct stream_answer {
    const struct http_stream_ops *ops;
    void *stream;
};

static ssize_t stream_read(void *context, uint64_t position, char *bytes, size_t max)
{
    (void)position;
    struct stream_answer *answer = context;
    ssize_t count = answer->ops->read(answer->stream, bytes, max);
    return count == HTTP_STREAM_END ? U_STREAM_END : count;
}

static void stream_free(void *context)
{
    struct stream_answer *answer = context;
    answer->ops->free(answer->stream);
    free(answer);
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream,
                                   struct http_connection **ret_connection)
{
    struct stream_answer *answer = malloc(sizeof *answer);
    if (!answer) {
        ops->free(stream);
        return ERROR_INTERNAL;
    }
    *answer = (struct stream_answer){.ops = ops, .stream = stream};
    *ret_connection = (struct http_connection *)exchange->connection;
    u_map_put(exchange->response->map_header, "Content-Type", content_type);
    if (ulfius_set_stream_response(exchange->response, 200, stream_read, stream_free,
                                   U_STREAM_SIZE_UNKNOWN, STREAM_BLOCK_SIZE, answer) != U_OK) {
        stream_free(answer);
        return ERROR_INTERNAL;
    }
    exchange->status = 200;
    exchange->is_stream = true;
    return ERROR_NONE;
}

void http_stream_suspend(struct http_connection *connection)
{
    MHD_suspend_connection((struct MHD_Connection *)connection);
}

void http_stream_resume(struct http_connection *connection)
{
    MHD_resume_connection((struct MHD_Connection *)connection);
}
