/*
 * Loading finds the faults of a template; the walk bounds what only the data decides: the depth of
 * the partials, the steps and the length. It allocates only the buffer: the context, the
 * indentation and the place in the recursion are links on the C stack, whose depth is bounded by
 * the nesting of sections in a file and of partials in a page.
 */
#include "template_renderer.h"

#include "template_escape.h"

#include <string.h>

struct rendering {
    const struct template_file_list *list;
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
    struct template_span blanks;
    const struct indentation *outer;
};

/* Where in the recursion the renderer is. */
struct scope {
    const struct template_file *file;
    const struct frame *top;
    const struct indentation *indentation; /* NULL: none */
    unsigned partial_depth;
};

static enum error_code render_nodes(struct rendering *rendering, struct scope scope, size_t begin,
                                    size_t end);

static const json_t *look_up(struct template_span name, const struct frame *top)
{
    if (name.data[0] == '.')
        return top->value;
    const char *dot = memchr(name.data, '.', name.len);
    size_t len = dot ? (size_t)(dot - name.data) : name.len;
    const json_t *found = NULL;
    for (const struct frame *frame = top; frame && !found; frame = frame->below)
        found = json_object_getn(frame->value, name.data, len);
    while (found && len < name.len) {
        name = (struct template_span){name.data + len + 1, name.len - len - 1};
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

static void render_value(struct buffer *out, const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        template_escape(out, json_string_value(value), json_string_length(value));
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
                         rendering->list->files[0].name, TEMPLATE_STEPS_MAX);
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
    const struct template_node *node = &scope.file->nodes[section];
    const json_t *value = look_up(node->string, scope.top);
    if (is_truthy(value) != (node->kind == TEMPLATE_NODE_SECTION))
        return ERROR_NONE;
    if (node->kind == TEMPLATE_NODE_INVERTED)
        return render_nodes(rendering, scope, section + 1, node->end);
    if (!json_is_array(value))
        return render_body(rendering, scope, section, value);
    enum error_code code = ERROR_NONE;
    for (size_t i = 0; i < json_array_size(value) && !code; i++)
        code = render_body(rendering, scope, section, json_array_get(value, i));
    return code;
}

static enum error_code render_partial(struct rendering *rendering, struct scope scope,
                                      const struct template_node *node)
{
    const struct template_file *file = &rendering->list->files[node->partial];
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
        const struct template_node *node = &scope.file->nodes[i];
        code = count_step(rendering);
        if (code)
            break;
        switch (node->kind) {
        case TEMPLATE_NODE_LINE: indent(rendering->out, scope.indentation); break;
        case TEMPLATE_NODE_TEXT:
            buffer_append(rendering->out, node->string.data, node->string.len);
            break;
        case TEMPLATE_NODE_VARIABLE:
            render_value(rendering->out, look_up(node->string, scope.top));
            break;
        case TEMPLATE_NODE_SECTION:
        case TEMPLATE_NODE_INVERTED: code = render_section(rendering, scope, i); break;
        case TEMPLATE_NODE_PARTIAL: code = render_partial(rendering, scope, node); break;
        }
        if (!code && rendering->out->failed)
            code = error_because(rendering->err, ERROR_INTERNAL,
                                 "%s: over %zu bytes rendered, or out of memory",
                                 rendering->list->files[0].name, rendering->out->max);
    }
    return code;
}

enum error_code template_renderer_run(const struct template_file_list *list, const json_t *context,
                                      struct buffer *out, struct error *err)
{
    struct rendering rendering = {.list = list, .out = out, .err = err};
    struct frame frame = {context, NULL};
    struct scope scope = {.file = &list->files[0], .top = &frame};
    return render_nodes(&rendering, scope, 0, scope.file->count);
}
