/*
 * The sender of a request: the peer, or the client that trusted proxies name.
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_CLIENT_ADDRESS_H
#define TEMPMESSENGER_CLIENT_ADDRESS_H

#include "address_block.h"

#include <stddef.h>

enum {
    CLIENT_ADDRESS_HOPS_MAX = 16,  /* entries of X-Forwarded-For that are read, from the right */
    CLIENT_ADDRESS_ENTRY_MAX = 64, /* bytes of one, white space included */
};

struct client_address {
    uint8_t key[IP_ADDRESS_SIZE]; /* what a limit applies to: the IPv4 address, or the IPv6 /64 */
    char text[INET6_ADDRSTRLEN];  /* the whole address, for the log; IPv4 as a.b.c.d */
    bool limited;                 /* it is one client; false: perhaps a proxy for thousands */
    bool forwarded_ignored;       /* X-Forwarded-For was there, and the peer is not trusted */
};

/*
 * Finds the client. X-Forwarded-For (NULL where there is none) is read only if the peer is in
 * `trusted`; then the client is the right-most entry that is not, or the left-most if all are. The
 * walk ends early, with the last good address, at an entry that is no address or too long, and
 * after the maximum of hops. Entries may carry a port: "1.2.3.4:80", "[::1]:80". A `peer` that is
 * NULL or of another family is "unknown", with a key of zeros, and not trusted.
 *
 * An address of `trusted` is no client. Where that list is empty a loopback or private address
 * (RFC 1918, RFC 6598, RFC 4193, link-local IPv6) may be a proxy too. Neither is `limited`.
 */
void client_address_find(const struct sockaddr *peer, const char *forwarded_for,
                         const struct address_block *trusted, size_t trusted_count,
                         struct client_address *ret_client);

#endif
