/*
 * One tag of a template, from its {{ to its }}.
 */
#ifndef TEMPMESSENGER_TEMPLATE_TAG_H
#define TEMPMESSENGER_TEMPLATE_TAG_H

#include "template_file.h"

struct template_tag {
    size_t begin, end; /* in the source, delimiters included */
    char sigil;        /* # ^ / > ! or, for a variable, NUL */
    struct template_span name;
    struct template_span indentation; /* where it stands alone */
    bool standalone;
};

/* Reads the tag whose {{ is at `begin`. INTERNAL, with the line, where it is not one of ours. */
enum error_code template_tag_read(const struct template_file *file, size_t begin,
                                  struct template_tag *ret_tag, struct error *err) ERROR_MUST_USE;

#endif
