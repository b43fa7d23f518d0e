/*
 * What Redis answers, as hiredis reads it.
 */
#ifndef TEMPMESSENGER_REDIS_REPLY_H
#define TEMPMESSENGER_REDIS_REPLY_H

#include "cleanup.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

/* For a local reply; it may be NULL. */
static inline void redis_reply_free(redisReply *reply)
{
    freeReplyObject(reply);
}

CLEANUP_DEFINE(redisReply, redis_reply_free)

/* Whether `reply` is an error of this code, the first word of its text. */
bool redis_reply_is_error(const redisReply *reply, const char *code);

#endif
