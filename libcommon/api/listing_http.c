#include "listing_http.h"

#include "buffer.h"
#include "clock.h"
#include "message_pieces.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_SIZE = 16 };

enum error_code listing_http_limit(const struct http_exchange *exchange, size_t *ret_newest,
                                   struct error *err)
{
    char text[LIMIT_SIZE];
    *ret_newest = 0;
    if (!http_request_has_query(exchange, "limit"))
        return ERROR_NONE;
    if (http_request_query(exchange, "limit", text, sizeof text) &&
        text[strspn(text, "0123456789")] == '\0')
        *ret_newest = strtoul(text, NULL, 10);
    if (*ret_newest >= 1 && *ret_newest <= LISTING_HTTP_LIMIT_MAX)
        return ERROR_NONE;
    return error_set(err, ERROR_BAD_REQUEST, "limit is a number from 1 to %d",
                     LISTING_HTTP_LIMIT_MAX);
}

enum error_code listing_http_before(const struct http_exchange *exchange,
                                    char ret_id[MESSAGE_ID_SIZE], struct error *err)
{
    ret_id[0] = '\0';
    if (!http_request_has_query(exchange, "before"))
        return ERROR_NONE;
    if (http_request_query(exchange, "before", ret_id, MESSAGE_ID_SIZE) && message_id_valid(ret_id))
        return ERROR_NONE;
    return error_set(err, ERROR_BAD_REQUEST, "before is the id of a message");
}

/* ---- in pieces ---- */

static void write_head(struct message_pieces_form *form, struct buffer *piece)
{
    (void)form;
    buffer_append(piece, "[", 1);
}

static void write_message(struct message_pieces_form *form, const struct message *message,
                          bool first, struct buffer *piece)
{
    (void)form;
    if (!first)
        buffer_append(piece, ",", 1);
    message_append_json(message, clock_now_us(), piece);
}

static void write_foot(struct message_pieces_form *form, struct buffer *piece)
{
    (void)form;
    buffer_append(piece, "]", 1);
}

static void free_nothing(struct message_pieces_form *form)
{
    (void)form;
}

static struct message_pieces_form json_array = {
    .head = write_head, .message = write_message, .foot = write_foot, .free = free_nothing};

static enum error_code answer_pieces(struct http_exchange *exchange, struct live_listing *listing)
{
    http_answer_set_header(exchange, "ETag", "%s", listing->etag);
    if (http_request_etag_matches(exchange, listing->etag))
        return http_answer(exchange, 304, NULL, NULL, 0);
    struct message_array *messages = listing->messages;
    listing->messages = NULL;
    return message_pieces_answer(exchange, HTTP_TYPE_JSON, messages, &json_array);
}

enum error_code listing_http_answer(struct http_exchange *exchange, struct live_listing *listing)
{
    if (listing->messages)
        return answer_pieces(exchange, listing);
    return http_answer_tagged(exchange, HTTP_TYPE_JSON, listing->etag, listing->json->data,
                              listing->json->len);
}
