/*
 * The scripts' answers, validated and made into messages.
 *
 * `clock` is read here, when the answer has come: the message's end on it is the life that the
 * message has left from then. Pure but for that. Any thread. INTERNAL: out of memory, or an answer
 * of unexpected form; the cause says which.
 */
#ifndef TEMPMESSENGER_REDIS_ANSWER_H
#define TEMPMESSENGER_REDIS_ANSWER_H

#include "clock.h"
#include "message_list.h"
#include "redis_message.h"

#include <hiredis/hiredis.h>

/* save.lua's. ROOM_FULL, IDEMPOTENCY_KEY_REUSED, INTERNAL. */
enum error_code redis_answer_saved(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err) ERROR_MUST_USE;

/* Whether save.lua has to be called again, since the room is still being measured. */
bool redis_answer_again(const redisReply *reply) ERROR_MUST_USE;

/* list.lua's; *ret_moment is when Redis made the list and when it was here. INTERNAL. */
enum error_code redis_answer_listed(const redisReply *reply, const struct clock *clock,
                                    struct message_list *ret_list, struct redis_moment *ret_moment,
                                    struct error *err) ERROR_MUST_USE;

/* TIME's, in microseconds since 1970. INTERNAL. */
enum error_code redis_answer_time(const redisReply *reply, int64_t *ret_redis_us,
                                  struct error *err) ERROR_MUST_USE;

/* find.lua's. MESSAGE_NOT_FOUND, INTERNAL. */
enum error_code redis_answer_found(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err) ERROR_MUST_USE;

#endif
