/*
 * The way of a request through the server: its id, its route, who may send it, its handler, and the
 * headers of its answer. Errors become answers here, and are logged once.
 */
#ifndef TEMPMESSENGER_HTTP_DISPATCH_H
#define TEMPMESSENGER_HTTP_DISPATCH_H

#include <stdbool.h>

struct http_exchange;

/* The head has come: finds the route, and refuses what needs no body to be refused. */
void http_dispatch_head(struct http_exchange *exchange);

/* Whether the request is refused, so that nothing of its body need be kept. */
bool http_dispatch_refused(const struct http_exchange *exchange);

/* Makes the answer. False, with nothing answered, where the handler has to wait: then
 * http_dispatch_answer is called once more, with `may_block`, on a thread that may. */
bool http_dispatch_answer(struct http_exchange *exchange, bool may_block)
    __attribute__((warn_unused_result));

/* Answers that no thread is free to wait for the request. */
void http_dispatch_answer_busy(struct http_exchange *exchange);

#endif
