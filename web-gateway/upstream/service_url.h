/*
 * The grammar of MESSAGE_SERVICE_URL.
 */
#ifndef TEMPMESSENGER_SERVICE_URL_H
#define TEMPMESSENGER_SERVICE_URL_H

#include <stdbool.h>

enum { SERVICE_URL_MAX = 2048, SERVICE_URL_HOST_MAX = 253 };

/* Whether `text` is http:// or https://, a host, and perhaps a port and a path; no user, query or
 * fragment, at most SERVICE_URL_MAX bytes. */
bool service_url_valid(const char *text);

#endif
