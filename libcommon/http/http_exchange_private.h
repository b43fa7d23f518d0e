/*
 * What an exchange is made of, for the files of this folder alone; all others see http_exchange.h.
 */
#ifndef TEMPMESSENGER_HTTP_EXCHANGE_PRIVATE_H
#define TEMPMESSENGER_HTTP_EXCHANGE_PRIVATE_H

#include "http_exchange.h"
#include "http_head.h"
#include "http_method.h"
#include "http_params.h"
#include "http_route.h"
#include "http_waiters.h"

#include <ulfius.h>

enum {
    HTTP_REQUEST_ID_MAX = 64,
    /* For a request's line and headers, and for a piece of the answer: what a connection costs. */
    HTTP_CONNECTION_MEMORY = 12 * 1024,
};

/* What http_request_may_block returns on an event thread; no client sees it. */
#define HTTP_WOULD_BLOCK ((enum error_code)ERROR_COUNT)

/* How far a request has come. */
enum http_stage {
    HTTP_STAGE_LINE,     /* its request line is there */
    HTTP_STAGE_BODY,     /* its head is there */
    HTTP_STAGE_ANSWERED, /* its answer is made */
};

struct http_exchange {
    /* First: Ulfius made this as its request, and we grew it (http_daemon.c). */
    struct _u_request request;
    struct http_exchange *self; /* for http_dispatch, which is handed the request as const */
    struct MHD_Connection *connection;
    struct http_connection *open_connection;
    struct http_server *server;
    struct _u_response *response; /* the answer, as it is made; NULL before that */
    struct http_waiters_job job;  /* the handler, where it has to wait */
    struct http_head head;
    const char *head_fault; /* why it is malformed; NULL: it is not */
    enum http_stage stage;
    enum http_method method;
    const struct http_route *route; /* NULL: none */
    struct http_params params;
    enum error_code refusal; /* why no handler will run; ERROR_NONE: one will */
    struct error err;        /* of the refusal, or of the handler */
    uint64_t started_us;
    uint64_t whole_us; /* when it had come whole */
    bool whole;
    bool may_block; /* the handler runs where it may */
    bool is_stream; /* the answer is one */
    bool taken;     /* the connection is (http_takeover.h) */
    size_t bytes;   /* of the answer's content; a stream's are not counted */
    int status;     /* of the answer; 0: none yet */
    char request_id[HTTP_REQUEST_ID_MAX + 1];
};

#endif
