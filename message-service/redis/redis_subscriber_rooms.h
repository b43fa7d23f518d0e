/*
 * What a watched room goes through, on the subscriber's thread.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_ROOMS_H

#include "error.h"
#include "redis_reply.h"
#include "redis_watches.h"

#include <stdint.h>

struct redis_subscriber;

/* Does what the room needs next; it may be freed. UNAVAILABLE: the connection is lost. */
enum error_code redis_subscriber_rooms_settle(struct redis_subscriber *subscriber,
                                              struct redis_watch *room,
                                              struct error *err) ERROR_MUST_USE;

/* There is no connection and will be none for a while: tells the rooms. */
void redis_subscriber_rooms_lose(struct redis_subscriber *subscriber);

/* Takes in what the server sent. UNAVAILABLE: the connection cannot go on. */
enum error_code redis_subscriber_rooms_handle(struct redis_subscriber *subscriber,
                                              const redisReply *reply,
                                              struct error *err) ERROR_MUST_USE;

/* Lists the room whose turn it is, if there is one. */
void redis_subscriber_rooms_list_next(struct redis_subscriber *subscriber);

/* When redis_subscriber_rooms_list_next has something to do; UINT64_MAX: never. */
uint64_t redis_subscriber_rooms_list_at_us(const struct redis_subscriber *subscriber);

#endif
