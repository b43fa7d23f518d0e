/*
 * The files of a template: the template itself and, behind it, the partials that it names. Each is
 * a source and the nodes that it is compiled to.
 *
 * The nodes are one flat array, where a section knows the index behind its end. Their spans point
 * into the source, so the two live and die together.
 */
#ifndef TEMPMESSENGER_TEMPLATE_FILE_H
#define TEMPMESSENGER_TEMPLATE_FILE_H

#include "error.h"
#include "template_limits.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a source, not ended by a NUL. */
struct template_span {
    const char *data;
    size_t len;
};

enum template_node_kind {
    TEMPLATE_NODE_LINE,
    TEMPLATE_NODE_TEXT,     /* string: the bytes */
    TEMPLATE_NODE_VARIABLE, /* string: the name; so for the sections */
    TEMPLATE_NODE_SECTION,
    TEMPLATE_NODE_INVERTED,
    TEMPLATE_NODE_PARTIAL /* string: the indentation */
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

/* The first is the template, the others its partials. */
struct template_file_list {
    struct template_file files[TEMPLATE_FILES_MAX];
    unsigned count;
};

/* Frees what the files hold, not the list. */
void template_file_list_fini(struct template_file_list *list);

/* Reads the file called `file->name` of `dir` as the source of `file`. A failure leaves `file` as
 * it was, and its cause names neither. */
enum error_code template_file_read(const char *dir, struct template_file *file,
                                   struct error *err) ERROR_MUST_USE;

/* Says why the source is refused at the byte `at`, with the line: INTERNAL. */
__attribute__((format(printf, 4, 5))) enum error_code
template_file_refuse(struct error *err, const struct template_file *file, size_t at,
                     const char *reason_format, ...);

/* The line of the byte `at`, from 1. */
size_t template_file_line(const struct template_file *file, size_t at);

#endif
