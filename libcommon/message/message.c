/*
 * One allocation holds the struct, the texts and the rendered JSON. The C library does the
 * calendar; it reads times too leniently, so a time that was read is written again and compared.
 *
 * The API's JSON is read here too, so that one file knows the form of a message. The rules for
 * senders are draft.c's: a message from a store or an upstream is checked for its form alone.
 */
#include "message.h"

#include "json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The longest JSON of a message: six bytes for each byte of the text, and the other members. */
enum { MESSAGE_JSON_MAX = 1024 * 1024 };

static void copy_string(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void append_json_member(struct buffer *json, const char *name, const char *value)
{
    buffer_append_string(json, name);
    buffer_append_json_string(json, value, strlen(value));
}

static void append_json_head(struct buffer *json, const struct message_fields *fields)
{
    char time[MESSAGE_TIME_SIZE];
    append_json_member(json, "{\"id\":", fields->id);
    append_json_member(json, ",\"room\":", fields->room);
    if (fields->author)
        append_json_member(json, ",\"author\":", fields->author);
    append_json_member(json, ",\"message\":", fields->text);
    message_time_format(fields->created_at_ms, time);
    append_json_member(json, ",\"created_at\":", time);
    message_time_format(fields->expires_at_ms, time);
    append_json_member(json, ",\"expires_at\":", time);
    buffer_append_string(json, ",\"expires_in\":");
}

/* Copies `len` bytes and a NUL to *at and moves *at behind them. */
static const char *place(char **at, const char *bytes, size_t len)
{
    char *placed = *at;
    memcpy(placed, bytes, len);
    placed[len] = '\0';
    *at += len + 1;
    return placed;
}

struct message *message_new(const struct message_fields *fields)
{
    CLEANUP_FINI(buffer_fini) struct buffer json;
    buffer_init(&json, MESSAGE_JSON_MAX);
    append_json_head(&json, fields);
    if (json.failed)
        return NULL;

    size_t author_len = fields->author ? strlen(fields->author) : 0;
    size_t text_len = strlen(fields->text);
    struct message *message = malloc(sizeof *message + author_len + text_len + json.len + 3);
    if (!message)
        return NULL;
    *message = (struct message){
        .number = fields->number,
        .deadline_us = fields->deadline_us,
        .created_at_ms = fields->created_at_ms,
        .expires_at_ms = fields->expires_at_ms,
        .text_len = text_len,
        .json_len = json.len,
    };
    atomic_init(&message->references, 1);
    copy_string(message->id, sizeof message->id, fields->id);
    copy_string(message->room, sizeof message->room, fields->room);
    char *at = (char *)(message + 1);
    if (fields->author)
        message->author = place(&at, fields->author, author_len);
    message->text = place(&at, fields->text, text_len);
    message->json = place(&at, json.data, json.len);
    return message;
}

static const char *string_member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Far above the longest lifetime that any message service allows. */
static const json_int_t expires_in_max_ms = (json_int_t)1 << 40;

/* Fills `fields` with pointers into `object`. */
static bool read_fields(const json_t *object, struct message_fields *fields, uint64_t now_us)
{
    const json_t *author = json_object_get(object, "author");
    const json_t *expires_in = json_object_get(object, "expires_in");
    const char *created_at = string_member(object, "created_at");
    const char *expires_at = string_member(object, "expires_at");
    fields->id = string_member(object, "id");
    fields->room = string_member(object, "room");
    fields->text = string_member(object, "message");
    fields->author = json_string_value(author);
    if (!fields->id || !message_id_valid(fields->id) || !fields->room ||
        !room_name_valid(fields->room) || !fields->text || (author && !fields->author) ||
        !created_at || !message_time_parse(created_at, &fields->created_at_ms) || !expires_at ||
        !message_time_parse(expires_at, &fields->expires_at_ms) || !json_is_integer(expires_in))
        return false;
    json_int_t left_ms = json_integer_value(expires_in);
    if (left_ms < 0 || left_ms > expires_in_max_ms)
        return false;
    fields->deadline_us = now_us + (uint64_t)left_ms * 1000u;
    return true;
}

static struct message *from_object(const json_t *object, uint64_t number, uint64_t now_us)
{
    struct message_fields fields = {.number = number};
    return read_fields(object, &fields, now_us) ? message_new(&fields) : NULL;
}

bool message_from_json(const char *json, size_t len, uint64_t number, uint64_t now_us,
                       struct message **ret_message)
{
    json_error_t fault;
    json_t *object = NULL;
    if (json_read(json, len, JSON_REJECT_DUPLICATES, &object, &fault))
        return false;
    struct message *message = from_object(object, number, now_us);
    json_decref(object);
    if (message)
        *ret_message = message;
    return message != NULL;
}

bool message_array_from_json(const char *json, size_t len, uint64_t last_number, uint64_t now_us,
                             bool (*take)(void *context, struct message *message), void *context)
{
    json_error_t fault;
    json_t *array = NULL;
    if (json_read(json, len, JSON_REJECT_DUPLICATES, &array, &fault))
        return false;
    size_t count = json_array_size(array);
    /* With more messages than numbers one would get 0, which is no number. */
    bool read = json_is_array(array) && (!last_number || last_number >= count);
    for (size_t i = 0; read && i < count; i++) {
        uint64_t number = last_number ? last_number - (count - 1 - i) : 0;
        struct message *message = from_object(json_array_get(array, i), number, now_us);
        read = message && take(context, message);
    }
    json_decref(array);
    return read;
}

struct message *message_retain(struct message *message)
{
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    return message;
}

void message_release(struct message *message)
{
    if (message && atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) == 1)
        free(message);
}

