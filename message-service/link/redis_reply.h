/*
 * What is asked of every reply of Redis, whichever command it is to.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_REPLY_H
#define TEMPMESSENGER_REDIS_REPLY_H

#include "cleanup.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* Takes NULL. */
void redis_reply_free(redisReply *reply);

CLEANUP_DEFINE(redisReply, redis_reply_free)

/* Whether `reply` is an error of this code, the first word of its text. */
bool redis_reply_is_error(const redisReply *reply, const char *code);

#endif
