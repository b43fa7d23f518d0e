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

/* A piece of a room's list: where the room's count stood, when Redis made the piece and when it was
 * here, and the last message of it; both are empty where no piece follows. */
struct redis_piece {
    struct message_store_position position;
    struct redis_moment moment;
    char last_id[MESSAGE_ID_SIZE];
    char last_end[24];
};

/* list.lua's: appends the piece's messages to `list`, perhaps a part of them on failure. INTERNAL.
 */
enum error_code redis_answer_listed(const redisReply *reply, const struct clock *clock,
                                    struct message_list *list, struct redis_piece *ret_piece,
                                    struct error *err) ERROR_MUST_USE;

/* Brings the pieces into the order of a list, each message once. */
void redis_answer_sort(struct message_list *list);

/* TIME's, in microseconds since 1970. INTERNAL. */
enum error_code redis_answer_time(const redisReply *reply, int64_t *ret_redis_us,
                                  struct error *err) ERROR_MUST_USE;

/* find.lua's. MESSAGE_NOT_FOUND, INTERNAL. */
enum error_code redis_answer_found(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err) ERROR_MUST_USE;

#endif
