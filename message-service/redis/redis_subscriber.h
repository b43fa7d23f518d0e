/*
 * What Redis publishes of the rooms that are watched: one connection and one thread for all of
 * them, started by the first watch, and a second connection to list rooms over.
 *
 * Any thread may watch and unwatch. The listener is called by the subscriber's thread alone.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_H

#include "clock.h"
#include "error.h"
#include "message_store_listener.h"
#include "redis_ended.h"
#include "redis_url.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_subscriber_config {
    const struct redis_url *url; /* copied, as is the prefix */
    const char *prefix;
    uint64_t timeout_ms;       /* to connect, and for each answer */
    const struct clock *clock; /* of the messages' ends; borrowed for the subscriber's life */
    struct redis_ended *ended; /* borrowed likewise */
};

struct redis_subscriber;

/* Connects to nothing yet. INTERNAL when out of memory or of file descriptors. */
enum error_code redis_subscriber_new(const struct redis_subscriber_config *config,
                                     struct redis_subscriber **ret_subscriber,
                                     struct error *err) ERROR_MUST_USE;

/* Ends the thread, also in the middle of a call to Redis. Takes NULL. */
void redis_subscriber_free(struct redis_subscriber *subscriber);

/* As message_store_listen, message_store_watch (false also without a thread) and
 * message_store_unwatch. */
void redis_subscriber_listen(struct redis_subscriber *subscriber,
                             const struct message_store_listener *listener);
bool redis_subscriber_watch(struct redis_subscriber *subscriber, const char *room) ERROR_MUST_USE;
void redis_subscriber_unwatch(struct redis_subscriber *subscriber, const char *room);

#endif
