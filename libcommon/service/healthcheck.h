/*
 * --healthcheck: a service asks after its own health, because the images hold no other program that
 * a container engine could run.
 */
#ifndef TEMPMESSENGER_HEALTHCHECK_H
#define TEMPMESSENGER_HEALTHCHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What service_main passes: less than the three seconds that the images allow. */
enum { HEALTHCHECK_TIMEOUT_MS = 2000 };

/* Asks the service that listens at `address` and `port`, as BIND_ADDRESS and PORT give them, for
 * GET /livez; Linux takes 0.0.0.0 and :: for the loopback. True where the answer is 200 and
 * complete within `timeout_ms`. Writes one line to `out`: '<program>: alive' or '<program>: not
 * alive: <why>'. Blocks; for the main thread of a program that does nothing else. */
bool healthcheck_run(const char *program, const char *address, unsigned port, uint64_t timeout_ms,
                     FILE *out) __attribute__((warn_unused_result));

#endif
