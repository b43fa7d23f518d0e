/*
 * The Mustache engine's front: loading, which is reading (here) and compiling (template_parser.c
 * with template_tag.c) a file and, from a list that grows, the partials it names; and freeing.
 * Rendering is all in template_renderer.c.
 *
 * All that can be wrong with a template is found at the load, so that a page either starts or names
 * its line.
 */
#include "template_internal.h"

#include "file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

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

enum error_code template_read_file(const char *dir, struct template_file *file, struct error *err)
{
    CLEANUP_FINI(buffer_fini) struct buffer path;
    buffer_init(&path, PATH_MAX);
    buffer_append_format(&path, "%s/%s", dir, file->name);
    if (path.failed)
        return error_because(err, ERROR_INTERNAL, "its path is too long");
    return file_read(path.data, TEMPLATE_FILE_MAX, &file->source, &file->len, err);
}

/* Makes the file called `name` the template's first. */
static enum error_code read_first(struct template *template, const char *dir, const char *name,
                                  struct error *err)
{
    struct template_file *file = &template->files[template->file_count++];
    struct error why = {0};
    int len = snprintf(file->name, sizeof file->name, "%s", name);
    if (len < 0 || (size_t)len >= sizeof file->name)
        return error_because(err, ERROR_INTERNAL, "%s/%s: the name is too long", dir, name);
    if (template_read_file(dir, file, &why))
        return error_because(err, ERROR_INTERNAL, "%s/%s: %s", dir, name, why.cause);
    return ERROR_NONE;
}

enum error_code template_load(const char *dir, const char *name, struct template **ret_template,
                              struct error *err)
{
    struct template *template = calloc(1, sizeof *template);
    if (!template)
        return error_because(err, ERROR_INTERNAL, "out of memory for the template");
    enum error_code code = read_first(template, dir, name, err);
    for (unsigned i = 0; i < template->file_count && !code; i++) /* the list grows as it goes */
        code = template_parse(template, i, dir, err);
    if (code) {
        template_free(template);
        return code;
    }
    *ret_template = template;
    return ERROR_NONE;
}
