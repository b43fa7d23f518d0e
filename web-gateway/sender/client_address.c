/*
 * Anyone can write anything into X-Forwarded-For; only the entries of our own proxies are true.
 * They append on the right, so the header is read from the right, and never past the first address
 * that is not one of ours: the rest is hearsay. For the same reason the length does not matter:
 * junk on the left is not read, and cannot hide the entries that count.
 *
 * An IPv6 user usually has a whole /64 to pick addresses from, so the key is the /64. rate_limit.c
 * applies the limit.
 */
#include "client_address.h"

#include <string.h>

enum { SITE_BYTES = 8, PORT_DIGITS_MAX = 5 };

/* Where proxies stand that nobody has named: 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12,
 * 192.168.0.0/16, 100.64.0.0/10, ::1, fc00::/7 and fe80::/10. */
#define IPV4(first, second)                                                                        \
    {                                                                                              \
        [10] = 0xff, [11] = 0xff, [12] = (first), [13] = (second)                                  \
    }
static const struct address_block private_blocks[] = {
    {IPV4(127, 0), 96 + 8},
    {IPV4(10, 0), 96 + 8},
    {IPV4(172, 16), 96 + 12},
    {IPV4(192, 168), 96 + 16},
    {IPV4(100, 64), 96 + 10},
    {{[15] = 1}, 128},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
};
enum { PRIVATE_BLOCKS = sizeof private_blocks / sizeof private_blocks[0] };

static bool is_among(const uint8_t address[IP_ADDRESS_SIZE], const struct address_block *blocks,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address_block_contains(&blocks[i], address))
            return true;
    return false;
}

/* Nothing, or ":80". */
static bool is_port(const char *text, size_t len)
{
    if (len == 0)
        return true;
    if (text[0] != ':' || len < 2 || len > 1 + PORT_DIGITS_MAX)
        return false;
    for (size_t i = 1; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static bool parse_entry(const char *entry, size_t len, uint8_t ret_address[IP_ADDRESS_SIZE])
{
    const char *end = entry + len;
    if (len > 0 && entry[0] == '[') {
        const char *bracket = memchr(entry, ']', len);
        if (!bracket || !is_port(bracket + 1, (size_t)(end - bracket - 1)))
            return false;
        size_t inner = (size_t)(bracket - entry - 1);
        return memchr(entry + 1, ':', inner) && ip_address_parse(entry + 1, inner, ret_address);
    }
    const char *colon = memchr(entry, ':', len);
    bool only_colon = colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1));
    if (!only_colon)
        return ip_address_parse(entry, len, ret_address);
    return is_port(colon, (size_t)(end - colon)) &&
           ip_address_parse(entry, (size_t)(colon - entry), ret_address);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Reads the last entry of the first *len bytes and cuts it off together with its comma. */
static bool take_last_entry(const char *header, size_t *len, uint8_t ret_address[IP_ADDRESS_SIZE])
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

static void describe(const uint8_t address[IP_ADDRESS_SIZE], struct client_address *ret_client)
{
    struct client_address client = {0};
    memcpy(client.key, address, IP_ADDRESS_SIZE);
    ip_address_format(address, client.text);
    if (!ip_address_is_ipv4(address))
        memset(client.key + SITE_BYTES, 0, IP_ADDRESS_SIZE - SITE_BYTES);
    *ret_client = client;
}

void client_address_find(const struct sockaddr *peer, const char *forwarded_for,
                         const struct address_block *trusted, size_t trusted_count,
                         struct client_address *ret_client)
{
    uint8_t client[IP_ADDRESS_SIZE];
    if (!ip_address_of_peer(peer, client)) {
        *ret_client = (struct client_address){.text = "unknown"};
        return;
    }
    bool ignored = forwarded_for && !is_among(client, trusted, trusted_count);
    size_t left = forwarded_for ? strlen(forwarded_for) : 0;
    for (int hop = 0; hop < CLIENT_ADDRESS_HOPS_MAX && left > 0; hop++) {
        uint8_t entry[IP_ADDRESS_SIZE];
        if (!is_among(client, trusted, trusted_count))
            break;
        if (!take_last_entry(forwarded_for, &left, entry))
            break;
        memcpy(client, entry, IP_ADDRESS_SIZE);
    }
    describe(client, ret_client);
    ret_client->forwarded_ignored = ignored;
    ret_client->limited = trusted_count ? !is_among(client, trusted, trusted_count)
                                        : !is_among(client, private_blocks, PRIVATE_BLOCKS);
}
