/*
 * Errors as HTTP answers: application/problem+json (RFC 9457), or the detail alone for those who
 * ask for plain text.
 */
#ifndef TEMPMESSENGER_HTTP_PROBLEM_H
#define TEMPMESSENGER_HTTP_PROBLEM_H

#include "http_exchange.h"

/* Answers with `code`, with Retry-After where it has one. `err` (may be NULL) gives the detail. */
void http_problem_answer(struct http_exchange *exchange, enum error_code code,
                         const struct error *err);

#endif
