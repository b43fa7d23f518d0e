/*
 * Origins are compared in parts, never by prefix or substring: that "https://chat.example" begins
 * "https://chat.example.evil.test" must mean nothing. A text that does not parse is not allowed, in
 * the header as in the list.
 *
 * A host consists of the bytes that browsers send after their own normalising: letters, digits,
 * "-", ".", "_", or an IPv6 literal in brackets. Nothing is resolved or decoded, so there is no
 * second reading of a name that could differ from the first. libcurl's parser, which gives one,
 * serves requests and not comparisons: it decodes "%61", reads "127.1" as 127.0.0.1 and takes
 * "http:/x", "http://x:" and "http://x/" for the same.
 */
#include "origin.h"

#include <string.h>
#include <strings.h>

enum { PORT_NONE = -1, PORT_MAX = 65535, PORT_DIGITS_MAX = 5, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* Parts of the text that was read. */
struct authority {
    const char *host;
    size_t host_len;
    int port; /* PORT_NONE: not given */
};

struct origin {
    const char *scheme;
    size_t scheme_len;
    struct authority authority;
    int default_port; /* PORT_NONE: the scheme is neither http nor https */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_byte(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool is_scheme_byte(char c)
{
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* The length of the host at the front of `text`, brackets included; 0 if there is none. */
static size_t find_host(const char *text)
{
    size_t len = 0;
    if (text[0] == '[') {
        len = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return len > 1 && text[len] == ']' && len < ORIGIN_HOST_MAX ? len + 1 : 0;
    }
    while (len <= ORIGIN_HOST_MAX && is_name_byte(text[len]))
        len++;
    return len <= ORIGIN_HOST_MAX ? len : 0;
}

static bool parse_port(const char *digits, int *ret_port)
{
    int port = 0;
    size_t len = 0;
    for (; len < PORT_DIGITS_MAX && is_digit(digits[len]); len++)
        port = port * 10 + (digits[len] - '0');
    *ret_port = port;
    return len > 0 && digits[len] == '\0' && port <= PORT_MAX;
}

/* host or host:port, up to the text's end. */
static bool parse_authority(const char *text, struct authority *ret_authority)
{
    struct authority authority = {.host = text, .host_len = find_host(text), .port = PORT_NONE};
    if (authority.host_len == 0)
        return false;
    const char *rest = text + authority.host_len;
    if (*rest == ':' ? !parse_port(rest + 1, &authority.port) : *rest != '\0')
        return false;
    *ret_authority = authority;
    return true;
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static int scheme_port(const char *scheme, size_t len)
{
    if (same_text(scheme, len, "http", strlen("http")))
        return HTTP_PORT;
    return same_text(scheme, len, "https", strlen("https")) ? HTTPS_PORT : PORT_NONE;
}

static bool parse_origin(const char *text, struct origin *ret_origin)
{
    static const char separator[] = "://";
    struct origin origin = {.scheme = text};
    size_t len = 0;
    while (len <= ORIGIN_SCHEME_MAX && is_scheme_byte(text[len]))
        len++;
    if (len > ORIGIN_SCHEME_MAX || !is_letter(text[0]))
        return false;
    if (strncmp(text + len, separator, strlen(separator)) != 0)
        return false;
    origin.scheme_len = len;
    origin.default_port = scheme_port(text, len);
    if (!parse_authority(text + len + strlen(separator), &origin.authority))
        return false;
    *ret_origin = origin;
    return true;
}

static bool same_authority(const struct authority *a, const struct authority *b, int default_port)
{
    int a_port = a->port == PORT_NONE ? default_port : a->port;
    int b_port = b->port == PORT_NONE ? default_port : b->port;
    return a_port == b_port && same_text(a->host, a->host_len, b->host, b->host_len);
}

/* Only http and https: this host served no page of another scheme. */
static bool is_same_host(const struct origin *origin, const char *host)
{
    struct authority here;
    return host && origin->default_port != PORT_NONE && parse_authority(host, &here) &&
           same_authority(&origin->authority, &here, origin->default_port);
}

static bool is_same_origin(const struct origin *origin, const char *text)
{
    struct origin other;
    return parse_origin(text, &other) &&
           same_text(origin->scheme, origin->scheme_len, other.scheme, other.scheme_len) &&
           same_authority(&origin->authority, &other.authority, origin->default_port);
}

bool origin_valid(const char *text)
{
    struct origin origin;
    return parse_origin(text, &origin);
}

bool origin_allowed(const char *origin, const char *host, const char *const *allowed,
                    size_t allowed_count)
{
    struct origin parsed;
    if (!origin)
        return true;
    if (!parse_origin(origin, &parsed))
        return false;
    if (is_same_host(&parsed, host))
        return true;
    for (size_t i = 0; i < allowed_count; i++)
        if (is_same_origin(&parsed, allowed[i]))
            return true;
    return false;
}
