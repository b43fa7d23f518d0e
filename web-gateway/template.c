/*
 * The Mustache engine, in three parts that can be read apart: the parser (one file's source to one
 * flat array of nodes, a section knowing the index behind its end), the loader (a file and, from a
 * growing list, the partials it names), and the renderer (a walk over the nodes).
 *
 * All that can be wrong with a template is found at the load, so that a page either starts or names
 * its line. What only the data decides, how deep partials recurse and how long it gets, is bounded
 * while rendering.
 *
 * The specification indents a standalone partial by putting its tag's indentation before each line
 * of the partial's source. The source is shared here by all who include it, so each line begins
 * with a NODE_LINE instead, where the renderer writes the indentation in force.
 */
#include "template.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_NODES = 64, REASON_SIZE = 192 };

enum node_kind {
    NODE_LINE,
    NODE_TEXT,     /* string: the bytes */
    NODE_VARIABLE, /* string: the name; so for the sections */
    NODE_SECTION,
    NODE_INVERTED,
    NODE_PARTIAL /* string: the indentation */
};

/* Bytes of a source, not ended by a NUL. */
struct span {
    const char *data;
    size_t len;
};

struct node {
    enum node_kind kind;
    unsigned partial; /* the file that a NODE_PARTIAL includes */
    bool standalone;  /* a NODE_PARTIAL that has its line to itself, and indents */
    struct span string;
    size_t end; /* the index behind this node and all that it contains */
};

struct file {
    char name[TEMPLATE_NAME_MAX + sizeof ".html"];
    char *source;
    size_t len;
    struct node *nodes;
    size_t count, capacity;
};

struct template
{
    struct file files[TEMPLATE_FILES_MAX]; /* the first is the template, the others its partials */
    unsigned file_count;
};

/* ---- the parser ---- */

struct parser {
    struct template *template;
    const char *dir; /* of the partials */
    struct file *file;
    size_t at;                              /* all before is compiled */
    bool at_line_start;                     /* the next node is the first of its line */
    size_t open[TEMPLATE_NESTING_MAX];      /* the nodes of the open sections */
    size_t opened_at[TEMPLATE_NESTING_MAX]; /* where their tags are */
    unsigned depth;
    struct error *err;
};

struct tag {
    size_t begin, end; /* in the source, delimiters included */
    char sigil;        /* # ^ / > ! or, for a variable, NUL */
    struct span name;
    struct span indentation; /* where it stands alone */
    bool standalone;
};

static size_t line_of(const struct file *file, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += file->source[i] == '\n';
    return line;
}

/* Says why the source is refused, and the line. */
__attribute__((format(printf, 3, 4))) static enum error_code
refuse(const struct parser *parser, size_t at, const char *reason_format, ...)
{
    char reason[REASON_SIZE];
    va_list args;
    va_start(args, reason_format);
    vsnprintf(reason, sizeof reason, reason_format, args);
    va_end(args);
    return error_because(parser->err, ERROR_INTERNAL, "%s:%zu: %s", parser->file->name,
                         line_of(parser->file, at), reason);
}

static enum error_code out_of_memory(struct error *err)
{
    return error_because(err, ERROR_INTERNAL, "out of memory for the template");
}

static enum error_code add_node(struct parser *parser, enum node_kind kind, struct span string)
{
    struct file *file = parser->file;
    if (file->count == file->capacity) {
        size_t capacity = file->capacity ? file->capacity * 2 : INITIAL_NODES;
        struct node *nodes = realloc(file->nodes, capacity * sizeof *nodes);
        if (!nodes)
            return out_of_memory(parser->err);
        file->nodes = nodes;
        file->capacity = capacity;
    }
    file->nodes[file->count] =
        (struct node){.kind = kind, .string = string, .end = file->count + 1};
    file->count++;
    return ERROR_NONE;
}

/* Before what a line begins with. */
static enum error_code begin_line(struct parser *parser)
{
    if (!parser->at_line_start)
        return ERROR_NONE;
    parser->at_line_start = false;
    return add_node(parser, NODE_LINE, (struct span){"", 0});
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
            code = add_node(parser, NODE_TEXT, (struct span){text, len});
        if (code)
            return code;
        parser->at += len;
        parser->at_line_start = newline != NULL;
    }
    return ERROR_NONE;
}

