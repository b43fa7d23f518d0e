/*
 * A service asks after its own health, for container engines that run a command inside an image
 * which holds nothing but the service: --healthcheck.
 */
#ifndef TEMPMESSENGER_HEALTHCHECK_H
#define TEMPMESSENGER_HEALTHCHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What main passes as `timeout_ms`: less than the three seconds that the images allow. */
enum { HEALTHCHECK_TIMEOUT_MS = 2000 };

/* Asks the service that listens at `address` and `port`, as BIND_ADDRESS and PORT give them, for
 * GET /livez; Linux takes 0.0.0.0 and :: for the loopback. True where it answers 200 within
 * `timeout_ms`, all in all. Writes one line to `out`, either way: '<program>: alive' or '<program>:
 * not alive: <why>'. Blocks; for the main thread of a program that does nothing else. */
bool healthcheck_run(const char *program, const char *address, unsigned port, uint64_t timeout_ms,
                     FILE *out) __attribute__((warn_unused_result));

#endif
