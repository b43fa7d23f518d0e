#include "page_answer.h"

#include "clock.h"
#include "live_listing.h"
#include "message_pieces.h"

#include <stdlib.h>

/* The page of few messages at its longest, each escaped and marked up. */
enum { WHOLE_MAX = 64 * 1024 * 1024 };

static enum error_code answer_whole(struct http_exchange *exchange, const struct page *page,
                                    const struct page_view *view,
                                    const struct message_array *messages, struct error *err)
{
    CLEANUP_FINI(buffer_fini) struct buffer html;
    buffer_init(&html, WHOLE_MAX);
    enum error_code code = page_write(page, view, messages, &html, err);
    return code ? code : http_answer_take(exchange, 200, HTTP_TYPE_HTML, &html);
}

/* A page that is written in pieces: all of them have the same view. */
struct pieces {
    struct message_pieces_form form;
    const struct page *page;
    struct page_view view;
};

static void write_head(struct message_pieces_form *form, struct buffer *piece)
{
    const struct pieces *pieces = (const struct pieces *)form;
    page_write_head(pieces->page, &pieces->view, piece);
}

static void write_message(struct message_pieces_form *form, const struct message *message,
                          bool first, struct buffer *piece)
{
    const struct pieces *pieces = (const struct pieces *)form;
    (void)first;
    page_write_message(pieces->page, &pieces->view, message, piece);
}

static void write_foot(struct message_pieces_form *form, struct buffer *piece)
{
    const struct pieces *pieces = (const struct pieces *)form;
    page_write_foot(pieces->page, &pieces->view, piece);
}

static void free_pieces(struct message_pieces_form *form)
{
    free(form);
}

/* Takes the messages. */
static enum error_code answer_in_pieces(struct http_exchange *exchange, const struct page *page,
                                        const struct page_view *view,
                                        struct message_array *messages)
{
    struct pieces *pieces = malloc(sizeof *pieces);
    if (!pieces) {
        message_array_free(messages);
        return ERROR_INTERNAL;
    }
    *pieces = (struct pieces){
        .form = {.head = write_head,
                 .message = write_message,
                 .foot = write_foot,
                 .free = free_pieces},
        .page = page,
        .view = *view,
    };
    return message_pieces_answer(exchange, HTTP_TYPE_HTML, messages, &pieces->form);
}

enum error_code page_answer(struct http_exchange *exchange, const struct page *page,
                            const struct page_view *view, struct live_room *room, struct error *err)
{
    struct page_view now = *view;
    now.now_us = clock_now_us();
    struct message_array *messages = NULL;
    if (live_room_messages(room, &messages))
        return ERROR_INTERNAL;
    message_array_sort(messages);
    http_answer_set_header(exchange, "Content-Security-Policy", "%s", PAGE_SECURITY_POLICY);
    http_answer_set_header(exchange, "Cross-Origin-Opener-Policy", "same-origin");
    http_answer_set_header(exchange, "X-Frame-Options", "DENY"); /* for old browsers */
    http_answer_set_header(exchange, "Vary", "Accept-Language");
    if (messages->count > LIVE_LISTING_FEW)
        return answer_in_pieces(exchange, page, &now, messages);
    enum error_code code = answer_whole(exchange, page, &now, messages, err);
    message_array_free(messages);
    return code;
}
