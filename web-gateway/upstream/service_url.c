/*
 * Checks the one URL that the gateway calls. libcurl takes it apart; this file refuses what
 * libcurl would take and the operator did not mean, such as a query that would swallow the path
 * appended to it.
 */
#include "service_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The length of "[address]", or 0. */
static size_t ipv6_length(const char *text)
{
    char address_text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t len = strcspn(text + 1, "]");
    if (text[len + 1] != ']' || len >= sizeof address_text)
        return 0;
    memcpy(address_text, text + 1, len);
    address_text[len] = '\0';
    return inet_pton(AF_INET6, address_text, &address) == 1 ? len + 2 : 0;
}

static size_t host_length(const char *text)
{
    if (text[0] == '[')
        return ipv6_length(text);
    size_t len = strspn(text, LETTERS_AND_DIGITS "._-");
    return len <= SERVICE_URL_HOST_MAX ? len : 0;
}

/* Moves past ":port" where there is one; false where it is no port. */
static bool skip_port(const char **at)
{
    if (**at != ':')
        return true;
    size_t len = strspn(*at + 1, "0123456789");
    unsigned port = 0;
    if (!len || len > PORT_DIGITS_MAX)
        return false;
    for (size_t i = 1; i <= len; i++)
        port = port * 10 + (unsigned)((*at)[i] - '0');
    *at += len + 1;
    return port >= 1 && port <= PORT_MAX;
}

static bool path_valid(const char *path)
{
    if (*path && *path != '/')
        return false;
    return path[strspn(path, LETTERS_AND_DIGITS "/-._~!$&'()*+,;=:%")] == '\0';
}

bool service_url_valid(const char *text)
{
    static const char plain[] = "http://", secure[] = "https://";
    const char *at = text;
    if (strlen(text) > SERVICE_URL_MAX)
        return false;
    if (strncasecmp(at, plain, sizeof plain - 1) == 0)
        at += sizeof plain - 1;
    else if (strncasecmp(at, secure, sizeof secure - 1) == 0)
        at += sizeof secure - 1;
    else
        return false;
    size_t host = host_length(at);
    at += host;
    return host && skip_port(&at) && path_valid(at);
}
