/*
 * Whether others can be reached, as the log shows it: the first failure is a warning, the first
 * success after it says "available again", and what lies between is logged at debug.
 */
#ifndef TEMPMESSENGER_HTTP_OUTAGE_H
#define TEMPMESSENGER_HTTP_OUTAGE_H

#include "error.h"

#include <stdatomic.h>
#include <stdbool.h>

struct http_outage {
    _Atomic bool lasts; /* something has failed for others, and nothing has gone well since */
};

/* Logs `message` where `code` is a failure with a cause, or one of ours. `request_id` NULL: no
 * request. Any thread. */
void http_outage_note(struct http_outage *outage, const char *message, const char *request_id,
                      enum error_code code, const struct error *err);

/* What needs others went well. Any thread. */
void http_outage_over(struct http_outage *outage);

#endif