/* What the language has and this engine refuses, by the byte behind {{. NULL for all else. */
static const char *unsupported(char sigil)
{
    switch (sigil) {
    case '{': return "{{{ is not supported: variables are always escaped";
    case '&': return "{{& is not supported: variables are always escaped";
    case '=': return "{{= is not supported: the delimiters are always {{ and }}";
    case '<': return "{{< is not supported: use a partial, there is no inheritance";
    case '$': return "{{$ is not supported: use a partial, there is no inheritance";
    default: return NULL;
    }
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_space(char byte)
{
    return is_blank(byte) || byte == '\r' || byte == '\n';
}

static struct span trim(struct span span)
{
    while (span.len && is_space(span.data[0]))
        span = (struct span){span.data + 1, span.len - 1};
    while (span.len && is_space(span.data[span.len - 1]))
        span.len--;
    return span;
}

static bool is_lower_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte == '-';
}

static bool is_partial_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_lower_name_byte(name.data[i]))
            return false;
    return name.len > 0 && name.len <= TEMPLATE_NAME_MAX;
}

/* Parts of A-Z a-z 0-9 _ - with single dots between, or one dot alone. */
static bool is_name(struct span name)
{
    if (name.len == 1 && name.data[0] == '.')
        return true;
    bool part_is_empty = true;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        if (byte == '.' ? part_is_empty
                        : !is_lower_name_byte(byte) && !(byte >= 'A' && byte <= 'Z'))
            return false;
        part_is_empty = byte == '.';
    }
    return !part_is_empty && name.len <= TEMPLATE_NAME_MAX;
}

/* Whether the tag has its line to itself; then it takes the whole line, its end included. */
static void find_standalone(const struct file *file, struct tag *tag)
{
    size_t begin = tag->begin;
    while (begin > 0 && is_blank(file->source[begin - 1]))
        begin--;
    size_t end = tag->end;
    while (end < file->len && is_blank(file->source[end]))
        end++;
    if (begin > 0 && file->source[begin - 1] != '\n')
        return;
    if (end + 1 < file->len && file->source[end] == '\r' && file->source[end + 1] == '\n')
        end++;
    if (end < file->len && file->source[end] != '\n')
        return;
    tag->standalone = true;
    tag->indentation = (struct span){file->source + begin, tag->begin - begin};
    tag->begin = begin;
    tag->end = end < file->len ? end + 1 : end;
}

/* Reads the tag whose {{ is at `begin`. */
static enum error_code read_tag(const struct parser *parser, size_t begin, struct tag *ret_tag)
{
    const struct file *file = parser->file;
    size_t content = begin + 2;
    char sigil = '\0';
    if (content < file->len)
        sigil = file->source[content];
    if (unsupported(sigil))
        return refuse(parser, begin, "%s", unsupported(sigil));
    if (sigil && strchr("#^/>!", sigil))
        content++;
    else
        sigil = '\0';
    const char *close = memmem(file->source + content, file->len - content, "}}", 2);
    if (!close)
        return refuse(parser, begin, "{{ is not closed");
    size_t close_at = (size_t)(close - file->source);
    struct tag tag = {.begin = begin, .end = close_at + 2, .sigil = sigil};
    tag.name = trim((struct span){file->source + content, close_at - content});
    if (sigil == '>' && !is_partial_name(tag.name))
        return refuse(parser, begin, "a partial's name is 1 to %d of a-z, 0-9, _ and -",
                      TEMPLATE_NAME_MAX);
    if (sigil != '>' && sigil != '!' && !is_name(tag.name))
        return refuse(parser, begin,
                      "a name is a dot, or parts of A-Z, a-z, 0-9, _ and - with a dot between, "
                      "at most %d in all",
                      TEMPLATE_NAME_MAX);
    if (sigil)
        find_standalone(file, &tag);
    *ret_tag = tag;
    return ERROR_NONE;
}

static enum error_code open_section(struct parser *parser, const struct tag *tag)
{
    if (parser->depth == TEMPLATE_NESTING_MAX)
        return refuse(parser, tag->begin, "more than %d sections within each other",
                      TEMPLATE_NESTING_MAX);
    parser->open[parser->depth] = parser->file->count;
    parser->opened_at[parser->depth] = tag->begin;
    parser->depth++;
    return add_node(parser, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED, tag->name);
}

