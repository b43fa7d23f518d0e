/*
 * Each call borrows a libcurl handle with its kept-alive connection, sets all of its options anew
 * and performs it on the caller's thread. libcurl keeps the time, the connection and HTTP; what is
 * ours is the retry, the breaker and the reading of the answer.
 *
 * A connection that breaks before an answer is tried once more, on a new one: reads may be repeated,
 * and posts carry an idempotency key.
 */
#include "message_client.h"

#include "breaker.h"
#include "curl_pool.h"
#include "json_read.h"
#include "service_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    URL_SIZE = SERVICE_URL_MAX + 128, /* the longest path behind it is that of a room */
    HEADER_SIZE = 640,
    BREAKER_OPEN_US = 500 * 1000,
    CONNECTION_AGE_MAX_S = 60,
    RETRY_AFTER_MAX_S = 24 * 3600,
};

/* An answer at its longest: one message. */
static const size_t answer_max = (size_t)1024 * 1024;

struct message_client {
    struct message_client_config config;
    char *url;
    char *token;
    struct curl_pool *pool;
    struct breaker breaker;
    struct call_metrics meters[MESSAGE_CLIENT_CALLS];
};

/* One request. */
struct call {
    enum message_client_call kind;
    uint64_t began_us;
    const struct message_client_origin *origin;
    const struct message_client_post *post; /* NULL: a GET */
    char url[URL_SIZE];
};

struct answer {
    long status;
    uint32_t retry_after_s;
    struct buffer body;
};

struct message_client *message_client_new(const struct message_client_config *config)
{
    struct message_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->config = *config;
    breaker_init(&client->breaker, &clock_system, BREAKER_OPEN_US);
    client->url = strdup(config->url);
    client->token = config->token ? strdup(config->token) : NULL;
    client->pool = curl_pool_new(config->connections);
    if (!client->url || !client->pool || (config->token && !client->token)) {
        message_client_free(client);
        return NULL;
    }
    return client;
}

void message_client_free(struct message_client *client)
{
    if (!client)
        return;
    curl_pool_free(client->pool);
    breaker_fini(&client->breaker);
    free(client->url);
    free(client->token);
    free(client);
}

/* ---- a request as libcurl wants it ---- */

static bool append_header(struct curl_slist **headers, const char *name, const char *value)
{
    char line[HEADER_SIZE];
    int len = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer =
        len > 0 && (size_t)len < sizeof line ? curl_slist_append(*headers, line) : NULL;
    if (longer)
        *headers = longer;
    return longer != NULL;
}

static struct curl_slist *make_headers(const struct message_client *client, const struct call *call)
{
    struct curl_slist *headers = NULL;
    char bearer[HEADER_SIZE];
    bool made = append_header(&headers, "Accept", "application/json");
    if (made && call->origin)
        made = append_header(&headers, "X-Request-Id", call->origin->request_id);
    if (made && call->origin && call->origin->traceparent)
        made = append_header(&headers, "traceparent", call->origin->traceparent);
    if (made && client->token) {
        snprintf(bearer, sizeof bearer, "Bearer %s", client->token);
        made = append_header(&headers, "Authorization", bearer);
    }
    if (made && call->post)
        made = append_header(&headers, "Content-Type", call->post->content_type) &&
               append_header(&headers, "Idempotency-Key", call->post->idempotency_key) &&
               append_header(&headers, "Expect", "");
    if (!made) {
        curl_slist_free_all(headers);
        return NULL;
    }
    return headers;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *body = context;
    buffer_append(body, bytes, size * count);
    return body->failed ? 0 : size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    static const char retry_after[] = "Retry-After:";
    struct answer *answer = context;
    size_t len = size * count;
    if (len > sizeof retry_after && strncasecmp(line, retry_after, sizeof retry_after - 1) == 0) {
        unsigned long seconds = strtoul(line + sizeof retry_after - 1, NULL, 10);
        answer->retry_after_s = seconds <= RETRY_AFTER_MAX_S ? (uint32_t)seconds : 0;
    }
    return len;
}

