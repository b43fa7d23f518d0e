/*
 * The named segments of a path. Pure: any thread.
 */
#ifndef TEMPMESSENGER_HTTP_PARAMS_H
#define TEMPMESSENGER_HTTP_PARAMS_H

#include "http_route.h"

#include <stddef.h>

enum { HTTP_PARAMS_MAX = 2 };

/* The named segments of a path, in the route's order. */
struct http_params {
    const char *names[HTTP_PARAMS_MAX]; /* as in the route, behind the ':'; ended by '/' or NUL */
    char *values[HTTP_PARAMS_MAX];      /* owned; NUL-terminated */
    size_t count;
};

void http_params_fini(struct http_params *params);

/* The value of the segment `name`, or NULL. */
const char *http_params_get(const struct http_params *params, const char *name);

/*
 * The named segments of a path that matched `route`, for the caller to free with http_params_fini.
 * A value is percent-decoded where that gives valid UTF-8 without NUL, else it is the segment as it
 * stands. False, with nothing to free, when out of memory.
 */
bool http_params_read(const struct http_route *route, const char *path,
                      struct http_params *ret_params) __attribute__((warn_unused_result));

#endif
