/*
 * A message: immutable, counted, shared between boards, lists and threads.
 *
 * Its JSON is made once, with the message, up to the value of "expires_in", which each answer adds.
 */
#ifndef TEMPMESSENGER_MESSAGE_H
#define TEMPMESSENGER_MESSAGE_H

#include "buffer.h"
#include "cleanup.h"
#include "error.h"
#include "room_name.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_ID_LEN = 32, MESSAGE_ID_SIZE = MESSAGE_ID_LEN + 1 };

/* "2026-11-22T06:00:00.123Z" and its NUL. */
enum { MESSAGE_TIME_SIZE = 25 };

struct message {
    _Atomic unsigned references;
    uint64_t number;       /* its place in the room's order of acceptance; 0: not known here */
    uint64_t deadline_us;  /* end of life on this process' monotonic clock */
    int64_t created_at_ms; /* the store's wall clock, since 1970 */
    int64_t expires_at_ms;
    char id[MESSAGE_ID_SIZE];
    char room[ROOM_NAME_SIZE];
    const char *author; /* NULL when none was given */
    const char *text;
    size_t text_len;
    const char *json; /* the object up to and with `"expires_in":` */
    size_t json_len;
};

/* What a message is made of; borrowed for the call. */
struct message_fields {
    uint64_t number;
    uint64_t deadline_us;
    int64_t created_at_ms;
    int64_t expires_at_ms;
    const char *id;   /* 32 lower-case hex digits */
    const char *room; /* a valid room name */
    const char *author;
    const char *text; /* valid UTF-8 without NUL */
};

/* A message with one reference, the caller's; NULL when out of memory. */
struct message *message_new(const struct message_fields *fields);

/* Reads one message of the API's JSON (as `message_append_json` writes it), `len` bytes. `now_us` is
 * the monotonic time at which it came: the deadline is that plus "expires_in". False if it is not
 * such a message, or out of memory. */
bool message_from_json(const char *json, size_t len, uint64_t number, uint64_t now_us,
                       struct message **ret_message) ERROR_MUST_USE;

/* The same for a JSON array: calls `take` for each, in order, with a reference that is then `take`'s.
 * Numbers are given so that messages keep the array's order: the last gets `last_number`, those
 * before it one less each; none where `last_number` is 0. False, perhaps after some calls, where it
 * is not such an array, `take` said false, or out of memory. */
bool message_array_from_json(const char *json, size_t len, uint64_t last_number, uint64_t now_us,
                             bool (*take)(void *context, struct message *message),
                             void *context) ERROR_MUST_USE;

/* One reference more, one less; the last frees. Any thread; release takes NULL. */
struct message *message_retain(struct message *message);
void message_release(struct message *message);

CLEANUP_DEFINE(struct message, message_release)

/* Whole milliseconds left at `now_us`, rounded up so that no reader counts down too fast; 0 when the
 * time is up. */
uint64_t message_expires_in_ms(const struct message *message, uint64_t now_us);

/* For qsort over an array of pointers to messages: in the order of their numbers. */
int message_compare_numbers(const void *a, const void *b);

bool message_expired(const struct message *message, uint64_t now_us);

/* How far this process' clock is ahead of the store's, as this message tells; the longer it was under
 * way, the more it seems. */
int64_t message_clock_offset_us(const struct message *message);

/* Appends the JSON object of the API. */
void message_append_json(const struct message *message, uint64_t now_us, struct buffer *buffer);

/* 32 lower-case hex digits. */
bool message_id_valid(const char *id);

/* RFC 3339 in UTC with milliseconds, and back; false where `text` is not exactly of that form. */
void message_time_format(int64_t ms, char ret_text[MESSAGE_TIME_SIZE]);
bool message_time_parse(const char *text, int64_t *ret_ms) ERROR_MUST_USE;

#endif