/* False when out of memory for a text. Without its empty one a proxy of the environment's would be
 * asked, and told the token. */
static bool set_options(const struct message_client *client, const struct call *call, CURL *handle,
                        struct curl_slist *headers, struct answer *answer)
{
    if (curl_easy_setopt(handle, CURLOPT_URL, call->url) != CURLE_OK ||
        curl_easy_setopt(handle, CURLOPT_PROXY, "") != CURLE_OK)
        return false;
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    /* A service that was started anew may have another address: names are asked for each time. */
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    /* And one that was added gets its share, since an older connection is not used again. */
    curl_easy_setopt(handle, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_MAX_S);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)client->config.timeout_ms);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer->body);
    if (call->post) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->post->len);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->post->body);
    }
    return true;
}

/* ---- performing it ---- */

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
static enum error_code perform_set(const struct message_client *client, CURL *handle,
                                   struct answer *answer, struct error *err)
{
    uint64_t started_us = clock_monotonic_us(&clock_system);
    CURLcode result = curl_easy_perform(handle);
    uint64_t took_ms = (clock_monotonic_us(&clock_system) - started_us) / 1000;
    if (connection_broke(result) && took_ms < client->config.timeout_ms) {
        buffer_clear(&answer->body);
        curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(client->config.timeout_ms - took_ms));
        result = curl_easy_perform(handle);
    }
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    return result == CURLE_OK ? ERROR_NONE : error_of(handle, result, err);
}

static enum error_code perform(struct message_client *client, const struct call *call, CURL *handle,
                               struct answer *answer, struct error *err)
{
    struct curl_slist *headers = make_headers(client, call);
    enum error_code code;
    if (headers && set_options(client, call, handle, headers, answer))
        code = perform_set(client, handle, answer, err);
    else
        code = error_because(err, ERROR_INTERNAL, "out of memory for a call");
    /* The list must outlive the handle's use of it. */
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

static enum error_code call_within_limits(struct message_client *client, const struct call *call,
                                          struct answer *answer, struct error *err)
{
    CURL *handle = curl_pool_borrow(client->pool, MESSAGE_CLIENT_WAIT_MS);
    if (!handle)
        return error_because(err, ERROR_UNAVAILABLE, "too many calls wait for the message service");
    enum error_code code = ERROR_UNAVAILABLE;
    if (!breaker_allow(&client->breaker)) {
        error_because(err, code, "the message service could not be reached a moment ago");
    } else {
        code = perform(client, call, handle, answer, err);
        if (code)
            breaker_failure(&client->breaker);
        else
            breaker_success(&client->breaker);
    }
    curl_pool_return(client->pool, handle);
    return code;
}

/* ---- reading the answer ---- */

/* Whether an error of the service's is about what the client sent. The others say that the gateway
 * has called the wrong thing, or wrongly. */
static bool is_the_clients(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
    case ERROR_UNAUTHORIZED:
    case ERROR_NOT_FOUND:
    case ERROR_METHOD_NOT_ALLOWED:
    case ERROR_INTERNAL: return false;
    default: return true;
    }
}

/* The error that the service's problem+json names, with its text for the client. */
static enum error_code error_of_problem(const struct answer *answer, struct error *err)
{
    json_error_t fault;
    json_t *problem = NULL;
    const char *body = answer->body.data ? answer->body.data : "";
    if (json_read(body, answer->body.len, 0, &problem, &fault))
        problem = NULL;
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    enum error_code code = type ? error_from_type(type) : ERROR_NONE;
    if (!is_the_clients(code))
        code = error_because(err, ERROR_UNAVAILABLE, "the message service answered %ld",
                             answer->status);
    else if (detail)
        error_set(err, code, "%s", detail);
    if (err)
        err->retry_after_s = answer->retry_after_s;
    json_decref(problem);
    return code;
}