uint64_t message_expires_in_ms(const struct message *message, uint64_t now_us)
{
    return message_expired(message, now_us) ? 0 : (message->deadline_us - now_us + 999) / 1000;
}

int message_compare_numbers(const void *a, const void *b)
{
    const struct message *const *left = a;
    const struct message *const *right = b;
    return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

bool message_expired(const struct message *message, uint64_t now_us)
{
    return message->deadline_us <= now_us;
}

int64_t message_clock_offset_us(const struct message *message)
{
    return (int64_t)message->deadline_us - message->expires_at_ms * 1000;
}

void message_append_json(const struct message *message, uint64_t now_us, struct buffer *buffer)
{
    buffer_append(buffer, message->json, message->json_len);
    buffer_append_u64(buffer, message_expires_in_ms(message, now_us));
    buffer_append(buffer, "}", 1);
}

bool message_id_valid(const char *id)
{
    return strspn(id, "0123456789abcdef") == MESSAGE_ID_LEN && id[MESSAGE_ID_LEN] == '\0';
}

/* Writes `number` as `digits` digits and the byte `end`; returns what is behind them. */
static char *put_digits(char *at, int number, int digits, char end)
{
    for (int i = digits; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    at[digits] = end;
    return at + digits + 1;
}

/* By hand: strftime and snprintf would be a third of the cost of a message on the page. */
void message_time_format(int64_t ms, char ret_text[MESSAGE_TIME_SIZE])
{
    static const int64_t end_ms = 253402300800000; /* the year 10000 */
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    if (ms < 0 || ms >= end_ms) {
        copy_string(ret_text, MESSAGE_TIME_SIZE, "0000-00-00T00:00:00.000Z");
        return;
    }
    gmtime_r(&seconds, &utc);
    char *at = put_digits(ret_text, utc.tm_year + 1900, 4, '-');
    at = put_digits(at, utc.tm_mon + 1, 2, '-');
    at = put_digits(at, utc.tm_mday, 2, 'T');
    at = put_digits(at, utc.tm_hour, 2, ':');
    at = put_digits(at, utc.tm_min, 2, ':');
    at = put_digits(at, utc.tm_sec, 2, '.');
    *put_digits(at, (int)(ms % 1000), 3, 'Z') = '\0';
}

bool message_time_parse(const char *text, int64_t *ret_ms)
{
    struct tm utc = {0};
    if (strlen(text) != MESSAGE_TIME_SIZE - 1)
        return false;
    const char *fraction = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!fraction || *fraction != '.')
        return false;
    int64_t parsed = (int64_t)timegm(&utc) * 1000 + strtol(fraction + 1, NULL, 10);
    /* timegm corrects 31 February, and blanks and signs slip through strptime and strtol: a text
     * that is not written again as it was read was no time. */
    char again[MESSAGE_TIME_SIZE];
    if (parsed < 0)
        return false;
    message_time_format(parsed, again);
    if (strcmp(again, text) != 0)
        return false;
    *ret_ms = parsed;
    return true;
}
