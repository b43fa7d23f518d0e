/*
 * Tables made from the list; a method that is missing in one of them cannot exist.
 */
#include "http_method.h"

#include <string.h>

static const char *const names[] = {
#define NAME(method, changes) [HTTP_##method] = #method,
    HTTP_METHOD_LIST(NAME)
#undef NAME
        [HTTP_OTHER] = "other",
};

static const bool changing[] = {
#define CHANGES(method, changes) [HTTP_##method] = (changes),
    HTTP_METHOD_LIST(CHANGES)
#undef CHANGES
        [HTTP_OTHER] = false,
};

enum http_method http_method_of(const char *name)
{
    enum http_method method = 0;
    while (method < HTTP_METHODS && strcmp(names[method], name) != 0)
        method++;
    return method;
}

const char *http_method_name(enum http_method method)
{
    return names[method];
}

bool http_method_changes(enum http_method method)
{
    return changing[method];
}
