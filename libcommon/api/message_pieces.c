#include "message_pieces.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

struct pieces {
    struct message_array *messages;
    struct message_pieces_form *form;
    size_t next;
    bool begun;
    bool written; /* a message has been */
    bool ended;
    struct buffer piece;
    size_t sent; /* of the piece */
};

static void write_message(struct pieces *pieces, uint64_t now_us)
{
    const struct message *message = pieces->messages->messages[pieces->next++];
    if (message_expired(message, now_us))
        return;
    pieces->form->message(pieces->form, message, !pieces->written, &pieces->piece);
    pieces->written = true;
}

/* Writes the next piece; false at the end. */
static bool write_piece(struct pieces *pieces)
{
    struct buffer *piece = &pieces->piece;
    uint64_t now_us = clock_now_us();
    if (pieces->ended)
        return false;
    buffer_clear(piece);
    pieces->sent = 0;
    if (!pieces->begun)
        pieces->form->head(pieces->form, piece);
    pieces->begun = true;
    while (pieces->next < pieces->messages->count && piece->len < MESSAGE_PIECES_PIECE)
        write_message(pieces, now_us);
    pieces->ended = pieces->next == pieces->messages->count;
    if (pieces->ended)
        pieces->form->foot(pieces->form, piece);
    return true;
}

static ssize_t read_pieces(void *context, char *bytes, size_t max)
{
    struct pieces *pieces = context;
    while (pieces->sent == pieces->piece.len)
        if (!write_piece(pieces))
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
    pieces->form->free(pieces->form);
    buffer_fini(&pieces->piece);
    free(pieces);
}

static const struct http_pieces_ops pieces_ops = {.read = read_pieces, .free = free_pieces};

enum error_code message_pieces_answer(struct http_exchange *exchange, const char *content_type,
                                      struct message_array *messages,
                                      struct message_pieces_form *form)
{
    struct pieces *pieces = calloc(1, sizeof *pieces);
    if (!pieces) {
        message_array_free(messages);
        form->free(form);
        return ERROR_INTERNAL;
    }
    buffer_init(&pieces->piece, MESSAGE_PIECES_PIECE_MAX);
    pieces->messages = messages;
    pieces->form = form;
    return http_answer_pieces(exchange, content_type, &pieces_ops, pieces);
}
