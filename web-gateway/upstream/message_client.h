/*
 * The message service, called over HTTP: the gateway's one way to it, but for the room feeds.
 *
 * Any thread may call any function; a call blocks for at most the timeout, its repeat included.
 * Calls are bounded in number, each on a kept-alive connection of its own; beyond that they wait a
 * little (MESSAGE_CLIENT_WAIT_MS), then fail.
 * After a failure to reach the service calls fail at once for a moment (breaker.h).
 *
 * Errors, besides those that the service itself answers with and that are passed on as they are:
 * UNAVAILABLE (cannot be reached, or too many calls wait for it), TIMEOUT (no answer in time).
 */
#ifndef TEMPMESSENGER_MESSAGE_CLIENT_H
#define TEMPMESSENGER_MESSAGE_CLIENT_H

#include "board.h"
#include "buffer.h"
#include "call_metrics.h"
#include "error.h"
#include "message.h"
#include "store_clock.h"

#include <stddef.h>
#include <stdint.h>

/* How long a call waits for one of the others to end: long beside a call that goes well, short beside
 * one that hangs. */
enum { MESSAGE_CLIENT_WAIT_MS = 100 };

struct message_client;

struct message_client_config {
    const char *url;                 /* of the message service, no slash at the end */
    const char *token;               /* for Authorization; NULL: none */
    uint64_t timeout_ms;             /* of a whole call */
    unsigned connections;            /* calls at one time, at least 1 */
    struct store_clock *store_clock; /* dates the messages; NULL: nothing does */
};

/* Whose request a call serves: passed on, so that the logs of both services can be joined. */
struct message_client_origin {
    const char *request_id;
    const char *traceparent; /* NULL: none */
};

/* A message to be posted, as its sender wrote it. */
struct message_client_post {
    const char *room;
    const char *content_type;
    const void *body;
    size_t len;
    const char
        *idempotency_key; /* never NULL: it makes the repeat after a broken connection safe */
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

/* Whether the service answers, and to us: its greeting needs the token. */
enum error_code message_client_check(struct message_client *client,
                                     struct error *err) ERROR_MUST_USE;

/* The calls that are counted. */
enum message_client_call {
    MESSAGE_CLIENT_POST,
    MESSAGE_CLIENT_KONNICHIWA,
    MESSAGE_CLIENT_CHECK,
    MESSAGE_CLIENT_CALLS
};

/* What an operator is told. */
struct message_client_metrics {
    bool up; /* the last call that was made was answered, or none was made yet */
    struct call_metrics_reading calls[MESSAGE_CLIENT_CALLS];
};

/* Waits for nobody. */
void message_client_metrics(struct message_client *client,
                            struct message_client_metrics *ret_metrics);

#endif
