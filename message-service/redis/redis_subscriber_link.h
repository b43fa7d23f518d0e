/*
 * The subscriber's connection: requests over it, what comes back, the silence that ends it, and
 * when the next one may be tried.
 *
 * All functions are the subscriber's thread's.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_LINK_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_LINK_H

#include "redis_connection.h"

enum {
    REDIS_SUBSCRIBER_LINK_PING_US = 2000 * 1000,        /* of silence before a PING, */
    REDIS_SUBSCRIBER_LINK_ANSWER_US = 3000 * 1000,      /* for which an answer may take so long */
    REDIS_SUBSCRIBER_LINK_BACKOFF_MIN_US = 50 * 1000,   /* between tries to connect, */
    REDIS_SUBSCRIBER_LINK_BACKOFF_MAX_US = 2000 * 1000, /* doubling each time */
};

struct redis_subscriber_link {
    struct redis_url url;
    uint64_t timeout_us; /* to connect, and for each answer */
    int stop_fd;         /* borrowed */

    struct redis_connection *connection; /* NULL: none */
    unsigned unanswered;                 /* requests under way */
    uint64_t heard_us;                   /* from the server, or asked after having heard */
    uint64_t connected_us;
    uint64_t connect_at_us; /* the next try */
    uint64_t backoff_us;
    bool lost; /* from a failure that was logged to redis_subscriber_link_restored */
};

/* Connects to nothing yet. `url` is copied. */
void redis_subscriber_link_init(struct redis_subscriber_link *link, const struct redis_url *url,
                                uint64_t timeout_us, int stop_fd);

/* Closes, and wipes the password. */
void redis_subscriber_link_fini(struct redis_subscriber_link *link);

/* Connects. UNAVAILABLE, TIMEOUT. */
enum error_code redis_subscriber_link_open(struct redis_subscriber_link *link,
                                           struct error *err) ERROR_MUST_USE;

/* Closes the connection, if there is one. */
void redis_subscriber_link_close(struct redis_subscriber_link *link);

/* Closes after a failure, which is logged once an outage, and puts the next try off. */
void redis_subscriber_link_lose(struct redis_subscriber_link *link, const struct error *err);

/* The subscription works again: ends the outage, if there was one. */
void redis_subscriber_link_restored(struct redis_subscriber_link *link);

/* Queues SUBSCRIBE or UNSUBSCRIBE of the channel. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_link_request(struct redis_subscriber_link *link, const char *name,
                                              const char *channel,
                                              struct error *err) ERROR_MUST_USE;

/* Sends what of the queue the socket takes. UNAVAILABLE. */
enum error_code redis_subscriber_link_send(struct redis_subscriber_link *link,
                                           struct error *err) ERROR_MUST_USE;

/* Reads what is there. UNAVAILABLE. */
enum error_code redis_subscriber_link_receive(struct redis_subscriber_link *link,
                                              struct error *err) ERROR_MUST_USE;

/*
 * The next of what was read, or NULL; the caller frees *ret_push with redis_reply_free. It is an
 * array of three elements (what: "subscribe", "unsubscribe" or "message"; the channel; its
 * payload), of which the first is a string. UNAVAILABLE: the connection is lost, or the server
 * answered with an error.
 */
enum error_code redis_subscriber_link_next(struct redis_subscriber_link *link,
                                           redisReply **ret_push, struct error *err) ERROR_MUST_USE;

/* When redis_subscriber_link_check_silence has something to do. */
uint64_t redis_subscriber_link_silent_at_us(const struct redis_subscriber_link *link);

/* Sends a PING after a silence. TIMEOUT: a request was not answered in time. */
enum error_code redis_subscriber_link_check_silence(struct redis_subscriber_link *link,
                                                    struct error *err) ERROR_MUST_USE;

#endif
