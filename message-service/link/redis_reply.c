/*
 * hiredis frees a reply through a pointer to void, which fits no CLEANUP, and leaves the code of an
 * error in its text.
 */
#include "redis_reply.h"

#include <string.h>

void redis_reply_free(redisReply *reply)
{
    freeReplyObject(reply);
}

bool redis_reply_is_error(const redisReply *reply, const char *code)
{
    size_t len = strlen(code);
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
           (reply->str[len] == ' ' || reply->str[len] == '\0');
}
