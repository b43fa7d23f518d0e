/*
 * Reads a URL from left to right, each part by its own function, into arrays of fixed size: no part
 * is longer than its named maximum and nothing is allocated.
 *
 * Stricter than URLs in general: no query, no fragment, no second spelling of the same thing. The
 * operator writes the URL, and a typing error should stop the start.
 */
#include "redis_url.h"

#include "text.h"

#include <string.h>

static const char tcp_scheme[] = "redis://";
static const char unix_scheme[] = "unix://";

/* The byte at `*at`, percent-decoded, and moves `*at` behind it; 0 if it may not stand there. */
static char decode_byte(const char **at, const char *end)
{
    const char *from = *at;
    if (*from != '%') {
        *at += 1;
        bool plain = *from > ' ' && *from < 0x7f && !strchr("?#@", *from);
        return (char)(plain ? *from : '\0');
    }
    char byte;
    if (!text_percent_byte(from, (size_t)(end - from), &byte))
        return '\0';
    *at += 3;
    return byte;
}

/* Decodes what is between `from` and `end` into `to`, which holds `max` bytes and a NUL. */
static bool decode(const char *from, const char *end, char *to, size_t max)
{
    size_t len = 0;
    while (from < end) {
        char byte = decode_byte(&from, end);
        if (!byte || len == max)
            return false;
        to[len++] = byte;
    }
    to[len] = '\0';
    return true;
}

/* Reads the digits from `from` to `end` as a number of at most `max`. */
static bool parse_number(const char *from, const char *end, int max, int *ret_number)
{
    int number = 0;
    if (from == end)
        return false;
    for (; from < end; from++) {
        if (*from < '0' || *from > '9')
            return false;
        number = number * 10 + (*from - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

static bool parse_userinfo(const char *from, const char *end, struct redis_url *url)
{
    const char *colon = memchr(from, ':', (size_t)(end - from));
    return colon && decode(from, colon, url->user, REDIS_URL_USER_MAX) &&
           decode(colon + 1, end, url->password, REDIS_URL_PASSWORD_MAX) && url->password[0];
}

/* Copies the host at the beginning of `from`; *ret_rest is what comes behind it. */
static bool parse_host(const char *from, struct redis_url *url, const char **ret_rest)
{
    bool bracketed = *from == '[';
    const char *allowed = bracketed ? "0123456789abcdefABCDEF:."
                                    : "0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
    from += bracketed;
    size_t len = strspn(from, allowed);
    if (len == 0 || len > REDIS_URL_HOST_MAX || (bracketed && from[len] != ']'))
        return false;
    memcpy(url->host, from, len);
    url->host[len] = '\0';
    *ret_rest = from + len + bracketed;
    return true;
}

/* [user:password@]host[:port][/db] */
static bool parse_tcp(const char *from, struct redis_url *url)
{
    const char *slash = strchr(from, '/');
    const char *at = strchr(from, '@');
    if (at) {
        /* A slash belongs to the password only percent-encoded. */
        if ((slash && slash < at) || !parse_userinfo(from, at, url))
            return false;
        from = at + 1;
    }
    if (!parse_host(from, url, &from))
        return false;
    url->port = REDIS_URL_PORT_DEFAULT;
    if (*from == ':') {
        const char *end = from + 1 + strcspn(from + 1, "/");
        if (!parse_number(from + 1, end, 65535, &url->port) || url->port == 0)
            return false;
        from = end;
    }
    if (strcmp(from, "") == 0 || strcmp(from, "/") == 0)
        return true;
    return *from == '/' && parse_number(from + 1, from + strlen(from), REDIS_URL_DB_MAX, &url->db);
}

static bool parse_unix(const char *from, struct redis_url *url)
{
    return from[0] == '/' && from[1] != '\0' &&
           decode(from, from + strlen(from), url->path, REDIS_URL_PATH_MAX);
}

bool redis_url_parse(const char *url, struct redis_url *ret_url)
{
    struct redis_url parsed = {0};
    bool valid = false;
    if (strncmp(url, tcp_scheme, strlen(tcp_scheme)) == 0)
        valid = parse_tcp(url + strlen(tcp_scheme), &parsed);
    else if (strncmp(url, unix_scheme, strlen(unix_scheme)) == 0)
        valid = parse_unix(url + strlen(unix_scheme), &parsed);
    if (valid)
        *ret_url = parsed;
    return valid;
}
