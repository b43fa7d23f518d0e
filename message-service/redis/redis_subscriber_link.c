/*
 * A connection may die without a word: after a silence the server is asked if it is there, and a
 * request that is not answered in time is the end of the connection.
 */
#include "redis_subscriber_link.h"

#include "redis_subscriber_private.h"

static uint64_t now_us(void)
{
    return clock_monotonic_us(&clock_system);
}

static enum error_code request(struct redis_subscriber *subscriber,
                               const struct redis_command *command, struct error *err)
{
    if (!subscriber->unanswered++)
        subscriber->heard_us = now_us(); /* the time to answer begins */
    return redis_connection_queue(subscriber->connection, command, err);
}

enum error_code redis_subscriber_link_request(struct redis_subscriber *subscriber, const char *name,
                                              const char *room, struct error *err)
{
    char channel[REDIS_KEY_SIZE];
    redis_key_make_channel(subscriber->prefix, room, subscriber->url.db, channel);
    struct redis_command command = {0};
    redis_command_add_string(&command, name);
    redis_command_add_string(&command, channel);
    return request(subscriber, &command, err);
}

uint64_t redis_subscriber_link_alive_until_us(const struct redis_subscriber *subscriber)
{
    return subscriber->heard_us +
           (subscriber->unanswered ? subscriber->timeout_us : REDIS_SUBSCRIBER_PING_US);
}

enum error_code redis_subscriber_link_look_into_silence(struct redis_subscriber *subscriber,
                                                        struct error *err)
{
    if (now_us() < redis_subscriber_link_alive_until_us(subscriber))
        return ERROR_NONE;
    if (subscriber->unanswered)
        return error_because(err, ERROR_TIMEOUT, "redis: no answer in time");
    struct redis_command command = {0};
    redis_command_add_string(&command, "PING");
    return request(subscriber, &command, err);
}

void redis_subscriber_link_close(struct redis_subscriber *subscriber)
{
    redis_connection_free(subscriber->connection);
    subscriber->connection = NULL;
}
