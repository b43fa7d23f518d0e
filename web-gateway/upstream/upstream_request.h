/*
 * A request to the message service as libcurl takes it: what all requests have in common, whether
 * they are calls or feeds. Method, body, timeouts and what is done with the answer are the
 * caller's.
 */
#ifndef TEMPMESSENGER_UPSTREAM_REQUEST_H
#define TEMPMESSENGER_UPSTREAM_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    UPSTREAM_REQUEST_PATH_SIZE = 192,  /* the longest path, NUL included */
    UPSTREAM_REQUEST_VALUE_SIZE = 512, /* of a header of the answer, NUL included */
};

/* Where requests go. */
struct upstream_request_target {
    const char *url;   /* of the message service, no slash at the end */
    const char *token; /* for Authorization; NULL: none */
};

struct upstream_request {
    CURL *handle;
    struct curl_slist *headers;
};

/* Sets up `handle`, which is borrowed until upstream_request_fini, to GET `path`. False when out
 * of memory or where the URL is too long; the request is then to be given to
 * upstream_request_fini. */
bool upstream_request_init(struct upstream_request *request, CURL *handle,
                           const struct upstream_request_target *target, const char *path,
                           const char *accept) __attribute__((warn_unused_result));

/* An empty value: libcurl does not send this header of its own. False when out of memory or where
 * the header is too long. */
bool upstream_request_add_header(struct upstream_request *request, const char *name,
                                 const char *value) __attribute__((warn_unused_result));

/* Takes a zeroed one. */
void upstream_request_fini(struct upstream_request *request);

/* Whether `line`, of the answer's head, is the header `name` (with the colon); *ret_value is then
 * its value without the space around it. A value that is too long counts as empty. */
bool upstream_request_read_header(const char *line, size_t len, const char *name,
                                  char ret_value[UPSTREAM_REQUEST_VALUE_SIZE]);

#endif
