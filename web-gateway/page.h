/*
 * The page: a room's live messages and the form, rendered from templates/home.html.
 */
#ifndef TEMPMESSENGER_PAGE_H
#define TEMPMESSENGER_PAGE_H

#include "board.h"
#include "buffer.h"
#include "error.h"

/* What a browser may do on the page: use our own files and talk to us, nothing else. */
#define PAGE_SECURITY_POLICY                                                                       \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "            \
    "require-trusted-types-for 'script'"

struct page;

/* Reads the template from `template_dir`, once. INTERNAL, with a cause for the operator. */
enum error_code page_load(const char *template_dir, struct page **ret_page,
                          struct error *err) ERROR_MUST_USE;

/* No rendering may be under way. Takes NULL. */
void page_free(struct page *page);

/* Appends the page of `room` with the messages of `board` at `now_us`. Any thread; the caller sees
 * to it that the board stays as it is. INTERNAL when out of memory. */
enum error_code page_render(const struct page *page, const char *room, const struct board *board,
                            uint64_t now_us, struct buffer *ret_html,
                            struct error *err) ERROR_MUST_USE;

#endif
