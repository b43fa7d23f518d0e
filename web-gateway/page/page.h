/*
 * The page: a room's live messages and the form, rendered from templates/home.html in the reader's
 * language.
 */
#ifndef TEMPMESSENGER_PAGE_H
#define TEMPMESSENGER_PAGE_H

#include "board.h"
#include "buffer.h"
#include "error.h"
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
    const struct board *board; /* stays as it is meanwhile; the caller sees to it */
    uint64_t now_us;
    struct message_limits limits; /* all zero where they are not known */
    const char *accept_language;  /* the header, or NULL */
    const char *host;             /* the Host header, or NULL; anything odd in it is not shown */
    bool paused;                  /* without scripts, the page does not reload by itself */
};

/* Reads the template and the tables of texts from `template_dir`, once. INTERNAL, with a cause for
 * the operator. */
enum error_code page_load(const char *template_dir, struct page **ret_page,
                          struct error *err) ERROR_MUST_USE;

/* No rendering may be under way. Takes NULL. */
void page_free(struct page *page);

/* Appends the page. Any thread. INTERNAL when out of memory or over `ret_html`'s maximum. */
enum error_code page_write(const struct page *page, const struct page_view *view,
                           struct buffer *ret_html, struct error *err) ERROR_MUST_USE;

#endif
