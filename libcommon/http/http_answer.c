/*
 * Making an answer, over Ulfius' struct. What is not whole at once is a stream to Ulfius, which
 * libmicrohttpd reads when there is room to send.
 */
#include "http_answer.h"

#include "http_exchange_private.h"
#include "http_request.h"
#include "http_takeover.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HEADER_VALUE_SIZE = 1024,
    /* Of an answer in pieces, for clients that cannot take chunks (HTTP/1.0); for all others the
     * connection's memory is filled. */
    STREAM_BLOCK_SIZE = 4096,
};

void http_answer_set_header(struct http_exchange *exchange, const char *name, const char *format,
                            ...)
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

enum error_code http_answer_take(struct http_exchange *exchange, int status,
                                 const char *content_type, struct buffer *body)
{
    enum error_code code = http_answer(exchange, status, content_type, NULL, 0);
    exchange->response->binary_body = body->data;
    exchange->response->binary_body_length = body->len;
    exchange->bytes = body->len;
    buffer_init(body, body->max);
    return code;
}

enum error_code http_answer_ok(struct http_exchange *exchange)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    return http_answer(exchange, 200, HTTP_TYPE_JSON, ok, sizeof ok - 1);
}

enum error_code http_answer_tagged(struct http_exchange *exchange, const char *content_type,
                                   const char *etag, const void *bytes, size_t len)
{
    http_answer_set_header(exchange, "ETag", "%s", etag);
    if (http_request_etag_matches(exchange, etag))
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

/* Hands the answer to Ulfius, to be read by `read` and freed by `free_answer`. */
static enum error_code answer_later(struct http_exchange *exchange, const char *content_type,
                                    struct answer *answer,
                                    ssize_t (*read)(void *, uint64_t, char *, size_t),
                                    void (*free_answer)(void *))
{
    answer->exchange = exchange;
    u_map_put(exchange->response->map_header, "Content-Type", content_type);
    if (ulfius_set_stream_response(exchange->response, 200, read, free_answer,
                                   U_STREAM_SIZE_UNKNOWN, STREAM_BLOCK_SIZE, answer) != U_OK) {
        free_answer(answer);
        return ERROR_INTERNAL;
    }
    exchange->status = 200;
    exchange->is_stream = read == take_stream;
    return ERROR_NONE;
}

enum error_code http_answer_pieces(struct http_exchange *exchange, const char *content_type,
                                   const struct http_pieces_ops *ops, void *pieces)
{
    struct answer *answer = malloc(sizeof *answer);
    if (!answer) {
        ops->free(pieces);
        return ERROR_INTERNAL;
    }
    *answer = (struct answer){.pieces_ops = ops, .context = pieces};
    return answer_later(exchange, content_type, answer, read_pieces, free_pieces);
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream)
{
    struct answer *answer = malloc(sizeof *answer);
    if (!answer) {
        ops->free(stream);
        return ERROR_INTERNAL;
    }
    *answer = (struct answer){.stream_ops = ops, .context = stream};
    return answer_later(exchange, content_type, answer, take_stream, free_stream);
}
