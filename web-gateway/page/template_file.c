/*
 * Reading of template files, and refusing of them with the line at fault. What a source means is
 * left to template_tag.c and template_parser.c; they refuse, and count lines, through here.
 */
#include "template_file.h"

#include "buffer.h"
#include "cleanup.h"
#include "file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { REASON_SIZE = 192 };

void template_file_list_fini(struct template_file_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        free(list->files[i].source);
        free(list->files[i].nodes);
    }
}

enum error_code template_file_read(const char *dir, struct template_file *file, struct error *err)
{
    CLEANUP_FINI(buffer_fini) struct buffer path;
    buffer_init(&path, PATH_MAX);
    buffer_append_format(&path, "%s/%s", dir, file->name);
    if (path.failed)
        return error_because(err, ERROR_INTERNAL, "its path is too long");
    return file_read(path.data, TEMPLATE_FILE_MAX, &file->source, &file->len, err);
}

size_t template_file_line(const struct template_file *file, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += file->source[i] == '\n';
    return line;
}

enum error_code template_file_refuse(struct error *err, const struct template_file *file, size_t at,
                                     const char *reason_format, ...)
{
    char reason[REASON_SIZE];
    va_list args;
    va_start(args, reason_format);
    vsnprintf(reason, sizeof reason, reason_format, args);
    va_end(args);
    return error_because(err, ERROR_INTERNAL, "%s:%zu: %s", file->name,
                         template_file_line(file, at), reason);
}
