/*
 * Each call borrows a libcurl handle with its kept-alive connection, sets all of its options and
 * performs it on the calling thread. libcurl keeps the time, the connection and HTTP.
 *
 * A service that answers 502 to 504, or not in time, is not asked again over the connections there
 * are: the next calls make new ones, which a balancer may lead elsewhere.
 */
#include "upstream_caller.h"

#include <stdlib.h>

enum {
    BREAKER_OPEN_US = 500 * 1000,
    CONNECTION_AGE_MAX_S = 60,
    RETRY_AFTER_MAX_S = 24 * 3600,
};

bool upstream_caller_init(struct upstream_caller *caller,
                          const struct upstream_request_target *target, uint64_t timeout_ms,
                          unsigned connections)
{
    *caller = (struct upstream_caller){.target = *target, .timeout_ms = timeout_ms};
    breaker_init(&caller->breaker, &clock_system, BREAKER_OPEN_US);
    caller->pool = curl_pool_new(connections);
    return caller->pool != NULL;
}

void upstream_caller_fini(struct upstream_caller *caller)
{
    curl_pool_free(caller->pool);
    breaker_fini(&caller->breaker);
}

/* ---- what libcurl hands over ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *body = context;
    buffer_append(body, bytes, size * count);
    return body->failed ? 0 : size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct upstream_caller_answer *answer = context;
    char value[UPSTREAM_REQUEST_VALUE_SIZE];
    if (upstream_request_read_header(line, size * count, "Retry-After:", value)) {
        unsigned long seconds = strtoul(value, NULL, 10);
        answer->retry_after_s = seconds <= RETRY_AFTER_MAX_S ? (uint32_t)seconds : 0;
    }
    return size * count;
}

/* ---- a call ---- */

static bool add_headers(struct upstream_request *to, const struct upstream_caller_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct upstream_caller_header *header = &request->headers[i];
        if (header->value && !upstream_request_add_header(to, header->name, header->value))
            return false;
    }
    /* libcurl would have the service say that it wants a large body, and wait for that. */
    return !request->body || upstream_request_add_header(to, "Expect", "");
}

static void set_options(const struct upstream_caller *caller, CURL *handle,
                        const struct upstream_caller_request *request,
                        struct upstream_caller_answer *answer)
{
    /* A replica that was added gets its share, since old connections are not used again. */
    curl_easy_setopt(handle, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_MAX_S);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)caller->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer->body);
    if (request->body) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body);
    }
}

static bool connection_broke(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
           code == CURLE_PARTIAL_FILE;
}

/* A call that timed out without a connection never reached the service. */
static bool connected(CURL *handle)
{
    curl_off_t connect_us = 0;
    curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &connect_us);
    return connect_us > 0;
}

static enum error_code error_of(CURL *handle, CURLcode code, struct error *err)
{
    bool timeout = code == CURLE_OPERATION_TIMEDOUT && connected(handle);
    return error_because(err, timeout ? ERROR_TIMEOUT : ERROR_UNAVAILABLE, "message service: %s",
                         curl_easy_strerror(code));
}

/* Performs what the handle is set to do. */
static enum error_code perform_set(const struct upstream_caller *caller, CURL *handle,
                                   struct upstream_caller_answer *answer, struct error *err)
{
    uint64_t started_us = clock_now_us();
    CURLcode result = curl_easy_perform(handle);
    uint64_t took_ms = (clock_now_us() - started_us) / 1000;
    if (connection_broke(result) && took_ms < caller->timeout_ms) {
        buffer_clear(&answer->body);
        curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(caller->timeout_ms - took_ms));
        result = curl_easy_perform(handle);
    }
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    return result == CURLE_OK ? ERROR_NONE : error_of(handle, result, err);
}

static enum error_code perform(const struct upstream_caller *caller, CURL *handle,
                               const struct upstream_caller_request *request,
                               struct upstream_caller_answer *answer, struct error *err)
{
    struct upstream_request to;
    enum error_code code;
    if (upstream_request_init(&to, handle, &caller->target, request->path, "application/json") &&
        add_headers(&to, request)) {
        set_options(caller, handle, request, answer);
        code = perform_set(caller, handle, answer, err);
    } else {
        code = error_because(err, ERROR_INTERNAL, "out of memory for a call");
    }
    upstream_request_fini(&to);
    return code;
}

static bool is_sick(enum error_code code, long status)
{
    return code || (status >= 502 && status <= 504);
}

enum error_code upstream_caller_call(struct upstream_caller *caller,
                                     const struct upstream_caller_request *request,
                                     struct upstream_caller_answer *answer, struct error *err)
{
    CURL *handle = curl_pool_borrow(caller->pool, UPSTREAM_CALLER_WAIT_MS);
    if (!handle)
        return error_because(err, ERROR_UNAVAILABLE, "too many calls wait for the message service");
    if (!breaker_allow(&caller->breaker)) {
        curl_pool_return(caller->pool, handle);
        return error_because(err, ERROR_UNAVAILABLE,
                             "the message service could not be reached a moment ago");
    }
    enum error_code code = perform(caller, handle, request, answer, err);
    if (code)
        breaker_failure(&caller->breaker);
    else
        breaker_success(&caller->breaker);
    if (is_sick(code, answer->status))
        curl_pool_discard(caller->pool, handle);
    else
        curl_pool_return(caller->pool, handle);
    return code;
}

bool upstream_caller_up(struct upstream_caller *caller)
{
    return breaker_closed(&caller->breaker);
}
