/*
 * Listing a room: the one call that the store and the subscriber share.
 */
#ifndef TEMPMESSENGER_REDIS_LIST_H
#define TEMPMESSENGER_REDIS_LIST_H

#include "message_list.h"
#include "redis_ended.h"
#include "redis_moment.h"
#include "redis_pool.h"

/* What listing needs; all borrowed. */
struct redis_lister {
    struct redis_pool *pool;
    const char *prefix;
    const struct clock *clock;
    struct redis_ended *ended;
};

/* As message_store_list; *ret_moment is when the last piece was made. */
enum error_code redis_list(const struct redis_lister *lister, const char *room,
                           struct message_list *ret_list, struct redis_moment *ret_moment,
                           struct error *err) ERROR_MUST_USE;

#endif
