/*
 * What the four files of the template engine share and nobody else sees: template.c (the front, and
 * the reading of files), template_tag.c, template_parser.c and template_renderer.c.
 *
 * A source is compiled to one flat array of nodes, where a section knows the index behind its end.
 * The spans of the nodes point into the source, so the two live and die together.
 */
#ifndef TEMPMESSENGER_TEMPLATE_INTERNAL_H
#define TEMPMESSENGER_TEMPLATE_INTERNAL_H

#include "template.h"

#include <stdbool.h>
#include <stddef.h>

enum template_node_kind {
    TEMPLATE_NODE_LINE,
    TEMPLATE_NODE_TEXT,     /* string: the bytes */
    TEMPLATE_NODE_VARIABLE, /* string: the name; so for the sections */
    TEMPLATE_NODE_SECTION,
    TEMPLATE_NODE_INVERTED,
    TEMPLATE_NODE_PARTIAL /* string: the indentation */
};

/* Bytes of a source, not ended by a NUL. */
struct template_span {
    const char *data;
    size_t len;
};

struct template_node {
    enum template_node_kind kind;
    unsigned partial; /* the file that a TEMPLATE_NODE_PARTIAL includes */
    bool standalone;  /* a TEMPLATE_NODE_PARTIAL that has its line to itself, and indents */
    struct template_span string;
    size_t end; /* the index behind this node and all that it contains */
};

struct template_file {
    char name[TEMPLATE_NAME_MAX + sizeof ".html"];
    char *source;
    size_t len;
    struct template_node *nodes;
    size_t count, capacity;
};

struct template
{
    /* The first is the template, the others its partials. */
    struct template_file files[TEMPLATE_FILES_MAX];
    unsigned file_count;
};

struct template_tag {
    size_t begin, end; /* in the source, delimiters included */
    char sigil;        /* # ^ / > ! or, for a variable, NUL */
    struct template_span name;
    struct template_span indentation; /* where it stands alone */
    bool standalone;
};

/* Reads the file called `file->name` of `dir` as the source of `file`. The cause of a failure, which
 * leaves `file` as it was, names neither. */
enum error_code template_read_file(const char *dir, struct template_file *file,
                                   struct error *err) ERROR_MUST_USE;

/* Reads the tag whose {{ is at `begin`. INTERNAL, with the line, where it is not one of ours. */
enum error_code template_read_tag(const struct template_file *file, size_t begin,
                                  struct template_tag *ret_tag, struct error *err) ERROR_MUST_USE;

/* Says why the source is refused at the byte `at`, with the line: INTERNAL. */
__attribute__((format(printf, 4, 5))) enum error_code
template_refuse(struct error *err, const struct template_file *file, size_t at,
                const char *reason_format, ...);

/* The line of the byte `at`, from 1. */
size_t template_line_of(const struct template_file *file, size_t at);

/*
 * Compiles file number `number`. The partials that it names and the template does not have yet are
 * read from `dir` and put at the end of the template's list, to be compiled in their turn.
 * INTERNAL, with the line, for what cannot be compiled or read; what is compiled by then remains
 * with the template.
 */
enum error_code template_parse(struct template *template, unsigned number, const char *dir,
                               struct error *err) ERROR_MUST_USE;

#endif
