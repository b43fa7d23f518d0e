/*
 * Whether a request that changes something may come from the page that sent it: the Origin header
 * against the Host header and the settings' list.
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_ORIGIN_H
#define TEMPMESSENGER_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    ORIGIN_SCHEME_MAX = 32, /* bytes */
    ORIGIN_HOST_MAX = 255,  /* bytes, the most a name of the DNS has */
};

/* Whether `text` is an origin as browsers write it: scheme://host or scheme://host:port, without a
 * path. "null" is none. */
bool origin_valid(const char *text);

/*
 * True if `origin` is NULL (no browser sends a change to another site without it), if its host and
 * port are those of `host`, the Host header (NULL matches none), or if it is one of `allowed`.
 * Scheme and host are compared without regard to case; a missing port is the default one of the
 * origin's scheme, http or https. The scheme need not be the connection's, since TLS may end at a
 * proxy. False for "null" and any other text that is no origin.
 */
bool origin_allowed(const char *origin, const char *host, const char *const *allowed,
                    size_t allowed_count);

#endif
