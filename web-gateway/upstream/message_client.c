/*
 * What each call says and what its answer means. How it gets there and back is upstream_caller's.
 */
#include "message_client.h"

#include "json_read.h"
#include "upstream_caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer at its longest: one message. */
enum { ANSWER_MAX = 1024 * 1024 };

#define CALL_NAME(kind, name) [MESSAGE_CLIENT_##kind] = (name),
const char *const message_client_call_names[] = {MESSAGE_CLIENT_CALL_LIST(CALL_NAME)};
#undef CALL_NAME

_Static_assert(sizeof message_client_call_names / sizeof *message_client_call_names ==
                   MESSAGE_CLIENT_CALLS,
               "each kind of call has a name");

struct message_client {
    char *url;
    char *token;
    struct upstream_clock *upstream_clock;
    struct upstream_caller caller;
    struct call_metrics meters[MESSAGE_CLIENT_CALLS];
};

struct message_client *message_client_new(const struct message_client_config *config)
{
    struct message_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->upstream_clock = config->upstream_clock;
    client->url = strdup(config->url);
    client->token = config->token ? strdup(config->token) : NULL;
    const struct upstream_request_target target = {client->url, client->token};
    bool made =
        upstream_caller_init(&client->caller, &target, config->timeout_ms, config->connections);
    if (made && client->url && (client->token || !config->token))
        return client;
    message_client_free(client);
    return NULL;
}

void message_client_free(struct message_client *client)
{
    if (!client)
        return;
    upstream_caller_fini(&client->caller);
    free(client->url);
    free(client->token);
    free(client);
}

/* ---- errors that the service answers with ---- */

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
static enum error_code error_of_problem(const struct upstream_caller_answer *answer,
                                        struct error *err)
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

/* ---- the calls ---- */

/* Makes a call; any answer but a 2xx is an error. *ret_body, of at most `max` bytes, is the
 * caller's to free, also after an error. */
static enum error_code call(struct message_client *client,
                            const struct upstream_caller_request *request, size_t max,
                            struct buffer *ret_body, struct error *err)
{
    struct upstream_caller_answer answer = {0};
    buffer_init(&answer.body, max);
    enum error_code code = upstream_caller_call(&client->caller, request, &answer, err);
    if (!code && (answer.status < 200 || answer.status > 299))
        code = error_of_problem(&answer, err);
    *ret_body = answer.body;
    return code;
}

/* Counts a call that began at `began_us` and came to `code`, which is returned. */
static enum error_code count(struct message_client *client, enum message_client_call kind,
                             uint64_t began_us, enum error_code code)
{
    call_metrics_add(&client->meters[kind], code, clock_now_us() - began_us);
    return code;
}

/* The message in the answer to a post. */
static enum error_code read_message(struct message_client *client, const struct buffer *body,
                                    struct message **ret_message, struct error *err)
{
    uint64_t now_us = clock_now_us();
    if (!body->data || !message_from_json(body->data, body->len, 0, now_us, ret_message))
        return error_because(err, ERROR_UNAVAILABLE, "the message service's answer cannot be read");
    upstream_clock_date(client->upstream_clock, *ret_message, now_us);
    return ERROR_NONE;
}

enum error_code message_client_post(struct message_client *client,
                                    const struct message_client_origin *origin,
                                    const struct message_client_post *post,
                                    struct message **ret_message, struct error *err)
{
    char path[UPSTREAM_REQUEST_PATH_SIZE];
    const struct upstream_caller_header headers[] = {
        {"X-Request-Id", origin->request_id},       {"traceparent", origin->traceparent},
        {"tracestate", origin->tracestate},         {"Content-Type", post->content_type},
        {"Idempotency-Key", post->idempotency_key},
    };
    const struct upstream_caller_request request = {
        .path = path,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = post->body,
        .len = post->len,
    };
    struct buffer body;
    uint64_t began_us = clock_now_us();
    snprintf(path, sizeof path, "/rooms/%s/messages", post->room);
    enum error_code code = call(client, &request, ANSWER_MAX, &body, err);
    if (!code)
        code = read_message(client, &body, ret_message, err);
    buffer_fini(&body);
    return count(client, MESSAGE_CLIENT_POST, began_us, code);
}

/* Appends the greeting to `ret_text`. `origin` NULL: nobody's request is served. */
static enum error_code get_konnichiwa(struct message_client *client, enum message_client_call kind,
                                      const struct message_client_origin *origin,
                                      struct buffer *ret_text, struct error *err)
{
    const struct upstream_caller_header headers[] = {
        {"X-Request-Id", origin ? origin->request_id : NULL},
        {"traceparent", origin ? origin->traceparent : NULL},
        {"tracestate", origin ? origin->tracestate : NULL},
    };
    const struct upstream_caller_request request = {
        .path = "/konnichiwa",
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
    };
    struct buffer body;
    uint64_t began_us = clock_now_us();
    enum error_code code = call(client, &request, ret_text->max, &body, err);
    if (!code)
        buffer_append(ret_text, body.data ? body.data : "", body.len);
    buffer_fini(&body);
    return count(client, kind, began_us, code);
}

enum error_code message_client_konnichiwa(struct message_client *client,
                                          const struct message_client_origin *origin,
                                          struct buffer *ret_text, struct error *err)
{
    return get_konnichiwa(client, MESSAGE_CLIENT_KONNICHIWA, origin, ret_text, err);
}

enum error_code message_client_check(struct message_client *client, struct error *err)
{
    struct buffer text;
    buffer_init(&text, ANSWER_MAX);
    enum error_code code = get_konnichiwa(client, MESSAGE_CLIENT_CHECK, NULL, &text, err);
    buffer_fini(&text);
    return code;
}

void message_client_metrics(struct message_client *client,
                            struct message_client_metrics *ret_metrics)
{
    ret_metrics->up = upstream_caller_up(&client->caller);
    for (size_t i = 0; i < MESSAGE_CLIENT_CALLS; i++)
        call_metrics_read(&client->meters[i], &ret_metrics->calls[i]);
}
