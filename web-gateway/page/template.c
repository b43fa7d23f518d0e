/*
 * The Mustache engine's front. Loading reads a file and compiles it (template_parser.c), then the
 * partials that it names, from a list that grows meanwhile. Rendering is in template_renderer.c.
 *
 * Loading finds every fault of a template, so that a page either starts or names its line.
 */
#include "template.h"

#include "template_parser.h"
#include "template_renderer.h"

#include <stdio.h>
#include <stdlib.h>

struct template
{
    struct template_file_list list;
};

void template_free(struct template *template)
{
    if (template)
        template_file_list_fini(&template->list);
    free(template);
}

/* Makes the file called `name` the template's first. */
static enum error_code read_first(struct template_file_list *list, const char *dir,
                                  const char *name, struct error *err)
{
    struct template_file *file = &list->files[list->count++];
    struct error why = {0};
    int len = snprintf(file->name, sizeof file->name, "%s", name);
    if (len < 0 || (size_t)len >= sizeof file->name)
        return error_because(err, ERROR_INTERNAL, "%s/%s: the name is too long", dir, name);
    if (template_file_read(dir, file, &why))
        return error_because(err, ERROR_INTERNAL, "%s/%s: %s", dir, name, why.cause);
    return ERROR_NONE;
}

enum error_code template_load(const char *dir, const char *name, struct template **ret_template,
                              struct error *err)
{
    struct template *template = calloc(1, sizeof *template);
    if (!template)
        return error_because(err, ERROR_INTERNAL, "out of memory for the template");
    enum error_code code = read_first(&template->list, dir, name, err);
    for (unsigned i = 0; i < template->list.count && !code; i++) /* the list grows as it goes */
        code = template_parser_compile(&template->list, i, dir, err);
    if (code) {
        template_free(template);
        return code;
    }
    *ret_template = template;
    return ERROR_NONE;
}

enum error_code template_render(const struct template *template, const json_t *context,
                                struct buffer *out, struct error *err)
{
    return template_renderer_run(&template->list, context, out, err);
}