static enum error_code close_section(struct parser *parser, const struct tag *tag)
{
    if (parser->depth == 0)
        return refuse(parser, tag->begin, "{{/%.*s}} closes nothing", (int)tag->name.len,
                      tag->name.data);
    parser->depth--;
    struct node *node = &parser->file->nodes[parser->open[parser->depth]];
    if (node->string.len != tag->name.len ||
        memcmp(node->string.data, tag->name.data, tag->name.len) != 0)
        return refuse(parser, tag->begin, "{{/%.*s}} cannot close {{%c%.*s}} of line %zu",
                      (int)tag->name.len, tag->name.data, node->kind == NODE_SECTION ? '#' : '^',
                      (int)node->string.len, node->string.data,
                      line_of(parser->file, parser->opened_at[parser->depth]));
    node->end = parser->file->count;
    return ERROR_NONE;
}

/* Fills in the source of `file`. On failure *ret_reason says why. */
static bool read_source(const char *dir, struct file *file, const char **ret_reason)
{
    CLEANUP_FINI(buffer_fini) struct buffer path;
    buffer_init(&path, PATH_MAX);
    buffer_append_format(&path, "%s/%s", dir, file->name);
    FILE *stream = path.failed ? NULL : fopen(path.data, "re");
    *ret_reason = path.failed ? "its path is too long" : strerror(errno);
    if (!stream)
        return false;
    char *source = malloc(TEMPLATE_FILE_MAX + 1);
    size_t len = source ? fread(source, 1, TEMPLATE_FILE_MAX + 1, stream) : 0;
    bool failed = !source || ferror(stream);
    *ret_reason = failed ? strerror(errno) : "the file is too large";
    fclose(stream);
    /* exactly as long as the file: most are far below the limit, and a sanitizer sees the end */
    char *exact = source ? realloc(source, len ? len : 1) : NULL;
    file->source = exact ? exact : source;
    file->len = len;
    return !failed && len <= TEMPLATE_FILE_MAX;
}

/* The index of the partial that `tag` names, which is read and put on the list if it is new. */
static enum error_code find_partial(struct parser *parser, const struct tag *tag,
                                    unsigned *ret_partial)
{
    struct template *template = parser->template;
    struct file file = {0};
    snprintf(file.name, sizeof file.name, "%.*s.html", (int)tag->name.len, tag->name.data);
    for (unsigned i = 0; i < template->file_count; i++) {
        *ret_partial = i;
        if (strcmp(template->files[i].name, file.name) == 0)
            return ERROR_NONE;
    }
    if (template->file_count == TEMPLATE_FILES_MAX)
        return refuse(parser, tag->begin, "more than %d files", TEMPLATE_FILES_MAX);
    const char *reason;
    bool was_read = read_source(parser->dir, &file, &reason);
    *ret_partial = template->file_count;
    template->files[template->file_count++] = file;
    return was_read ? ERROR_NONE
                    : refuse(parser, tag->begin, "the partial %s: %s", file.name, reason);
}

static enum error_code add_partial(struct parser *parser, const struct tag *tag)
{
    unsigned partial = 0;
    enum error_code code = find_partial(parser, tag, &partial);
    if (!code)
        code = add_node(parser, NODE_PARTIAL, tag->indentation);
    if (code)
        return code;
    struct node *node = &parser->file->nodes[parser->file->count - 1];
    node->partial = partial;
    node->standalone = tag->standalone;
    return ERROR_NONE;
}

static enum error_code add_tag(struct parser *parser, const struct tag *tag)
{
    switch (tag->sigil) {
    case '#':
    case '^': return open_section(parser, tag);
    case '/': return close_section(parser, tag);
    case '>': return add_partial(parser, tag);
    case '!': return ERROR_NONE;
    default: return add_node(parser, NODE_VARIABLE, tag->name);
    }
}

