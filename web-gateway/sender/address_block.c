/*
 * Compares a block byte by byte under its prefix. An IPv4 block lies in ::ffff:0:0/96, the IPv6
 * form of all IPv4 addresses.
 */
#include "address_block.h"

#include <string.h>

enum { IPV4_PREFIX_BITS = 96, ADDRESS_BITS = 128 };

static bool parse_prefix(const char *text, unsigned max, unsigned *ret_prefix)
{
    size_t len = strlen(text);
    if (!len || len > 3 || (len > 1 && text[0] == '0'))
        return false;
    unsigned prefix = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        prefix = prefix * 10 + (unsigned)(text[i] - '0');
    }
    *ret_prefix = prefix;
    return prefix <= max;
}

/* The bits of byte `index` that a prefix covers. */
static uint8_t prefix_mask(unsigned prefix_bits, unsigned index)
{
    if (prefix_bits >= (index + 1) * 8)
        return 0xff;
    if (prefix_bits <= index * 8)
        return 0;
    return (uint8_t)(0xff << (8 - prefix_bits % 8));
}

bool address_block_parse(const char *text, struct address_block *ret_block)
{
    struct address_block block = {.prefix_bits = ADDRESS_BITS};
    size_t len = strcspn(text, "/");
    if (!ip_address_parse(text, len, block.address))
        return false;
    if (text[len] == '/') {
        unsigned base = memchr(text, ':', len) ? 0 : IPV4_PREFIX_BITS;
        unsigned prefix;
        if (!parse_prefix(text + len + 1, ADDRESS_BITS - base, &prefix))
            return false;
        block.prefix_bits = base + prefix;
    }
    for (unsigned i = 0; i < IP_ADDRESS_SIZE; i++)
        block.address[i] &= prefix_mask(block.prefix_bits, i);
    *ret_block = block;
    return true;
}

bool address_block_contains(const struct address_block *block,
                            const uint8_t address[IP_ADDRESS_SIZE])
{
    if (block->prefix_bits < IPV4_PREFIX_BITS && ip_address_is_ipv4(address))
        return false;
    for (unsigned i = 0; i < IP_ADDRESS_SIZE; i++)
        if ((address[i] & prefix_mask(block->prefix_bits, i)) != block->address[i])
            return false;
    return true;
}
