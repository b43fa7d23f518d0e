/*
 * The subscriber's connection: requests, the deadline of their answers, silence, and closing. All
 * functions are the thread's.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_LINK_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_LINK_H

#include "error.h"

#include <stdint.h>

struct redis_subscriber;

/* Queues SUBSCRIBE or UNSUBSCRIBE of the room's channel. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_link_request(struct redis_subscriber *subscriber, const char *name,
                                              const char *room, struct error *err) ERROR_MUST_USE;

/* When redis_subscriber_link_look_into_silence has something to do. */
uint64_t redis_subscriber_link_alive_until_us(const struct redis_subscriber *subscriber);

/* After a silence, asks the server if it is there. TIMEOUT: it was asked, and did not answer. */
enum error_code redis_subscriber_link_look_into_silence(struct redis_subscriber *subscriber,
                                                        struct error *err) ERROR_MUST_USE;

/* Closes the connection, if there is one. */
void redis_subscriber_link_close(struct redis_subscriber *subscriber);

#endif
