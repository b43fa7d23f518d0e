/*
 * The message service as the gateway's handlers see it: one function for each thing that it can be
 * asked. The room feeds have a way of their own.
 *
 * Any thread may call any function. How calls are bounded, repeated and given up:
 * upstream_caller.h.
 *
 * Errors, besides those that the service itself answers with and that are passed on as they are:
 * UNAVAILABLE (cannot be reached, or too many calls wait for it), TIMEOUT (no answer in time).
 */
#ifndef TEMPMESSENGER_MESSAGE_CLIENT_H
#define TEMPMESSENGER_MESSAGE_CLIENT_H

#include "buffer.h"
#include "call_metrics.h"
#include "error.h"
#include "message.h"
#include "upstream_clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_client;

struct message_client_config {
    const char *url;                       /* of the message service, no slash at the end */
    const char *token;                     /* for Authorization; NULL: none */
    uint64_t timeout_ms;                   /* of a whole call */
    unsigned connections;                  /* calls at one time, at least 1 */
    struct upstream_clock *upstream_clock; /* dates the messages; NULL: nothing does */
};

/* Whose request a call serves: passed on, so that the logs of both services can be joined. */
struct message_client_origin {
    const char *request_id;
    const char *traceparent; /* NULL: none */
    const char *tracestate;  /* NULL: none */
};

/* A message to be posted, as its sender wrote it. */
struct message_client_post {
    const char *room;
    const char *content_type;
    const void *body;
    size_t len;
    /* Never NULL: it makes the repeat after a broken connection safe. */
    const char *idempotency_key;
};

/* Copies the config's strings; connects to nothing yet. NULL when out of memory. */
struct message_client *message_client_new(const struct message_client_config *config);

/* No call may be under way. Takes NULL. */
void message_client_free(struct message_client *client);

/* Posts; *ret_message is the caller's reference to what was accepted. */
enum error_code message_client_post(struct message_client *client,
                                    const struct message_client_origin *origin,
                                    const struct message_client_post *post,
                                    struct message **ret_message, struct error *err) ERROR_MUST_USE;

/* The service's greeting, appended to `ret_text`. */
enum error_code message_client_konnichiwa(struct message_client *client,
                                          const struct message_client_origin *origin,
                                          struct buffer *ret_text,
                                          struct error *err) ERROR_MUST_USE;

/* Whether the service answers, and takes our token: its greeting needs it. */
enum error_code message_client_check(struct message_client *client,
                                     struct error *err) ERROR_MUST_USE;

/* The kinds of calls that are counted. X(kind, its name among the metrics) */
#define MESSAGE_CLIENT_CALL_LIST(X)                                                                \
    X(POST, "post")                                                                                \
    X(KONNICHIWA, "konnichiwa")                                                                    \
    X(CHECK, "check")

enum message_client_call {
#define MESSAGE_CLIENT_ENUM(kind, name) MESSAGE_CLIENT_##kind,
    MESSAGE_CLIENT_CALL_LIST(MESSAGE_CLIENT_ENUM)
#undef MESSAGE_CLIENT_ENUM
        MESSAGE_CLIENT_CALLS
};

extern const char *const message_client_call_names[MESSAGE_CLIENT_CALLS];

/* For an operator. */
struct message_client_metrics {
    bool up; /* the last call was answered, or none was made yet */
    struct call_metrics_reading calls[MESSAGE_CLIENT_CALLS];
};

/* Waits for nobody. */
void message_client_metrics(struct message_client *client,
                            struct message_client_metrics *ret_metrics);

#endif
