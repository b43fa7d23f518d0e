/*
 * The one place that makes libcurl requests, and so the one place that has to keep the token to
 * the message service: no proxy, no protocol but HTTP, no redirect.
 */
#include "upstream_request.h"

#include "service_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    URL_SIZE = SERVICE_URL_MAX + UPSTREAM_REQUEST_PATH_SIZE,
    HEADER_SIZE = 640,
};

/* Without the empty text libcurl would ask a proxy that the environment names, and tell it the
 * token. */
static bool set_texts(struct upstream_request *request,
                      const struct upstream_request_target *target, const char *path)
{
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "%s%s", target->url, path);
    return len > 0 && (size_t)len < sizeof url &&
           curl_easy_setopt(request->handle, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(request->handle, CURLOPT_PROXY, "") == CURLE_OK;
}

static bool add_token(struct upstream_request *request, const char *token)
{
    char bearer[HEADER_SIZE];
    if (!token)
        return true;
    int len = snprintf(bearer, sizeof bearer, "Bearer %s", token);
    return len > 0 && (size_t)len < sizeof bearer &&
           upstream_request_add_header(request, "Authorization", bearer);
}

bool upstream_request_init(struct upstream_request *request, CURL *handle,
                           const struct upstream_request_target *target, const char *path,
                           const char *accept)
{
    *request = (struct upstream_request){.handle = handle};
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    /* DNS answers are not cached: a restarted service may have moved. */
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    if (!set_texts(request, target, path) ||
        !upstream_request_add_header(request, "Accept", accept) ||
        !add_token(request, target->token))
        return false;
    /* What is added later goes behind this one. */
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, request->headers);
    return true;
}

bool upstream_request_add_header(struct upstream_request *request, const char *name,
                                 const char *value)
{
    char line[HEADER_SIZE];
    int len = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer =
        len > 0 && (size_t)len < sizeof line ? curl_slist_append(request->headers, line) : NULL;
    if (longer)
        request->headers = longer;
    return longer != NULL;
}

void upstream_request_fini(struct upstream_request *request)
{
    if (request->handle)
        curl_easy_setopt(request->handle, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(request->headers);
    *request = (struct upstream_request){0};
}

bool upstream_request_read_header(const char *line, size_t len, const char *name,
                                  char ret_value[UPSTREAM_REQUEST_VALUE_SIZE])
{
    size_t name_len = strlen(name);
    if (len < name_len || strncasecmp(line, name, name_len) != 0)
        return false;
    const char *value = line + name_len;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (value < end && strchr(" \t\r\n", end[-1]))
        end--;
    size_t value_len = end - value < UPSTREAM_REQUEST_VALUE_SIZE ? (size_t)(end - value) : 0;
    memcpy(ret_value, value, value_len);
    ret_value[value_len] = '\0';
    return true;
}
