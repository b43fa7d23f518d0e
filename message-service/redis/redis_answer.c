/*
 * All times are Redis'. On our monotonic clock a message ends when the life that it has left is
 * over, counted from when the answer came: the clocks of hosts need not agree, and no message ends
 * early.
 *
 * An answer of another form than the script's own is INTERNAL: no part of it is used.
 */
#include "redis_answer.h"

#include "redis_message.h"

#include <stdlib.h>
#include <string.h>

static enum error_code misread(struct error *err)
{
    return error_because(err, ERROR_INTERNAL, "redis: unexpected form of an answer");
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

static bool is_time(const redisReply *reply)
{
    return is_integer(reply) && reply->integer <= REDIS_MESSAGE_TIME_MAX_MS;
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

bool redis_answer_again(const redisReply *reply)
{
    return is_array(reply, 1) && is_string(reply->element[0]) &&
           strcmp(reply->element[0]->str, "again") == 0;
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
    if (reply->elements < 3 || !is_time(reply->element[1]) || !is_string(reply->element[2]))
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

void redis_answer_sort(struct message_list *list)
{
    size_t kept = 0;
    if (list->count)
        qsort(list->messages, list->count, sizeof(struct message *), compare_messages);
    for (size_t i = 0; i < list->count; i++) {
        struct message *message = list->messages[i];
        if (kept && strcmp(list->messages[kept - 1]->id, message->id) == 0)
            message_release(message);
        else
            list->messages[kept++] = message;
    }
    list->count = kept;
}

/* Appends the messages of `jsons` to `list`. Skips what is no message of ours: one foreign value
 * must not hide a whole room. */
static enum error_code append_messages(const redisReply *jsons, const struct redis_moment *moment,
                                       struct message_list *list)
{
    if (jsons->elements == 0)
        return ERROR_NONE;
    struct message **grown =
        realloc(list->messages, (list->count + jsons->elements) * sizeof(struct message *));
    if (!grown)
        return ERROR_INTERNAL;
    list->messages = grown;
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
    return ERROR_NONE;
}

/* Copies a string that is shorter than `size`. */
static bool copy_short(const redisReply *reply, char *to, size_t size)
{
    if (!is_string(reply) || reply->len >= size)
        return false;
    memcpy(to, reply->str, reply->len + 1);
    return true;
}

enum error_code redis_answer_listed(const redisReply *reply, const struct clock *clock,
                                    struct message_list *list, struct redis_piece *ret_piece,
                                    struct error *err)
{
    if (!is_array(reply, 6) || !is_time(reply->element[0]) || !is_integer(reply->element[1]) ||
        !is_integer(reply->element[2]) || !is_array(reply->element[3], 0))
        return misread(err);
    struct redis_piece piece = {
        .position = {.epoch = (uint64_t)reply->element[2]->integer,
                     .number = (uint64_t)reply->element[1]->integer},
        .moment = moment_of(reply->element[0], clock),
    };
    if (!copy_short(reply->element[4], piece.last_id, sizeof piece.last_id) ||
        !copy_short(reply->element[5], piece.last_end, sizeof piece.last_end))
        return misread(err);
    enum error_code code = append_messages(reply->element[3], &piece.moment, list);
    if (code)
        return error_because(err, code, "out of memory");
    *ret_piece = piece;
    return ERROR_NONE;
}

/* Reads a string of nothing but digits; at most 15, which is far from overflow. */
static bool read_digits(const redisReply *reply, int64_t *ret_number)
{
    enum { DIGITS_MAX = 15 };
    if (!is_string(reply) || reply->len == 0 || reply->len > DIGITS_MAX ||
        strspn(reply->str, "0123456789") != reply->len)
        return false;
    *ret_number = strtoll(reply->str, NULL, 10);
    return true;
}

enum error_code redis_answer_time(const redisReply *reply, int64_t *ret_redis_us, struct error *err)
{
    int64_t seconds, microseconds;
    if (!is_array(reply, 2) || !read_digits(reply->element[0], &seconds) ||
        !read_digits(reply->element[1], &microseconds) ||
        seconds > REDIS_MESSAGE_TIME_MAX_MS / 1000 || microseconds >= 1000000)
        return misread(err);
    *ret_redis_us = seconds * 1000000 + microseconds;
    return ERROR_NONE;
}

enum error_code redis_answer_found(const redisReply *reply, const struct clock *clock,
                                   struct message **ret_message, struct error *err)
{
    if (!is_array(reply, 2) || !is_time(reply->element[0]))
        return misread(err);
    const redisReply *json = reply->element[1];
    if (!is_string(json))
        return ERROR_MESSAGE_NOT_FOUND;
    struct redis_moment moment = moment_of(reply->element[0], clock);
    return redis_message_read(json->str, json->len, &moment, ret_message);
}
