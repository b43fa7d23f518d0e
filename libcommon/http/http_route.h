/*
 * One path and what it does.
 */
#ifndef TEMPMESSENGER_HTTP_ROUTE_H
#define TEMPMESSENGER_HTTP_ROUTE_H

#include "error.h"
#include "http_method.h"

#include <stdbool.h>

struct http_exchange;

/*
 * Answers the exchange and returns ERROR_NONE, or returns an error with nothing answered. A handler
 * runs on an event thread until it asks http_request_may_block, and is called once more, from its
 * beginning, on a thread that may.
 */
typedef enum error_code http_handler(struct http_exchange *exchange, void *service,
                                     struct error *err);

struct http_route {
    /* Segments behind slashes; one that begins with ':' takes any text and names it. */
    const char *path;
    /* By enum http_method. GET serves HEAD too, OPTIONS is the server's own; a method without a
     * handler is answered 405. */
    http_handler *handlers[HTTP_METHODS];
    /* Answers an error in the place of the problem document, and returns true; or returns false and
     * leaves it. NULL: leaves all. Called on the handler's threads. */
    bool (*answer_error)(struct http_exchange *exchange, void *service, enum error_code code,
                         const struct error *err);
    /* Needs no bearer token. */
    bool open;
    /* Needs the token of metrics, where there is one, and no other. */
    bool metrics;
    /* Asked of monitors: answered also on the connections kept in reserve. */
    bool vital;
    /* Whoever changes something here is not checked (http_server_config.check_sender). */
    bool unchecked;
};

#endif
