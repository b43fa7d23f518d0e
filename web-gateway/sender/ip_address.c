/*
 * An IPv4 address becomes its IPv6 form here, and is written as IPv4 again, so that nothing above
 * has to know of two families.
 */
#include "ip_address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t ipv4_prefix[IP_ADDRESS_SIZE - 4] = {[10] = 0xff, [11] = 0xff};

bool ip_address_is_ipv4(const uint8_t address[IP_ADDRESS_SIZE])
{
    return memcmp(address, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

static void set_ipv4(uint8_t address[IP_ADDRESS_SIZE], const void *ipv4)
{
    memcpy(address, ipv4_prefix, sizeof ipv4_prefix);
    memcpy(address + sizeof ipv4_prefix, ipv4, IP_ADDRESS_SIZE - sizeof ipv4_prefix);
}

bool ip_address_parse(const char *text, size_t len, uint8_t ret_address[IP_ADDRESS_SIZE])
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

bool ip_address_of_peer(const struct sockaddr *peer, uint8_t ret_address[IP_ADDRESS_SIZE])
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
        memcpy(ret_address, &ipv6.sin6_addr, IP_ADDRESS_SIZE);
        return true;
    }
    return false;
}

void ip_address_format(const uint8_t address[IP_ADDRESS_SIZE], char ret_text[INET6_ADDRSTRLEN])
{
    if (ip_address_is_ipv4(address))
        inet_ntop(AF_INET, address + sizeof ipv4_prefix, ret_text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, ret_text, INET6_ADDRSTRLEN);
}
