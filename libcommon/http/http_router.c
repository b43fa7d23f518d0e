/*
 * A route's path and a request's path are walked side by side, segment by segment; the named ones
 * are copied once it has matched. With a dozen routes of at most four segments a table walk
 * is faster than any index, and the order of the table is the precedence.
 */
#include "http_router.h"

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

static bool segment_matches(const char *pattern, const char *segment)
{
    size_t len = segment_len(segment);
    if (pattern[0] == ':')
        return len > 0;
    return len == segment_len(pattern) && memcmp(pattern, segment, len) == 0;
}

static bool path_matches(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        if (!segment_matches(pattern, path))
            return false;
        pattern += segment_len(pattern);
        path += segment_len(path);
    }
    return *pattern == '\0' && *path == '\0';
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

const struct http_route *http_router_match(const struct http_route *routes, size_t route_count,
                                           const char *path)
{
    for (size_t i = 0; i < route_count; i++)
        if (path_matches(routes[i].path, path))
            return &routes[i];
    return NULL;
}
