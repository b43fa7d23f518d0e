/*
 * The two forms of STORE_URL that lead to a Redis:
 *   redis://[user:password@]host[:port][/db]   (user may be empty: a password alone)
 *   unix:///path/redis.sock
 * User, password and path may be percent-encoded (RFC 3986); an IPv6 address stands in brackets.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_URL_H
#define TEMPMESSENGER_REDIS_URL_H

#include "error.h"

#include <stdbool.h>

enum {
    REDIS_URL_HOST_MAX = 253,
    REDIS_URL_PATH_MAX = 107, /* what a socket address holds besides its NUL */
    REDIS_URL_USER_MAX = 128,
    REDIS_URL_PASSWORD_MAX = 512,
    REDIS_URL_DB_MAX = 65535,
    REDIS_URL_PORT_DEFAULT = 6379,
};

struct redis_url {
    char path[REDIS_URL_PATH_MAX + 1]; /* of the socket; empty: TCP to host and port */
    char host[REDIS_URL_HOST_MAX + 1]; /* without brackets */
    int port;
    char user[REDIS_URL_USER_MAX + 1];         /* empty: the default user */
    char password[REDIS_URL_PASSWORD_MAX + 1]; /* empty: no AUTH */
    int db;
};

/* False if `url` is of neither form; *ret_url is then as it was. */
bool redis_url_parse(const char *url, struct redis_url *ret_url) ERROR_MUST_USE;

#endif