/* Makes the call; anything but a 2xx is an error. The caller frees the answer's body. */
static enum error_code call_service(struct message_client *client, const struct call *call,
                                    struct answer *answer, struct error *err)
{
    enum error_code code = call_within_limits(client, call, answer, err);
    if (code)
        return code;
    if (answer->status < 200 || answer->status > 299)
        return error_of_problem(answer, err);
    return ERROR_NONE;
}

__attribute__((format(printf, 3, 4))) static bool
set_url(const struct message_client *client, struct call *call, const char *format, ...)
{
    struct buffer url;
    buffer_init(&url, URL_SIZE - 1);
    buffer_append_string(&url, client->url);
    va_list args;
    va_start(args, format);
    char path[URL_SIZE];
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    buffer_append_string(&url, path);
    bool fits = !url.failed;
    if (fits)
        memcpy(call->url, url.data, url.len + 1);
    buffer_fini(&url);
    return fits;
}

/* Counts the call, which has come to `code`; that is returned. */
static enum error_code count_call(struct message_client *client, const struct call *call,
                                  enum error_code code)
{
    call_metrics_add(&client->meters[call->kind], code,
                     clock_monotonic_us(&clock_system) - call->began_us);
    return code;
}

static enum error_code unreadable(struct error *err)
{
    return error_because(err, ERROR_UNAVAILABLE, "the message service's answer cannot be read");
}

enum error_code message_client_post(struct message_client *client,
                                    const struct message_client_origin *origin,
                                    const struct message_client_post *post,
                                    struct message **ret_message, struct error *err)
{
    struct call call = {
        .kind = MESSAGE_CLIENT_POST,
        .began_us = clock_monotonic_us(&clock_system),
        .origin = origin,
        .post = post,
    };
    struct answer answer = {0};
    buffer_init(&answer.body, answer_max);
    enum error_code code = set_url(client, &call, "/rooms/%s/messages", post->room)
                               ? call_service(client, &call, &answer, err)
                               : ERROR_INTERNAL;
    uint64_t now_us = clock_monotonic_us(&clock_system);
    if (!code && (!answer.body.data ||
                  !message_from_json(answer.body.data, answer.body.len, 0, now_us, ret_message)))
        code = unreadable(err);
    if (!code)
        store_clock_date(client->config.store_clock, *ret_message, now_us);
    buffer_fini(&answer.body);
    return count_call(client, &call, code);
}

enum error_code message_client_konnichiwa(struct message_client *client,
                                          const struct message_client_origin *origin,
                                          struct buffer *ret_text, struct error *err)
{
    struct call call = {
        .kind = MESSAGE_CLIENT_KONNICHIWA,
        .began_us = clock_monotonic_us(&clock_system),
        .origin = origin,
    };
    struct answer answer = {0};
    buffer_init(&answer.body, ret_text->max);
    enum error_code code = set_url(client, &call, "/konnichiwa")
                               ? call_service(client, &call, &answer, err)
                               : ERROR_INTERNAL;
    if (!code)
        buffer_append(ret_text, answer.body.data ? answer.body.data : "", answer.body.len);
    buffer_fini(&answer.body);
    return count_call(client, &call, code);
}

enum error_code message_client_check(struct message_client *client, struct error *err)
{
    struct call call = {
        .kind = MESSAGE_CLIENT_CHECK,
        .began_us = clock_monotonic_us(&clock_system),
    };
    struct answer answer = {0};
    buffer_init(&answer.body, answer_max);
    enum error_code code = set_url(client, &call, "/konnichiwa")
                               ? call_service(client, &call, &answer, err)
                               : ERROR_INTERNAL;
    buffer_fini(&answer.body);
    return count_call(client, &call, code);
}

void message_client_metrics(struct message_client *client,
                            struct message_client_metrics *ret_metrics)
{
    ret_metrics->up = breaker_closed(&client->breaker);
    for (size_t i = 0; i < MESSAGE_CLIENT_CALLS; i++)
        call_metrics_read(&client->meters[i], &ret_metrics->calls[i]);
}
