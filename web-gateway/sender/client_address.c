/*
 * Anyone can write anything into X-Forwarded-For; only what our own proxies appended is true. They
 * append on the right, so the header is read from there, and never past the first address that is
 * not one of ours: what stands further left is hearsay. For the same reason its length does not
 * matter: junk on the left is not even looked at, and cannot be used to hide the part that counts.
 *
 * An IPv6 user usually has a whole /64 to pick addresses from, so that is what a limit applies to.
 * The limiting itself is rate_limit.c's.
 */
#include "client_address.h"

#include <arpa/inet.h>
#include <string.h>

enum { IPV4_PREFIX_BITS = 96, ADDRESS_BITS = 128, SITE_BYTES = 8, PORT_DIGITS_MAX = 5 };

static const uint8_t ipv4_prefix[IPV4_PREFIX_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static bool is_ipv4(const uint8_t address[ADDRESS_SIZE])
{
    return memcmp(address, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

static void set_ipv4(uint8_t address[ADDRESS_SIZE], const void *ipv4)
{
    memcpy(address, ipv4_prefix, sizeof ipv4_prefix);
    memcpy(address + sizeof ipv4_prefix, ipv4, ADDRESS_SIZE - sizeof ipv4_prefix);
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return len > 0;
}

static bool parse_address(const char *text, size_t len, uint8_t ret_address[ADDRESS_SIZE])
{
    char string[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    if (len >= sizeof string)
        return false;
    memcpy(string, text, len);
    string[len] = '\0';
    if (inet_pton(AF_INET, string, &ipv4) == 1) {
        set_ipv4(ret_address, &ipv4);
        return true;
    }
    return inet_pton(AF_INET6, string, ret_address) == 1;
}

static bool parse_prefix(const char *text, unsigned max, unsigned *ret_prefix)
{
    size_t len = strlen(text);
    if (len > 3 || !all_digits(text, len) || (len > 1 && text[0] == '0'))
        return false;
    unsigned prefix = 0;
    for (size_t i = 0; i < len; i++)
        prefix = prefix * 10 + (unsigned)(text[i] - '0');
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
    if (!parse_address(text, len, block.address))
        return false;
    if (text[len] == '/') {
        unsigned base = memchr(text, ':', len) ? 0 : IPV4_PREFIX_BITS;
        unsigned prefix;
        if (!parse_prefix(text + len + 1, ADDRESS_BITS - base, &prefix))
            return false;
        block.prefix_bits = base + prefix;
    }
    for (unsigned i = 0; i < ADDRESS_SIZE; i++)
        block.address[i] &= prefix_mask(block.prefix_bits, i);
    *ret_block = block;
    return true;
}

bool address_block_contains(const struct address_block *block, const uint8_t address[ADDRESS_SIZE])
{
    if (block->prefix_bits < IPV4_PREFIX_BITS && is_ipv4(address))
        return false;
    for (unsigned i = 0; i < ADDRESS_SIZE; i++)
        if ((address[i] & prefix_mask(block->prefix_bits, i)) != block->address[i])
            return false;
    return true;
}

static bool is_trusted(const uint8_t address[ADDRESS_SIZE], const struct address_block *trusted,
                       size_t trusted_count)
{
    for (size_t i = 0; i < trusted_count; i++)
        if (address_block_contains(&trusted[i], address))
            return true;
    return false;
}

static bool peer_address(const struct sockaddr *peer, uint8_t ret_address[ADDRESS_SIZE])
{
    if (peer && peer->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, peer, sizeof ipv4);
        set_ipv4(ret_address, &ipv4.sin_addr);
        return true;
    }
    if (peer && peer->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, peer, sizeof ipv6);
        memcpy(ret_address, &ipv6.sin6_addr, ADDRESS_SIZE);
        return true;
    }
    return false;
}

/* Nothing, or ":80". */
static bool is_port(const char *text, size_t len)
{
    return len == 0 ||
           (text[0] == ':' && len <= 1 + PORT_DIGITS_MAX && all_digits(text + 1, len - 1));
}

static bool parse_entry(const char *entry, size_t len, uint8_t ret_address[ADDRESS_SIZE])
{
    const char *end = entry + len;
    if (len > 0 && entry[0] == '[') {
        const char *bracket = memchr(entry, ']', len);
        if (!bracket || !is_port(bracket + 1, (size_t)(end - bracket - 1)))
            return false;
        size_t inner = (size_t)(bracket - entry - 1);
        return memchr(entry + 1, ':', inner) && parse_address(entry + 1, inner, ret_address);
    }
    const char *colon = memchr(entry, ':', len);
    bool only_colon = colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1));
    if (!only_colon)
        return parse_address(entry, len, ret_address);
    return is_port(colon, (size_t)(end - colon)) &&
           parse_address(entry, (size_t)(colon - entry), ret_address);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Reads the last entry of the first *len bytes and cuts it off together with its comma. */
static bool take_last_entry(const char *header, size_t *len, uint8_t ret_address[ADDRESS_SIZE])
{
    size_t end = *len;
    size_t start = end;
    while (start > 0 && header[start - 1] != ',') {
        start--;
        if (end - start > CLIENT_ADDRESS_ENTRY_MAX)
            return false;
    }
    *len = start > 0 ? start - 1 : 0;
    while (start < end && is_space(header[start]))
        start++;
    while (end > start && is_space(header[end - 1]))
        end--;
    return parse_entry(header + start, end - start, ret_address);
}

static void describe(const uint8_t address[ADDRESS_SIZE], struct client_address *ret_client)
{
    struct client_address client = {0};
    memcpy(client.key, address, ADDRESS_SIZE);
    if (is_ipv4(address)) {
        inet_ntop(AF_INET, address + sizeof ipv4_prefix, client.text, sizeof client.text);
    } else {
        inet_ntop(AF_INET6, address, client.text, sizeof client.text);
        memset(client.key + SITE_BYTES, 0, ADDRESS_SIZE - SITE_BYTES);
    }
    *ret_client = client;
}

void client_address_find(const struct sockaddr *peer, const char *forwarded_for,
                         const struct address_block *trusted, size_t trusted_count,
                         struct client_address *ret_client)
{
    uint8_t client[ADDRESS_SIZE];
    if (!peer_address(peer, client)) {
        *ret_client = (struct client_address){.text = "unknown"};
        return;
    }
    size_t left = forwarded_for ? strlen(forwarded_for) : 0;
    for (int hop = 0; hop < CLIENT_ADDRESS_HOPS_MAX && left > 0; hop++) {
        uint8_t entry[ADDRESS_SIZE];
        if (!is_trusted(client, trusted, trusted_count))
            break;
        if (!take_last_entry(forwarded_for, &left, entry))
            break;
        memcpy(client, entry, ADDRESS_SIZE);
    }
    describe(client, ret_client);
}
