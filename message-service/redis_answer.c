/*
 * All times are Redis'. A message's end is taken to our monotonic clock as the life that it has
 * left, counted from when the answer came: the clocks of hosts need not agree, and no message ends
 * early.
 *
 * An answer of another form than the script's own is INTERNAL: there is no half of it to be shown.
 */
#include "redis_answer.h"

#include "redis_message.h"

#include <stdlib.h>
#include <string.h>

static enum error_code misread(struct error *err)
{
    return error_because(err, ERROR_INTERNAL, "redis: an answer of unexpected form");
}

static bool is_array(const redisReply *reply, size_t elements)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements;
}

static bool is_integer(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0;
}

static bool is_string(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* The moment at which Redis answered `now_ms`, taken when the answer is here. */
static struct redis_moment moment_of(const redisReply *now_ms, const struct clock *clock)
{
    return (struct redis_moment){now_ms->integer, clock_monotonic_us(clock)};
}

static enum error_code full(const redisReply *reply, struct error *err)
{
    if (reply->elements < 2 || !is_integer(reply->element[1]))
        return misread(err);
    if (err)
        err->retry_after_s = (uint32_t)((reply->element[1]->integer + 999) / 1000);
    return ERROR_ROOM_FULL;
}

enum error_code redis_answer_saved(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err)
{
    if (!is_array(reply, 1) || !is_string(reply->element[0]))
        return misread(err);
    const char *outcome = reply->element[0]->str;
    if (strcmp(outcome, "full") == 0)
        return full(reply, err);
    if (strcmp(outcome, "reused") == 0)
        return ERROR_IDEMPOTENCY_KEY_REUSED;
    if (reply->elements < 3 || !is_integer(reply->element[1]) || !is_string(reply->element[2]))
        return misread(err);
    struct redis_moment moment = moment_of(reply->element[1], clock);
    const redisReply *json = reply->element[2];
    enum error_code code = redis_message_read(json->str, json->len, &moment, ret_message);
    return code == ERROR_MESSAGE_NOT_FOUND ? misread(err) : code;
}

/* By end, and by number where two end together. */
static int compare_messages(const void *a, const void *b)
{
    const struct message *first = *(struct message *const *)a;
    const struct message *second = *(struct message *const *)b;
    if (first->expires_at_ms != second->expires_at_ms)
        return first->expires_at_ms < second->expires_at_ms ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

/* Reads the messages of `jsons` into `list`. What is no message of ours is passed over: one foreign
 * value must not hide a whole room. */
static enum error_code read_messages(const redisReply *jsons, const struct redis_moment *moment,
                                     struct message_list *list)
{
    if (jsons->elements == 0)
        return ERROR_NONE;
    list->messages = calloc(jsons->elements, sizeof(struct message *));
    if (!list->messages)
        return ERROR_INTERNAL;
    for (size_t i = 0; i < jsons->elements; i++) {
        const redisReply *json = jsons->element[i];
        if (!is_string(json))
            continue;
        struct message **at = &list->messages[list->count];
        enum error_code code = redis_message_read(json->str, json->len, moment, at);
        if (code == ERROR_INTERNAL)
            return code;
        list->count += code == ERROR_NONE;
    }
    qsort(list->messages, list->count, sizeof(struct message *), compare_messages);
    return ERROR_NONE;
}

enum error_code redis_answer_listed(const redisReply *reply, const struct clock *clock,
                                    struct message_list *ret_list, struct error *err)
{
    if (!is_array(reply, 4) || !is_integer(reply->element[0]) || !is_integer(reply->element[1]) ||
        !is_integer(reply->element[2]) || !is_array(reply->element[3], 0))
        return misread(err);
    struct redis_moment moment = moment_of(reply->element[0], clock);
    struct message_list list = {
        .last_number = (uint64_t)reply->element[1]->integer,
        .epoch = (uint64_t)reply->element[2]->integer,
    };
    enum error_code code = read_messages(reply->element[3], &moment, &list);
    if (code) {
        message_list_fini(&list);
        return error_because(err, code, "out of memory");
    }
    *ret_list = list;
    return ERROR_NONE;
}

enum error_code redis_answer_found(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err)
{
    if (!is_array(reply, 2) || !is_integer(reply->element[0]))
        return misread(err);
    const redisReply *json = reply->element[1];
    if (!is_string(json))
        return ERROR_MESSAGE_NOT_FOUND;
    struct redis_moment moment = moment_of(reply->element[0], clock);
    return redis_message_read(json->str, json->len, &moment, ret_message);
}
