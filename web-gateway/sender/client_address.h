/*
 * Who a request comes from: the peer, or the client that trusted proxies say they speak for.
 *
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that one client has one address whichever
 * socket it came in by. Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_CLIENT_ADDRESS_H
#define TEMPMESSENGER_CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_SIZE = 16,
    CLIENT_ADDRESS_HOPS_MAX = 16,  /* entries of X-Forwarded-For that are read, from the right */
    CLIENT_ADDRESS_ENTRY_MAX = 64, /* bytes of one, white space included */
};

/* A network: the addresses that begin with the first `prefix_bits` of `address`. */
struct address_block {
    uint8_t address[ADDRESS_SIZE]; /* the bits behind the prefix are 0 */
    unsigned prefix_bits;          /* 0 to 128; an IPv4 prefix plus 96 */
};

/* Reads "10.0.0.0/8", "2001:db8::/32", or one address: "192.168.1.1", "::1". Bits behind the prefix
 * are dropped. False, and *ret_block as it was, for anything else, white space included. */
bool address_block_parse(const char *text, struct address_block *ret_block);

/* An IPv6 block that is wider than all of IPv4 (::/0) holds no IPv4 address. */
bool address_block_contains(const struct address_block *block, const uint8_t address[ADDRESS_SIZE]);

struct client_address {
    uint8_t key[ADDRESS_SIZE];   /* who shares a limit: the IPv4 address, or the IPv6 /64 */
    char text[INET6_ADDRSTRLEN]; /* the whole address, for the log; IPv4 as a.b.c.d */
};

/*
 * Finds the client. X-Forwarded-For (NULL where there is none) is read only if the peer is in
 * `trusted`; then the client is the right-most entry that is not. The walk ends early, with the
 * last address that was good, at an entry that is no address or too long and after the maximum of
 * hops; where all are trusted it is the left-most. Entries may carry a port: "1.2.3.4:80",
 * "[::1]:80". A `peer` that is NULL or not of the internet is "unknown", with a key of zeros, and
 * not trusted.
 */
void client_address_find(const struct sockaddr *peer, const char *forwarded_for,
                         const struct address_block *trusted, size_t trusted_count,
                         struct client_address *ret_client);

#endif
