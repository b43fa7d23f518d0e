/*
 * The answer to a request as a handler makes it: whole, in pieces, or as a stream. Once an
 * exchange.
 */
#ifndef TEMPMESSENGER_HTTP_ANSWER_H
#define TEMPMESSENGER_HTTP_ANSWER_H

#include "buffer.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct http_exchange;
struct http_takeover;

/* The media types that both services answer with. */
#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_PROBLEM "application/problem+json"
#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"
#define HTTP_TYPE_HTML "text/html; charset=utf-8"
#define HTTP_TYPE_EVENTS "text/event-stream"

/* Sets a header of the answer, whatever kind of answer it becomes. */
__attribute__((format(printf, 3, 4))) void
http_answer_set_header(struct http_exchange *exchange, const char *name, const char *format, ...);

/* Answers with a copy of the bytes. `content_type` is NULL where there is no content. */
enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len);

/* Answers with the buffer's bytes, which it takes: the buffer is empty afterwards. */
enum error_code http_answer_take(struct http_exchange *exchange, int status,
                                 const char *content_type, struct buffer *body);

/* Answers 200 with the bytes and this entity tag, or 304 where If-None-Match names it (weak
 * comparison, RFC 9110, 13.1.2). */
enum error_code http_answer_tagged(struct http_exchange *exchange, const char *content_type,
                                   const char *etag, const void *bytes, size_t len);

/* Answers 200 {"status":"ok"}. */
enum error_code http_answer_ok(struct http_exchange *exchange);

/* An answer that is written piece by piece, by libmicrohttpd's threads, as its reader takes it. */
struct http_pieces_ops {
    /* Fills up to `max` bytes and returns their count; 0: that was all; -1: it fails. Must not
     * block. */
    ssize_t (*read)(void *pieces, char *bytes, size_t max);
    /* Called once, also when the peer left. */
    void (*free)(void *pieces);
};

/* Answers 200 with the pieces. Takes `pieces`, also on failure, when `free` is called here. */
enum error_code http_answer_pieces(struct http_exchange *exchange, const char *content_type,
                                   const struct http_pieces_ops *ops, void *pieces);

/* An answer whose connection is taken over once its head has been sent (http_takeover.h). */
struct http_stream_ops {
    /* The connection is the stream's, and so is the stream its own. On an event thread. */
    void (*take)(void *stream, struct http_takeover *takeover);
    /* Called instead of `take` where the peer left before, or the connection cannot be taken. */
    void (*free)(void *stream);
};

/* Answers 200 with a stream. Takes `stream`, also on failure, when `free` is called here. */
enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream);

#endif
