/*
 * One HTTP request and the answer being made to it, as a handler sees them.
 *
 * An exchange belongs to the server and lives for the handler's call. A handler reads
 * (http_request.h), makes one call, and answers once (http_answer.h), or returns an error, which
 * the server answers as application/problem+json (RFC 9457).
 */
#ifndef TEMPMESSENGER_HTTP_EXCHANGE_H
#define TEMPMESSENGER_HTTP_EXCHANGE_H

#include "http_answer.h"
#include "http_request.h"

struct http_exchange;

#endif