/* Compiles the text before the next tag, and the tag. */
static enum error_code parse_next(struct parser *parser)
{
    const struct file *file = parser->file;
    const char *open = memmem(file->source + parser->at, file->len - parser->at, "{{", 2);
    if (!open)
        return add_text(parser, file->len);
    struct tag tag = {0};
    enum error_code code = read_tag(parser, (size_t)(open - file->source), &tag);
    if (!code)
        code = add_text(parser, tag.begin);
    if (!code && !tag.standalone)
        code = begin_line(parser);
    if (!code)
        code = add_tag(parser, &tag);
    parser->at = tag.end;
    return code;
}

static enum error_code parse(struct template *template, unsigned file, const char *dir,
                             struct error *err)
{
    struct parser parser = {.template = template,
                            .file = &template->files[file],
                            .dir = dir,
                            .at_line_start = true,
                            .err = err};
    while (parser.at < parser.file->len) {
        enum error_code code = parse_next(&parser);
        if (code)
            return code;
    }
    if (parser.depth == 0)
        return ERROR_NONE;
    const struct node *node = &parser.file->nodes[parser.open[parser.depth - 1]];
    return refuse(&parser, parser.opened_at[parser.depth - 1], "{{%c%.*s}} is not closed",
                  node->kind == NODE_SECTION ? '#' : '^', (int)node->string.len, node->string.data);
}

/* ---- the loader ---- */

void template_free(struct template *template)
{
    if (!template)
        return;
    for (unsigned i = 0; i < template->file_count; i++) {
        free(template->files[i].source);
        free(template->files[i].nodes);
    }
    free(template);
}

enum error_code template_load(const char *dir, const char *name, struct template **ret_template,
                              struct error *err)
{
    enum error_code code = ERROR_INTERNAL;
    const char *reason = "the name is too long";
    struct template *template = calloc(1, sizeof *template);
    if (!template)
        return out_of_memory(err);
    struct file *file = &template->files[template->file_count++];
    int len = snprintf(file->name, sizeof file->name, "%s", name);
    if (len < 0 || (size_t)len >= sizeof file->name || !read_source(dir, file, &reason)) {
        error_because(err, code, "%s/%s: %s", dir, name, reason);
        goto fail;
    }
    for (unsigned i = 0; i < template->file_count; i++) { /* the list grows as it goes */
        code = parse(template, i, dir, err);
        if (code)
            goto fail;
    }
    *ret_template = template;
    return ERROR_NONE;
fail:
    template_free(template);
    return code;
}

/* ---- the renderer ---- */

struct rendering {
    const struct template *template;
    struct buffer *out;
    size_t steps;
    struct error *err;
};

/* The context stack, the top first. */
struct frame {
    const json_t *value;
    const struct frame *below;
};

/* What each line is indented by, the innermost partial's first. */
struct indentation {
    struct span blanks;
    const struct indentation *outer;
};

/* Where in the recursion the renderer is. */
struct scope {
    const struct file *file;
    const struct frame *top;
    const struct indentation *indentation; /* NULL: none */
    unsigned partial_depth;
};

static enum error_code render_nodes(struct rendering *rendering, struct scope scope, size_t begin,
                                    size_t end);

static const json_t *look_up(struct span name, const struct frame *top)
{
    if (name.data[0] == '.')
        return top->value;
    const char *dot = memchr(name.data, '.', name.len);
    size_t len = dot ? (size_t)(dot - name.data) : name.len;
    const json_t *found = NULL;
    for (const struct frame *frame = top; frame && !found; frame = frame->below)
        found = json_object_getn(frame->value, name.data, len);
    while (found && len < name.len) {
        name = (struct span){name.data + len + 1, name.len - len - 1};
        dot = memchr(name.data, '.', name.len);
        len = dot ? (size_t)(dot - name.data) : name.len;
        found = json_object_getn(found, name.data, len);
    }
    return found;
}

static bool is_truthy(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_STRING: return json_string_length(value) > 0;
    case JSON_INTEGER: return json_integer_value(value) != 0;
    case JSON_REAL: return json_real_value(value) < 0 || json_real_value(value) > 0;
    case JSON_ARRAY: return json_array_size(value) > 0;
    default: return true;
    }
}

