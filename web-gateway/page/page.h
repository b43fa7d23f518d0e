/*
 * The page: a room's live messages and the form, rendered from templates/home.html in the reader's
 * language. Any number of threads may write from one page at a time.
 */
#ifndef TEMPMESSENGER_PAGE_H
#define TEMPMESSENGER_PAGE_H

#include "buffer.h"
#include "error.h"
#include "message_array.h"
#include "message_limits.h"

/* What a browser may do on the page: use our own files and talk to us, nothing else. */
#define PAGE_SECURITY_POLICY                                                                       \
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; " \
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "        \
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types tempmessenger"

struct page;

/* One rendering; everything is borrowed for the call. */
struct page_view {
    const char *room;
    uint64_t now_us;              /* when the page is sent: the remaining times count from here */
    struct message_limits limits; /* all zero where they are not known */
    unsigned language;            /* page_language_choose */
    const char *host;             /* the Host header, or NULL; anything odd in it is not shown */
    bool paused;                  /* without scripts, the page does not reload by itself */
    bool empty;                   /* no message comes between head and foot */
};

/* Reads the templates and the tables of texts from `template_dir`, once. INTERNAL, with a cause for
 * the operator. */
enum error_code page_load(const char *template_dir, struct page **ret_page,
                          struct error *err) ERROR_MUST_USE;

/* No rendering may be under way. Takes NULL. */
void page_free(struct page *page);

/*
 * A page in pieces: its head, each message in the order of sending, its foot. Each appends to
 * `html`, whose failure the caller checks. All pieces of a page are given the same view: a script
 * counts every remaining time from the moment at which the page began to come. A message that ends
 * before its piece is written has to be left out by the caller.
 */
void page_write_head(const struct page *page, const struct page_view *view, struct buffer *html);
void page_write_message(const struct page *page, const struct page_view *view,
                        const struct message *message, struct buffer *html);
void page_write_foot(const struct page *page, const struct page_view *view, struct buffer *html);

/* Appends the whole page with those messages that are alive at `view->now_us`, in their order, and
 * takes `view->empty` from them. INTERNAL when out of memory or over `ret_html`'s maximum. */
enum error_code page_write(const struct page *page, const struct page_view *view,
                           const struct message_array *messages, struct buffer *ret_html,
                           struct error *err) ERROR_MUST_USE;

#endif
