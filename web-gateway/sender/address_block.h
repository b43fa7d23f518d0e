/*
 * A network, as TRUSTED_PROXIES names it: all addresses that begin alike.
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_ADDRESS_BLOCK_H
#define TEMPMESSENGER_ADDRESS_BLOCK_H

#include "ip_address.h"

/* The addresses that begin with the first `prefix_bits` of `address`. */
struct address_block {
    uint8_t address[IP_ADDRESS_SIZE]; /* the bits behind the prefix are 0 */
    unsigned prefix_bits;             /* 0 to 128; an IPv4 prefix plus 96 */
};

/* Reads "10.0.0.0/8", "2001:db8::/32", or one address: "192.168.1.1", "::1". Bits behind the prefix
 * are dropped. False, and *ret_block as it was, for anything else, white space included. */
bool address_block_parse(const char *text, struct address_block *ret_block);

/* An IPv6 block that is wider than all of IPv4 (::/0) holds no IPv4 address. */
bool address_block_contains(const struct address_block *block,
                            const uint8_t address[IP_ADDRESS_SIZE]);

#endif
