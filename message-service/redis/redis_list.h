/*
 * Listing a room: the one call that the store and the subscriber share.
 */
#ifndef TEMPMESSENGER_REDIS_LIST_H
#define TEMPMESSENGER_REDIS_LIST_H

#include "message_list.h"
#include "redis_moment.h"
#include "redis_pool.h"

/* As message_store_list; *ret_moment is when the list was true. */
enum error_code redis_list(struct redis_pool *pool, const char *prefix, const char *room,
                           const struct clock *clock, struct message_list *ret_list,
                           struct redis_moment *ret_moment, struct error *err) ERROR_MUST_USE;

#endif
