/*
 * An answer that holds the messages of a large room, written piece by piece as its reader takes it:
 * a reader who does not read costs a list of pointers and one piece.
 */
#ifndef TEMPMESSENGER_MESSAGE_PIECES_H
#define TEMPMESSENGER_MESSAGE_PIECES_H

#include "buffer.h"
#include "http_exchange.h"
#include "message_array.h"

#include <stdbool.h>

enum {
    MESSAGE_PIECES_PIECE = 16 * 1024,          /* bytes of a piece, unless one message is longer */
    MESSAGE_PIECES_PIECE_MAX = 8 * 1024 * 1024 /* far above the longest message in any form */
};

/* What the messages become. All run on an event thread; `form` lives as long as the answer. */
struct message_pieces_form {
    void (*head)(struct message_pieces_form *form, struct buffer *piece);
    void (*message)(struct message_pieces_form *form, const struct message *message, bool first,
                    struct buffer *piece);
    void (*foot)(struct message_pieces_form *form, struct buffer *piece);
    void (*free)(struct message_pieces_form *form); /* also where the answer fails */
};

/* Answers 200 with the messages, in their order, without those that end before they are written.
 * Takes both. INTERNAL when out of memory. */
enum error_code message_pieces_answer(struct http_exchange *exchange, const char *content_type,
                                      struct message_array *messages,
                                      struct message_pieces_form *form) ERROR_MUST_USE;

#endif
