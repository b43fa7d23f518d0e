/*
 * Resolving a host name with a deadline, which the resolver's own call lacks.
 *
 * Any thread. Callers that resolve the same name at the same time share one lookup, so that a
 * resolver which does not answer costs one thread a name and not one a call.
 */
#ifndef TEMPMESSENGER_HOST_LOOKUP_H
#define TEMPMESSENGER_HOST_LOOKUP_H

#include "cleanup.h"
#include "error.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

enum { HOST_LOOKUP_HOST_MAX = 253 };

struct host_lookup;

/*
 * Resolves `host`, a name of at most HOST_LOOKUP_HOST_MAX bytes or an address, for TCP to `port`,
 * until `deadline_us` on CLOCK_MONOTONIC or until `stop_fd` (-1: none) is readable. The caller
 * frees *ret_lookup with host_lookup_release. UNAVAILABLE: the name does not resolve in time.
 */
enum error_code host_lookup(const char *host, int port, uint64_t deadline_us, int stop_fd,
                            struct host_lookup **ret_lookup, struct error *err) ERROR_MUST_USE;

/* The addresses, at least one; they live as long as the lookup. */
const struct addrinfo *host_lookup_addresses(const struct host_lookup *lookup);

/* Takes NULL. */
void host_lookup_release(struct host_lookup *lookup);

CLEANUP_DEFINE(struct host_lookup, host_lookup_release)

#endif
