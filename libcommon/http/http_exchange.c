/*
 * Reading a request and making its answer, over Ulfius' structs: nothing of Ulfius or libmicrohttpd
 * is seen beyond this folder.
 */
#include "http_exchange.h"

#include "http_exchange_private.h"
#include "http_server_private.h"
#include "http_takeover.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEADER_VALUE_SIZE = 1024,
    /* Of an answer in pieces, for clients that cannot take chunks (HTTP/1.0); for all others the
     * connection's memory is filled. */
    STREAM_BLOCK_SIZE = 4096,
};

const char *http_param(const struct http_exchange *exchange, const char *name)
{
    return http_params_get(&exchange->params, name);
}

/* The query's first value of `name`, as it stands, and its length; NULL if there is none. */
static const char *find_query(const struct http_exchange *exchange, const char *name,
                              size_t *ret_len)
{
    const char *at = strchr(exchange->request.http_url, '?');
    size_t name_len = strlen(name);
    while (at) {
        const char *field = at + 1;
        at = strchr(field, '&');
        if (strncmp(field, name, name_len) != 0 || field[name_len] != '=')
            continue;
        const char *value = field + name_len + 1;
        *ret_len = at ? (size_t)(at - value) : strlen(value);
        return value;
    }
    return NULL;
}

bool http_has_query(const struct http_exchange *exchange, const char *name)
{
    size_t len;
    return find_query(exchange, name, &len) != NULL;
}

bool http_query(const struct http_exchange *exchange, const char *name, char *ret_value,
                size_t size)
{
    size_t len;
    const char *value = find_query(exchange, name, &len);
    if (!value || len >= size)
        return false;
    ret_value[text_percent_decode(value, len, ret_value)] = '\0';
    return true;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    return u_map_get_case(exchange->request.map_header, name);
}

enum error_code http_body_too_long(const struct http_exchange *exchange, struct error *err)
{
    return error_set(err, ERROR_TOO_LARGE, "The body is longer than %zu bytes",
                     exchange->server->config.body_max);
}

enum error_code http_body(const struct http_exchange *exchange, const void **ret_body,
                          size_t *ret_len, struct error *err)
{
    if (exchange->request.binary_body_length > exchange->server->config.body_max)
        return http_body_too_long(exchange, err);
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
    return exchange->method == HTTP_HEAD;
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}

enum error_code http_may_block(const struct http_exchange *exchange)
{
    return exchange->may_block ? ERROR_NONE : HTTP_WOULD_BLOCK;
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

const struct http_server *http_exchange_server(const struct http_exchange *exchange)
{
    return exchange->server;
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
    if (exchange->response)
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

bool http_etag_matches(const struct http_exchange *exchange, const char *etag)
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
    if (http_etag_matches(exchange, etag))
        return http_answer(exchange, 304, NULL, NULL, 0);
    return http_answer(exchange, 200, content_type, bytes, len);
}

/* ---- answers that are not whole at once ---- */

/* What libmicrohttpd hands back to us for one. */
struct answer {
    struct http_exchange *exchange; /* valid while libmicrohttpd reads */
    const struct http_pieces_ops *pieces_ops;
    const struct http_stream_ops *stream_ops;
    void *context;
};

static ssize_t read_pieces(void *context, uint64_t position, char *bytes, size_t max)
{
    (void)position;
    const struct answer *answer = context;
    ssize_t count = answer->pieces_ops->read(answer->context, bytes, max);
    if (count > 0)
        return count;
    return count == 0 ? U_STREAM_END : U_STREAM_ERROR;
}

static void free_pieces(void *context)
{
    struct answer *answer = context;
    answer->pieces_ops->free(answer->context);
    free(answer);
}

/* The first read of a stream, which is the last: the head has been sent. */
static ssize_t take_stream(void *context, uint64_t position, char *bytes, size_t max)
{
    (void)position, (void)bytes, (void)max;
    struct answer *answer = context;
    struct http_takeover *takeover = http_takeover_new(answer->exchange);
    if (takeover) {
        void *stream = answer->context;
        answer->context = NULL;
        answer->stream_ops->take(stream, takeover);
    }
    return U_STREAM_ERROR;
}

static void free_stream(void *context)
{
    struct answer *answer = context;
    if (answer->context)
        answer->stream_ops->free(answer->context);
    free(answer);
}

/* Takes the answer's context, also on failure. */
static enum error_code answer_later(struct http_exchange *exchange, const char *content_type,
                                    const struct answer *draft)
{
    bool is_stream = draft->stream_ops != NULL;
    struct answer *answer = malloc(sizeof *answer);
    if (!answer) {
        (is_stream ? draft->stream_ops->free : draft->pieces_ops->free)(draft->context);
        return ERROR_INTERNAL;
    }
    *answer = *draft;
    answer->exchange = exchange;
    u_map_put(exchange->response->map_header, "Content-Type", content_type);
    if (ulfius_set_stream_response(exchange->response, 200, is_stream ? take_stream : read_pieces,
                                   is_stream ? free_stream : free_pieces, U_STREAM_SIZE_UNKNOWN,
                                   STREAM_BLOCK_SIZE, answer) != U_OK) {
        (is_stream ? free_stream : free_pieces)(answer);
        return ERROR_INTERNAL;
    }
    exchange->status = 200;
    exchange->is_stream = is_stream;
    return ERROR_NONE;
}

enum error_code http_answer_pieces(struct http_exchange *exchange, const char *content_type,
                                   const struct http_pieces_ops *ops, void *pieces)
{
    struct answer answer = {.pieces_ops = ops, .context = pieces};
    return answer_later(exchange, content_type, &answer);
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream)
{
    struct answer answer = {.stream_ops = ops, .context = stream};
    return answer_later(exchange, content_type, &answer);
}
