/*
 * The languages of the page: the table of texts of each, the reader's choice, durations in words.
 */
#ifndef TEMPMESSENGER_PAGE_LANGUAGE_H
#define TEMPMESSENGER_PAGE_LANGUAGE_H

#include "error.h"
#include "page_form.h"

#include <jansson.h>
#include <stdint.h>

/* Their files are texts.<code>.json. The first is for readers who ask for none of them. */
enum { PAGE_LANGUAGE_COUNT = 2 };

enum { PAGE_LANGUAGE_UNITS = 4 };

struct page_language {
    json_t *texts;                             /* the whole table */
    json_t *script;                            /* its part for the script, as JSON in a string */
    const char *lifetime_default;              /* the name of a default that is not known */
    const char *units[PAGE_LANGUAGE_UNITS][2]; /* seconds to days: of one, of more */
};

/* Reads the table of language number `number` from `dir`. INTERNAL, with a cause for the operator;
 * `language` is then still to be passed to page_language_fini. */
enum error_code page_language_load(const char *dir, unsigned number, struct page_language *language,
                                   struct error *err) ERROR_MUST_USE;

/* Takes a zeroed struct. */
void page_language_fini(struct page_language *language);

/* The number of the language that suits an Accept-Language header (or NULL) best. */
unsigned page_language_choose(const char *header);

/* "42 s", "9 min", "1 day": one unit, rounded; words.js does the same. */
struct page_form_value page_language_duration(const struct page_language *language, uint64_t ms);

#endif
