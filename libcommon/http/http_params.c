/*
 * A route's path and a request's path that matched are walked side by side; the named segments are
 * copied.
 */
#include "http_params.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

static size_t segment_len(const char *segment)
{
    return strcspn(segment, "/");
}

static char *segment_value(const char *segment, size_t len)
{
    char *value = malloc(len + 1);
    if (!value)
        return NULL;
    size_t decoded = text_percent_decode(segment, len, value);
    if (memchr(value, '\0', decoded) || !text_valid_utf8(value, decoded)) {
        memcpy(value, segment, len);
        decoded = len;
    }
    value[decoded] = '\0';
    return value;
}

void http_params_fini(struct http_params *params)
{
    for (size_t i = 0; i < params->count; i++)
        free(params->values[i]);
    *params = (struct http_params){0};
}

const char *http_params_get(const struct http_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        size_t len = segment_len(params->names[i]);
        if (strlen(name) == len && memcmp(params->names[i], name, len) == 0)
            return params->values[i];
    }
    return NULL;
}

static bool add_param(struct http_params *params, const char *name, const char *segment)
{
    char *value = segment_value(segment, segment_len(segment));
    if (!value)
        return false;
    params->names[params->count] = name;
    params->values[params->count++] = value;
    return true;
}

bool http_params_read(const struct http_route *route, const char *path,
                      struct http_params *ret_params)
{
    const char *pattern = route->path;
    struct http_params params = {0};
    bool good = true;
    while (good && *pattern == '/') {
        pattern++;
        path++;
        if (*pattern == ':' && params.count < HTTP_PARAMS_MAX)
            good = add_param(&params, pattern + 1, path);
        pattern += segment_len(pattern);
        path += segment_len(path);
    }
    if (good)
        *ret_params = params;
    else
        http_params_fini(&params);
    return good;
}
