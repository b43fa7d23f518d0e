/*
 * A template rendered once, with blanks left in it for the values that differ from page to page.
 *
 * A page then costs one copy of the text between the blanks and the filling in of those, and no
 * template is gone through for it.
 */
#ifndef TEMPMESSENGER_PAGE_FORM_H
#define TEMPMESSENGER_PAGE_FORM_H

#include "buffer.h"
#include "error.h"
#include "template.h"

#include <jansson.h>
#include <stdint.h>

struct page_form;

/* What fills a blank; nothing where it is all zero. */
struct page_form_value {
    enum page_form_value_kind {
        PAGE_FORM_TEXT,   /* escaped */
        PAGE_FORM_PLAIN,  /* as it is: it has nothing to escape */
        PAGE_FORM_NUMBER, /* `number` */
        PAGE_FORM_COUNT,  /* the string, escaped, `number` in place of its {n} */
        PAGE_FORM_PART    /* what `write` appends, HTML already */
    } kind;
    const char *text;
    size_t len;
    uint64_t number;
    void (*write)(const void *context, struct buffer *out);
    const void *context;
};

struct page_form_value page_form_string(const char *string);
struct page_form_value page_form_number(uint64_t number);

/*
 * Renders the template with `context`, and a blank for each of the `count` names, which the context
 * does not have. A section takes such a name for true. The form is the caller's.
 * INTERNAL, with a cause for the operator: out of memory (also where `context` is NULL), or a
 * template that cannot be rendered.
 */
enum error_code page_form_new(const struct template *template, json_t *context,
                              const char *const names[], unsigned count,
                              struct page_form **ret_form, struct error *err) ERROR_MUST_USE;

/* Takes NULL. */
void page_form_free(struct page_form *form);

/* The index behind the first blank of that name's number; 0 where there is none. */
size_t page_form_behind(const struct page_form *form, unsigned name);

/* Appends the pieces, each a text and the blank behind it, from index `begin` to before `end` (or
 * to the last one), filled in from `values`, one for each name. */
void page_form_write(const struct page_form *form, size_t begin, size_t end,
                     const struct page_form_value values[], struct buffer *out);

#endif
