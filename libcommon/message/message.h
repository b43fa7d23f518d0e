/*
 * A message: immutable, counted, shared between boards, lists and threads.
 *
 * Its JSON is rendered once, with the message, up to the value of "expires_in"; each answer adds
 * it.
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

/* Of "2026-11-22T06:00:00.123Z" and its NUL. */
enum { MESSAGE_TIME_SIZE = 25 };

struct message {
    _Atomic unsigned references;
    uint64_t number;       /* its place in the room's order of acceptance; 0: unknown here */
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

/* The parts of a message; borrowed for the call. */
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

/* Reads one message in the API's JSON (as message_append_json writes it), `len` bytes. `now_us`
 * is the monotonic time of its arrival: the deadline is that plus "expires_in". False if it is no
 * such message, or out of memory. */
bool message_from_json(const char *json, size_t len, uint64_t number, uint64_t now_us,
                       struct message **ret_message) ERROR_MUST_USE;

/* Reads a JSON array of them: calls `take` for each, in order, and hands it the reference.
 * Numbers keep the array's order: the last message gets `last_number`, each before it one less;
 * none gets a number where `last_number` is 0. False, perhaps after some calls, if it is no such
 * array, if `take` returned false, or out of memory. */
bool message_array_from_json(const char *json, size_t len, uint64_t last_number, uint64_t now_us,
                             bool (*take)(void *context, struct message *message),
                             void *context) ERROR_MUST_USE;

/* One reference more, one less; the last frees. Any thread; release takes NULL. */
struct message *message_retain(struct message *message);
void message_release(struct message *message);

CLEANUP_DEFINE(struct message, message_release)

/* Whole milliseconds left at `now_us`, rounded up so that no reader counts down too fast; 0 once it
 * has expired. */
uint64_t message_expires_in_ms(const struct message *message, uint64_t now_us);

/* For qsort over an array of pointers to messages: orders them by number. */
int message_compare_numbers(const void *a, const void *b);

bool message_expired(const struct message *message, uint64_t now_us);

/* How far this process' clock seems ahead of the store's, judged by this message: the true
 * offset plus the time that the message took to arrive. */
int64_t message_clock_offset_us(const struct message *message);

/* Appends the JSON object of the API. */
void message_append_json(const struct message *message, uint64_t now_us, struct buffer *buffer);

/* 32 lower-case hex digits. */
bool message_id_valid(const char *id);

/* RFC 3339 in UTC with milliseconds (all zeros for times outside the years 1970 to 9999), and back;
 * false where `text` is not exactly of that form. */
void message_time_format(int64_t ms, char ret_text[MESSAGE_TIME_SIZE]);
bool message_time_parse(const char *text, int64_t *ret_ms) ERROR_MUST_USE;

#endif
