/*
 * The pieces are written when libmicrohttpd's thread has room for them: a reader who does not read
 * costs a list of pointers and one piece.
 */
#include "listing_http.h"

#include "buffer.h"
#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 16 * 1024,
    PIECE_MAX = 8 * 1024 * 1024, /* far above the longest single message */
    LIMIT_SIZE = 16,
};

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

struct pieces {
    struct message_array *messages;
    size_t next;
    bool listed; /* a message has been written */
    bool ended;
    struct buffer piece;
    size_t sent; /* of the piece */
};

/* Writes the next piece; false at the end. */
static bool write_piece(struct pieces *pieces)
{
    struct buffer *piece = &pieces->piece;
    uint64_t now_us = clock_monotonic_us(&clock_system);
    if (pieces->ended)
        return false;
    buffer_clear(piece);
    pieces->sent = 0;
    if (!pieces->next && !pieces->listed)
        buffer_append(piece, "[", 1);
    while (pieces->next < pieces->messages->count && piece->len < PIECE) {
        const struct message *message = pieces->messages->messages[pieces->next++];
        if (message_expired(message, now_us))
            continue;
        if (pieces->listed)
            buffer_append(piece, ",", 1);
        message_append_json(message, now_us, piece);
        pieces->listed = true;
    }
    pieces->ended = pieces->next == pieces->messages->count;
    if (pieces->ended)
        buffer_append(piece, "]", 1);
    return true;
}

static ssize_t read_pieces(void *context, char *bytes, size_t max)
{
    struct pieces *pieces = context;
    if (pieces->sent == pieces->piece.len && !write_piece(pieces))
        return 0;
    if (pieces->piece.failed)
        return -1;
    size_t left = pieces->piece.len - pieces->sent;
    size_t len = left < max ? left : max;
    memcpy(bytes, pieces->piece.data + pieces->sent, len);
    pieces->sent += len;
    return (ssize_t)len;
}

static void free_pieces(void *context)
{
    struct pieces *pieces = context;
    message_array_free(pieces->messages);
    buffer_fini(&pieces->piece);
    free(pieces);
}

static const struct http_pieces_ops pieces_ops = {.read = read_pieces, .free = free_pieces};

static enum error_code answer_pieces(struct http_exchange *exchange,
                                     struct live_room_listing *listing)
{
    http_answer_set_header(exchange, "ETag", "%s", listing->etag);
    if (http_request_etag_matches(exchange, listing->etag))
        return http_answer(exchange, 304, NULL, NULL, 0);
    struct pieces *pieces = calloc(1, sizeof *pieces);
    if (!pieces)
        return ERROR_INTERNAL;
    buffer_init(&pieces->piece, PIECE_MAX);
    pieces->messages = listing->messages;
    listing->messages = NULL;
    return http_answer_pieces(exchange, HTTP_TYPE_JSON, &pieces_ops, pieces);
}

enum error_code listing_http_answer(struct http_exchange *exchange,
                                    struct live_room_listing *listing)
{
    if (listing->messages)
        return answer_pieces(exchange, listing);
    return http_answer_tagged(exchange, HTTP_TYPE_JSON, listing->etag, listing->json->data,
                              listing->json->len);
}
