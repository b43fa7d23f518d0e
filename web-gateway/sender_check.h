/*
 * What the gateway asks of everyone who changes something, before it looks at what they send.
 */
#ifndef TEMPMESSENGER_SENDER_CHECK_H
#define TEMPMESSENGER_SENDER_CHECK_H

#include "http_exchange.h"

/* For http_server_config.check_sender; the context is the gateway. The origin comes first, so that
 * a strange page cannot use up the rate of its visitor. CROSS_ORIGIN; RATE_LIMITED, with the
 * headers that tell the rate. */
enum error_code sender_check(struct http_exchange *exchange, void *context,
                             struct error *err) ERROR_MUST_USE;

#endif
