/*
 * Makes values harmless for a terminal and a log. The callers, who know where a value comes from,
 * decide whether it may be shown.
 */
#include "settings_refusal.h"

#include <stdarg.h>
#include <string.h>

/* Bytes of a wrong value that are shown. */
enum { VALUE_SHOWN_MAX = 80 };

/* Printable ASCII as it is and the rest escaped. */
static void print_quoted(FILE *err, const char *value)
{
    fputc('"', err);
    for (size_t i = 0; i < VALUE_SHOWN_MAX && value[i]; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte == '"' || byte == '\\')
            fprintf(err, "\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            fprintf(err, "\\x%02x", byte);
        else
            fputc(byte, err);
    }
    fputs(strlen(value) > VALUE_SHOWN_MAX ? "…\"" : "\"", err);
}

void settings_refusal_rule(FILE *err, const struct settings_program *program, const char *name,
                           const char *value, const char *rule_format, ...)
{
    fprintf(err, "%s: %s: ", program->name, name);
    if (value)
        print_quoted(err, value);
    else
        fputs("the value", err);
    fputs(" is not ", err);
    va_list args;
    va_start(args, rule_format);
    vfprintf(err, rule_format, args);
    va_end(args);
    fputc('\n', err);
}

enum settings_outcome settings_refusal_line(FILE *err, const struct settings_program *program,
                                            const char *subject, const char *value,
                                            const char *rest)
{
    fprintf(err, "%s: %s", program->name, subject);
    if (value)
        print_quoted(err, value);
    fprintf(err, "%s\n", rest);
    return SETTINGS_INVALID;
}
