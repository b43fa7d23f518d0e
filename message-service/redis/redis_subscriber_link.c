/*
 * A connection may die without a word. After a silence the server is sent a PING, and a request
 * that is not answered in time ends the connection. Redis disconnects a subscriber that falls too
 * far behind (client-output-buffer-limit): a lost connection like any other, and the lists after it
 * contain what was missed.
 *
 * Which channels are joined is the business of redis_subscriber_rooms.c; when to do what, of
 * redis_subscriber_thread.c.
 */
#include "redis_subscriber_link.h"

#include "clock.h"
#include "log.h"

#include <string.h>
#include <sys/random.h>

void redis_subscriber_link_init(struct redis_subscriber_link *link, const struct redis_url *url,
                                uint64_t timeout_us, int stop_fd)
{
    *link = (struct redis_subscriber_link){
        .url = *url,
        .timeout_us = timeout_us,
        .stop_fd = stop_fd,
        .backoff_us = REDIS_SUBSCRIBER_LINK_BACKOFF_MIN_US,
    };
}

void redis_subscriber_link_fini(struct redis_subscriber_link *link)
{
    redis_subscriber_link_close(link);
    explicit_bzero(&link->url, sizeof link->url);
}

/* ---- opening and closing ---- */

enum error_code redis_subscriber_link_open(struct redis_subscriber_link *link, struct error *err)
{
    enum error_code code = redis_connection_open(&link->url, clock_now_us() + link->timeout_us,
                                                 link->stop_fd, &link->connection, err);
    link->connected_us = link->heard_us = clock_now_us();
    link->unanswered = 0;
    return code;
}

void redis_subscriber_link_close(struct redis_subscriber_link *link)
{
    redis_connection_free(link->connection);
    link->connection = NULL;
}

/* From a half to one and a half times the delay: services that lost the same server do not
 * reconnect all at once. */
static uint64_t with_jitter(uint64_t delay_us)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = UINT32_MAX / 2;
    return delay_us / 2 + (delay_us * random >> 32);
}

void redis_subscriber_link_lose(struct redis_subscriber_link *link, const struct error *err)
{
    if (!link->lost)
        log_write(LOG_LEVEL_WARNING, "Redis subscription lost", LOG_TEXT("cause", err->cause));
    link->lost = true;
    uint64_t lived_us = link->connection ? clock_now_us() - link->connected_us : 0;
    if (lived_us > REDIS_SUBSCRIBER_LINK_BACKOFF_MAX_US)
        link->backoff_us = REDIS_SUBSCRIBER_LINK_BACKOFF_MIN_US;
    redis_subscriber_link_close(link);
    link->connect_at_us = clock_now_us() + with_jitter(link->backoff_us);
    link->backoff_us *= 2;
    if (link->backoff_us > REDIS_SUBSCRIBER_LINK_BACKOFF_MAX_US)
        link->backoff_us = REDIS_SUBSCRIBER_LINK_BACKOFF_MAX_US;
}

void redis_subscriber_link_restored(struct redis_subscriber_link *link)
{
    if (link->lost)
        log_write(LOG_LEVEL_INFO, "Redis subscription restored");
    link->lost = false;
}

/* ---- what is sent ---- */

static enum error_code queue(struct redis_subscriber_link *link,
                             const struct redis_command *command, struct error *err)
{
    if (!link->unanswered++)
        link->heard_us = clock_now_us(); /* the time to answer begins */
    return redis_connection_queue(link->connection, command, err);
}

enum error_code redis_subscriber_link_request(struct redis_subscriber_link *link, const char *name,
                                              const char *channel, struct error *err)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, name);
    redis_command_add_string(&command, channel);
    return queue(link, &command, err);
}

enum error_code redis_subscriber_link_send(struct redis_subscriber_link *link, struct error *err)
{
    if (!redis_connection_has_unsent(link->connection))
        return ERROR_NONE;
    return redis_connection_send(link->connection, err);
}

/* ---- what comes back ---- */

enum error_code redis_subscriber_link_receive(struct redis_subscriber_link *link, struct error *err)
{
    enum error_code code = redis_connection_receive(link->connection, err);
    link->heard_us = clock_now_us();
    return code;
}

static bool is_push(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
           reply->element[0]->type == REDIS_REPLY_STRING;
}

enum error_code redis_subscriber_link_next(struct redis_subscriber_link *link,
                                           redisReply **ret_push, struct error *err)
{
    for (;;) {
        CLEANUP(redis_reply_free) redisReply *reply = NULL;
        enum error_code code = redis_connection_next_reply(link->connection, &reply, err);
        if (!code && reply && reply->type == REDIS_REPLY_ERROR)
            code = error_because(err, ERROR_UNAVAILABLE, "redis: %s", reply->str);
        if (code)
            return code;
        bool push = reply && is_push(reply);
        bool answer = reply && !(push && strcmp(reply->element[0]->str, "message") == 0);
        if (answer && link->unanswered)
            link->unanswered--;
        if (push || !reply) {
            *ret_push = reply;
            reply = NULL;
            return ERROR_NONE;
        }
    }
}

/* ---- silence ---- */

uint64_t redis_subscriber_link_silent_at_us(const struct redis_subscriber_link *link)
{
    uint64_t answer_us = link->timeout_us < REDIS_SUBSCRIBER_LINK_ANSWER_US
                             ? link->timeout_us
                             : REDIS_SUBSCRIBER_LINK_ANSWER_US;
    return link->heard_us + (link->unanswered ? answer_us : REDIS_SUBSCRIBER_LINK_PING_US);
}

enum error_code redis_subscriber_link_check_silence(struct redis_subscriber_link *link,
                                                    struct error *err)
{
    if (clock_now_us() < redis_subscriber_link_silent_at_us(link))
        return ERROR_NONE;
    if (link->unanswered)
        return error_because(err, ERROR_TIMEOUT, "redis: no answer in time");
    struct redis_command command = {0};
    redis_command_add_string(&command, "PING");
    return queue(link, &command, err);
}
