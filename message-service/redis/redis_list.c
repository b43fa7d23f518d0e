/*
 * The call of scripts/list.lua: its keys and its answer. Over which connection it goes is the
 * pool's to choose.
 */
#include "redis_list.h"

#include "redis_answer.h"
#include "redis_key.h"
#include "redis_scripts.h"

enum error_code redis_list(struct redis_pool *pool, const char *prefix, const char *room,
                           const struct clock *clock, struct message_list *ret_list,
                           struct redis_moment *ret_moment, struct error *err)
{
    char index[REDIS_KEY_SIZE], event[REDIS_KEY_SIZE], message_prefix[REDIS_KEY_SIZE];
    redis_key_make(prefix, room, REDIS_KEY_INDEX, "", index);
    redis_key_make(prefix, room, REDIS_KEY_EVENT, "", event);
    redis_key_make(prefix, room, REDIS_KEY_MESSAGE, "", message_prefix);
    struct redis_command command = {0};
    redis_pool_eval_begin(&command, &redis_scripts_list, "2");
    redis_command_add_string(&command, index);
    redis_command_add_string(&command, event);
    redis_command_add_string(&command, message_prefix);
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    enum error_code code = redis_pool_eval(pool, &redis_scripts_list, &command, &reply, err);
    return code ? code : redis_answer_listed(reply, clock, ret_list, ret_moment, err);
}
