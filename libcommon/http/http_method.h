/*
 * The HTTP methods that the services know. One list: routing, the Allow header, the checks of
 * whoever changes something, and the metrics all go by it.
 */
#ifndef TEMPMESSENGER_HTTP_METHOD_H
#define TEMPMESSENGER_HTTP_METHOD_H

#include <stdbool.h>

/* X(method, whether it changes something) */
#define HTTP_METHOD_LIST(X)                                                                        \
    X(GET, false)                                                                                  \
    X(HEAD, false)                                                                                 \
    X(POST, true)                                                                                  \
    X(PUT, true)                                                                                   \
    X(DELETE, true)                                                                                \
    X(OPTIONS, false)

enum http_method {
#define HTTP_METHOD_ENUM(method, changes) HTTP_##method,
    HTTP_METHOD_LIST(HTTP_METHOD_ENUM)
#undef HTTP_METHOD_ENUM
        HTTP_METHODS,
    HTTP_OTHER = HTTP_METHODS, /* none of them */
};

/* The method of this name, which is matched to the letter (RFC 9110, 9.1), or HTTP_OTHER. */
enum http_method http_method_of(const char *name);

/* "GET"; of HTTP_OTHER "other". */
const char *http_method_name(enum http_method method);

/* Whether a request of this method changes something, so that its sender is checked. */
bool http_method_changes(enum http_method method);

#endif
