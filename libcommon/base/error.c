/*
 * The error list as a table, and the two texts of a struct error. http_problem.c makes the HTTP
 * answer; this file knows no HTTP beyond the status number.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_facts {
    int status;
    const char *type;
    const char *title;
    const char *detail;
};

static const struct error_facts facts[ERROR_COUNT] = {[ERROR_NONE] = {200, "", "", ""},
#define ERROR_FACTS(code, status, type, title, detail)                                             \
    [ERROR_##code] = {status, ERROR_TYPE_PREFIX type, title, detail},
                                                      ERROR_LIST(ERROR_FACTS)
#undef ERROR_FACTS
};

enum error_code error_set(struct error *err, enum error_code code, const char *detail_format, ...)
{
    if (err) {
        va_list args;
        va_start(args, detail_format);
        vsnprintf(err->detail, sizeof err->detail, detail_format, args);
        va_end(args);
    }
    return code;
}

enum error_code error_because(struct error *err, enum error_code code, const char *cause_format,
                              ...)
{
    if (err) {
        va_list args;
        va_start(args, cause_format);
        vsnprintf(err->cause, sizeof err->cause, cause_format, args);
        va_end(args);
    }
    return code;
}

int error_status(enum error_code code)
{
    return facts[code].status;
}

const char *error_type(enum error_code code)
{
    return facts[code].type;
}

const char *error_title(enum error_code code)
{
    return facts[code].title;
}

const char *error_detail(enum error_code code, const struct error *err)
{
    return err && err->detail[0] ? err->detail : facts[code].detail;
}

enum error_code error_from_type(const char *type)
{
    for (enum error_code code = ERROR_NONE + 1; code < ERROR_COUNT; code++)
        if (strcmp(facts[code].type, type) == 0)
            return code;
    return ERROR_NONE;
}
