/*
 * The lifetimes that the page offers to a sender, in one language.
 */
#ifndef TEMPMESSENGER_PAGE_LIFETIMES_H
#define TEMPMESSENGER_PAGE_LIFETIMES_H

#include "buffer.h"
#include "error.h"
#include "message_limits.h"
#include "page_form.h"
#include "page_language.h"
#include "template.h"

struct page_lifetimes {
    const struct page_language *language; /* borrowed */
    struct page_form *choice[2];          /* not selected, selected */
};

/* Makes the forms of `template`, which is one choice. INTERNAL, with a cause for the operator;
 * `lifetimes` is then still to be passed to page_lifetimes_fini. */
enum error_code page_lifetimes_init(struct page_lifetimes *lifetimes,
                                    const struct template *template,
                                    const struct page_language *language,
                                    struct error *err) ERROR_MUST_USE;

/* Takes a zeroed struct. */
void page_lifetimes_fini(struct page_lifetimes *lifetimes);

/* Appends the choices that `limits` allow and, among them, the default; every choice where the
 * limits are not known. */
void page_lifetimes_write(const struct page_lifetimes *lifetimes,
                          const struct message_limits *limits, struct buffer *out);

#endif
