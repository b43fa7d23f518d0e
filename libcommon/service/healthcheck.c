/*
 * One GET by libcurl, whose timeout holds for connecting, sending and reading together: it also
 * catches a service that accepts and then hangs, or sends a byte a second.
 */
#include "healthcheck.h"

#include <curl/curl.h>
#include <string.h>

enum { URL_SIZE = 128, STATUS_ALIVE = 200 };

static size_t ignore_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

/* False when out of memory for a text. A proxy of the environment's would answer for itself. */
static bool set_options(CURL *handle, const char *url, uint64_t timeout_ms)
{
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore_body);
    return curl_easy_setopt(handle, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
}

/* Why the service is not alive; NULL if it is. */
static const char *find_fault(CURL *handle, const char *url, uint64_t timeout_ms)
{
    if (!handle || !set_options(handle, url, timeout_ms))
        return "out of memory";
    CURLcode code = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code)
        return curl_easy_strerror(code);
    return status == STATUS_ALIVE ? NULL : "the answer is not 200";
}

bool healthcheck_run(const char *program, const char *address, unsigned port, uint64_t timeout_ms,
                     FILE *out)
{
    char url[URL_SIZE];
    bool ipv6 = strchr(address, ':') != NULL;
    snprintf(url, sizeof url, "http://%s%s%s:%u/livez", ipv6 ? "[" : "", address, ipv6 ? "]" : "",
             port);
    CURL *handle = curl_easy_init();
    const char *fault = port ? find_fault(handle, url, timeout_ms) : "its port is not known";
    curl_easy_cleanup(handle);
    fprintf(out, "%s: %s%s\n", program, fault ? "not alive: " : "alive", fault ? fault : "");
    return !fault;
}
