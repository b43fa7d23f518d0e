/*
 * A message on its way in through the gateway: who may send it, what it says, and its sending on.
 */
#ifndef TEMPMESSENGER_SUBMISSION_H
#define TEMPMESSENGER_SUBMISSION_H

#include "routes.h"

/* The longest body that the gateway takes: the message service knows the real limit of a message,
 * which is at most 64 KiB, each byte of which JSON may write as six. */
enum { SUBMISSION_BODY_MAX = 6 * 64 * 1024 + 4096 };

/* Whose request a call to the message service serves; borrows from the exchange. */
struct message_client_origin submission_origin(const struct http_exchange *exchange);

/*
 * Checks the sender (rate, origin), the room, the idempotency key and the form of the body, as JSON
 * or plain text, and posts it. Sets the RateLimit headers. *ret_message is the caller's reference.
 * CROSS_ORIGIN, RATE_LIMITED, what draft.h lists, and what the message service answers.
 */
enum error_code submission_accept(struct http_exchange *exchange, struct web_gateway *gateway,
                                  struct message **ret_message, struct error *err) ERROR_MUST_USE;

/* The same on the page's paths: a body that says it is a form has the fields message, ttl and
 * author; empty ones of the latter two are as if not given. */
enum error_code submission_accept_form(struct http_exchange *exchange, struct web_gateway *gateway,
                                       struct message **ret_message,
                                       struct error *err) ERROR_MUST_USE;

#endif