static const char *entity(char byte)
{
    switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static void append_escaped(struct buffer *out, const char *text, size_t len)
{
    size_t plain = 0; /* where the run of bytes that need no escape began */
    for (size_t i = 0; i < len; i++) {
        if (!entity(text[i]))
            continue;
        buffer_append(out, text + plain, i - plain);
        buffer_append_string(out, entity(text[i]));
        plain = i + 1;
    }
    buffer_append(out, text + plain, len - plain);
}

static void render_value(struct buffer *out, const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        append_escaped(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buffer_append_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL: buffer_append_format(out, "%.15g", json_real_value(value)); break;
    case JSON_TRUE: buffer_append_string(out, "true"); break;
    case JSON_FALSE: buffer_append_string(out, "false"); break;
    default: break;
    }
}

static void indent(struct buffer *out, const struct indentation *indentation)
{
    if (!indentation)
        return;
    indent(out, indentation->outer);
    buffer_append(out, indentation->blanks.data, indentation->blanks.len);
}

static enum error_code count_step(struct rendering *rendering)
{
    if (rendering->steps++ < TEMPLATE_STEPS_MAX)
        return ERROR_NONE;
    return error_because(rendering->err, ERROR_INTERNAL, "%s: more than %d steps to render",
                         rendering->template->files[0].name, TEMPLATE_STEPS_MAX);
}

/* The section's body, with `value` on top of the context. */
static enum error_code render_body(struct rendering *rendering, struct scope scope, size_t section,
                                   const json_t *value)
{
    struct frame frame = {value, scope.top};
    scope.top = &frame;
    enum error_code code = count_step(rendering);
    return code ? code
                : render_nodes(rendering, scope, section + 1, scope.file->nodes[section].end);
}

static enum error_code render_section(struct rendering *rendering, struct scope scope,
                                      size_t section)
{
    const struct node *node = &scope.file->nodes[section];
    const json_t *value = look_up(node->string, scope.top);
    if (is_truthy(value) != (node->kind == NODE_SECTION))
        return ERROR_NONE;
    if (node->kind == NODE_INVERTED)
        return render_nodes(rendering, scope, section + 1, node->end);
    if (!json_is_array(value))
        return render_body(rendering, scope, section, value);
    enum error_code code = ERROR_NONE;
    for (size_t i = 0; i < json_array_size(value) && !code; i++)
        code = render_body(rendering, scope, section, json_array_get(value, i));
    return code;
}

static enum error_code render_partial(struct rendering *rendering, struct scope scope,
                                      const struct node *node)
{
    const struct file *file = &rendering->template->files[node->partial];
    if (scope.partial_depth == TEMPLATE_PARTIAL_DEPTH_MAX)
        return error_because(rendering->err, ERROR_INTERNAL,
                             "%s: more than %d partials within each other", file->name,
                             TEMPLATE_PARTIAL_DEPTH_MAX);
    struct indentation indentation = {node->string, scope.indentation};
    scope.indentation = node->standalone ? &indentation : NULL;
    scope.file = file;
    scope.partial_depth++;
    return render_nodes(rendering, scope, 0, file->count);
}

static enum error_code render_nodes(struct rendering *rendering, struct scope scope, size_t begin,
                                    size_t end)
{
    enum error_code code = ERROR_NONE;
    for (size_t i = begin; i < end && !code; i = scope.file->nodes[i].end) {
        const struct node *node = &scope.file->nodes[i];
        code = count_step(rendering);
        if (code)
            break;
        switch (node->kind) {
        case NODE_LINE: indent(rendering->out, scope.indentation); break;
        case NODE_TEXT: buffer_append(rendering->out, node->string.data, node->string.len); break;
        case NODE_VARIABLE: render_value(rendering->out, look_up(node->string, scope.top)); break;
        case NODE_SECTION:
        case NODE_INVERTED: code = render_section(rendering, scope, i); break;
        case NODE_PARTIAL: code = render_partial(rendering, scope, node); break;
        }
        if (!code && rendering->out->failed)
            code = error_because(rendering->err, ERROR_INTERNAL,
                                 "%s: over %zu bytes rendered, or out of memory",
                                 rendering->template->files[0].name, rendering->out->max);
    }
    return code;
}

enum error_code template_render(const struct template *template, const json_t *context,
                                struct buffer *out, struct error *err)
{
    struct rendering rendering = {.template = template, .out = out, .err = err};
    struct frame frame = {context, NULL};
    struct scope scope = {.file = &template->files[0], .top = &frame};
    return render_nodes(&rendering, scope, 0, scope.file->count);
}
