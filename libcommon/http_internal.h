/*
 * What http_server.c and http_exchange.c share and nobody else sees.
 */
#ifndef TEMPMESSENGER_HTTP_INTERNAL_H
#define TEMPMESSENGER_HTTP_INTERNAL_H

#include "gate.h"
#include "http_exchange.h"
#include "http_router.h"

#include <ulfius.h>

enum { HTTP_REQUEST_ID_MAX = 64 };

struct http_exchange {
    /* First: Ulfius made this as its request, and we grew it (http_server.c, on_uri). */
    struct _u_request request;
    struct http_exchange *self; /* for `dispatch`, which is handed the request as const */
    struct MHD_Connection *connection;
    struct http_server *server;
    struct _u_response *response; /* while the handler runs */
    const char *method;           /* the request's */
    struct http_params params;
    uint64_t started_us;
    size_t body_max;   /* of the server's config */
    struct gate *gate; /* the server's */
    bool serving;      /* it has come whole */
    bool blocks;       /* has a place in it */
    size_t bytes;      /* of the answer's content; a stream's are not counted */
    int status;        /* of the answer; 0: none yet */
    char request_id[HTTP_REQUEST_ID_MAX + 1];
};

#endif
