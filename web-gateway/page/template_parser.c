/*
 * Goes through a source tag by tag, with the text between. template_tag.c reads a tag; here is what
 * it does: it opens or closes a section, or names a partial for the loader to compile.
 *
 * The specification indents a standalone partial by putting its tag's indentation before each line
 * of the partial's source. Here all its includers share the source, so each line begins with a
 * TEMPLATE_NODE_LINE instead, where the renderer writes the indentation in force.
 */
#include "template_parser.h"

#include "template_tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_NODES = 64 };

struct parser {
    struct template_file_list *list;
    const char *dir; /* of the partials */
    struct template_file *file;
    size_t at;                              /* all before is compiled */
    bool at_line_start;                     /* the next node is the first of its line */
    size_t open[TEMPLATE_NESTING_MAX];      /* the nodes of the open sections */
    size_t opened_at[TEMPLATE_NESTING_MAX]; /* where their tags are */
    unsigned depth;
    struct error *err;
};

static enum error_code add_node(struct parser *parser, enum template_node_kind kind,
                                struct template_span string)
{
    struct template_file *file = parser->file;
    if (file->count == file->capacity) {
        size_t capacity = file->capacity ? file->capacity * 2 : INITIAL_NODES;
        struct template_node *nodes = realloc(file->nodes, capacity * sizeof *nodes);
        if (!nodes)
            return error_because(parser->err, ERROR_INTERNAL, "out of memory for the template");
        file->nodes = nodes;
        file->capacity = capacity;
    }
    file->nodes[file->count] =
        (struct template_node){.kind = kind, .string = string, .end = file->count + 1};
    file->count++;
    return ERROR_NONE;
}

/* Before what a line begins with. */
static enum error_code begin_line(struct parser *parser)
{
    if (!parser->at_line_start)
        return ERROR_NONE;
    parser->at_line_start = false;
    return add_node(parser, TEMPLATE_NODE_LINE, (struct template_span){"", 0});
}

/* Compiles the text from where the parser is to `end`, each line a node. */
static enum error_code add_text(struct parser *parser, size_t end)
{
    while (parser->at < end) {
        const char *text = parser->file->source + parser->at;
        const char *newline = memchr(text, '\n', end - parser->at);
        size_t len = newline ? (size_t)(newline - text) + 1 : end - parser->at;
        enum error_code code = begin_line(parser);
        if (!code)
            code = add_node(parser, TEMPLATE_NODE_TEXT, (struct template_span){text, len});
        if (code)
            return code;
        parser->at += len;
        parser->at_line_start = newline != NULL;
    }
    return ERROR_NONE;
}

static enum error_code open_section(struct parser *parser, const struct template_tag *tag)
{
    if (parser->depth == TEMPLATE_NESTING_MAX)
        return template_file_refuse(parser->err, parser->file, tag->begin,
                                    "more than %d sections within each other",
                                    TEMPLATE_NESTING_MAX);
    parser->open[parser->depth] = parser->file->count;
    parser->opened_at[parser->depth] = tag->begin;
    parser->depth++;
    return add_node(parser, tag->sigil == '#' ? TEMPLATE_NODE_SECTION : TEMPLATE_NODE_INVERTED,
                    tag->name);
}

static enum error_code close_section(struct parser *parser, const struct template_tag *tag)
{
    if (parser->depth == 0)
        return template_file_refuse(parser->err, parser->file, tag->begin,
                                    "{{/%.*s}} closes nothing", (int)tag->name.len, tag->name.data);
    parser->depth--;
    struct template_node *node = &parser->file->nodes[parser->open[parser->depth]];
    if (node->string.len != tag->name.len ||
        memcmp(node->string.data, tag->name.data, tag->name.len) != 0)
        return template_file_refuse(
            parser->err, parser->file, tag->begin, "{{/%.*s}} cannot close {{%c%.*s}} of line %zu",
            (int)tag->name.len, tag->name.data, node->kind == TEMPLATE_NODE_SECTION ? '#' : '^',
            (int)node->string.len, node->string.data,
            template_file_line(parser->file, parser->opened_at[parser->depth]));
    node->end = parser->file->count;
    return ERROR_NONE;
}

/* The index of the partial that `tag` names, which is read and put on the list if it is new. */
static enum error_code find_partial(struct parser *parser, const struct template_tag *tag,
                                    unsigned *ret_partial)
{
    struct template_file_list *list = parser->list;
    struct template_file file = {0};
    snprintf(file.name, sizeof file.name, "%.*s.html", (int)tag->name.len, tag->name.data);
    for (unsigned i = 0; i < list->count; i++) {
        *ret_partial = i;
        if (strcmp(list->files[i].name, file.name) == 0)
            return ERROR_NONE;
    }
    if (list->count == TEMPLATE_FILES_MAX)
        return template_file_refuse(parser->err, parser->file, tag->begin, "more than %d files",
                                    TEMPLATE_FILES_MAX);
    struct error why = {0};
    if (template_file_read(parser->dir, &file, &why))
        return template_file_refuse(parser->err, parser->file, tag->begin, "the partial %s: %s",
                                    file.name, why.cause);
    *ret_partial = list->count;
    list->files[list->count++] = file;
    return ERROR_NONE;
}

static enum error_code add_partial(struct parser *parser, const struct template_tag *tag)
{
    unsigned partial = 0;
    enum error_code code = find_partial(parser, tag, &partial);
    if (!code)
        code = add_node(parser, TEMPLATE_NODE_PARTIAL, tag->indentation);
    if (code)
        return code;
    struct template_node *node = &parser->file->nodes[parser->file->count - 1];
    node->partial = partial;
    node->standalone = tag->standalone;
    return ERROR_NONE;
}

static enum error_code add_tag(struct parser *parser, const struct template_tag *tag)
{
    switch (tag->sigil) {
    case '#':
    case '^': return open_section(parser, tag);
    case '/': return close_section(parser, tag);
    case '>': return add_partial(parser, tag);
    case '!': return ERROR_NONE;
    default: return add_node(parser, TEMPLATE_NODE_VARIABLE, tag->name);
    }
}

/* Compiles the text before the next tag, and the tag. */
static enum error_code parse_next(struct parser *parser)
{
    const struct template_file *file = parser->file;
    const char *open = memmem(file->source + parser->at, file->len - parser->at, "{{", 2);
    if (!open)
        return add_text(parser, file->len);
    struct template_tag tag = {0};
    enum error_code code =
        template_tag_read(file, (size_t)(open - file->source), &tag, parser->err);
    if (!code)
        code = add_text(parser, tag.begin);
    if (!code && !tag.standalone)
        code = begin_line(parser);
    if (!code)
        code = add_tag(parser, &tag);
    parser->at = tag.end;
    return code;
}

enum error_code template_parser_compile(struct template_file_list *list, unsigned number,
                                        const char *dir, struct error *err)
{
    struct parser parser = {
        .list = list, .file = &list->files[number], .dir = dir, .at_line_start = true, .err = err};
    while (parser.at < parser.file->len) {
        enum error_code code = parse_next(&parser);
        if (code)
            return code;
    }
    if (parser.depth == 0)
        return ERROR_NONE;
    const struct template_node *node = &parser.file->nodes[parser.open[parser.depth - 1]];
    return template_file_refuse(
        err, parser.file, parser.opened_at[parser.depth - 1], "{{%c%.*s}} is not closed",
        node->kind == TEMPLATE_NODE_SECTION ? '#' : '^', (int)node->string.len, node->string.data);
}
