/*
 * A route's path and a request's path are walked side by side, segment by segment. With a dozen
 * routes of at most four segments a table walk is faster than any index, and the order of the table
 * is the precedence.
 */
#include "http_router.h"

#include <string.h>

static size_t segment_len(const char *segment)
{
    return strcspn(segment, "/");
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

const struct http_route *http_router_match(const struct http_route *routes, size_t route_count,
                                           const char *path)
{
    for (size_t i = 0; i < route_count; i++)
        if (path_matches(routes[i].path, path))
            return &routes[i];
    return NULL;
}
