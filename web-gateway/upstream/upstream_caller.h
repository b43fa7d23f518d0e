/*
 * Calls to the message service over HTTP: connections, repeats and the breaker. What a call says,
 * and what its answer means, is message_client's.
 *
 * Any thread may call. A call blocks for at most the timeout, its repeat included. Calls are
 * bounded in number, each on a kept-alive connection of its own; one more waits a little
 * (UPSTREAM_CALLER_WAIT_MS), then fails. After a failure to reach the service calls fail at once
 * for a moment (breaker.h).
 */
#ifndef TEMPMESSENGER_UPSTREAM_CALLER_H
#define TEMPMESSENGER_UPSTREAM_CALLER_H

#include "breaker.h"
#include "buffer.h"
#include "curl_pool.h"
#include "error.h"
#include "upstream_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a call waits for another one to end: long beside a call that goes well, short beside
 * one that hangs. */
enum { UPSTREAM_CALLER_WAIT_MS = 100 };

/* Its members are its own. */
struct upstream_caller {
    struct upstream_request_target target;
    uint64_t timeout_ms;
    struct curl_pool *pool;
    struct breaker breaker;
};

struct upstream_caller_header {
    const char *name;
    const char *value; /* NULL: it is left out */
};

struct upstream_caller_request {
    const char *path;
    const struct upstream_caller_header *headers;
    size_t header_count;
    const void *body; /* NULL: a GET, else a POST */
    size_t len;
};

struct upstream_caller_answer {
    long status;
    uint32_t retry_after_s; /* 0: the service did not say */
    struct buffer body;     /* made and freed by whoever calls */
};

/* At most `connections` calls at one time. `target` and its strings are borrowed for the caller's
 * life. False when out of memory; the caller is then to be given to upstream_caller_fini. */
bool upstream_caller_init(struct upstream_caller *caller,
                          const struct upstream_request_target *target, uint64_t timeout_ms,
                          unsigned connections) __attribute__((warn_unused_result));

/* No call may be under way. */
void upstream_caller_fini(struct upstream_caller *caller);

/* Any answer is a success, whatever its status. A connection that breaks before the answer is
 * tried once more, so a request must be safe to repeat. UNAVAILABLE: the service cannot be
 * reached, or too many calls wait for it; TIMEOUT: no answer in time; INTERNAL: out of memory. */
enum error_code upstream_caller_call(struct upstream_caller *caller,
                                     const struct upstream_caller_request *request,
                                     struct upstream_caller_answer *answer,
                                     struct error *err) ERROR_MUST_USE;

/* Whether the last call was answered, or none was made yet. */
bool upstream_caller_up(struct upstream_caller *caller);

#endif
