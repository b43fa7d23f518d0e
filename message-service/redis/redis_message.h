/*
 * A message as Redis keeps it: a JSON object with the members id, room, author (where given),
 * message, created_at and expires_at (ms since 1970 by Redis' clock), number and epoch.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_MESSAGE_H
#define TEMPMESSENGER_REDIS_MESSAGE_H

#include "buffer.h"
#include "draft.h"
#include "message.h"
#include "redis_moment.h"

#include <stddef.h>
#include <stdint.h>

/* Times are below this, the year 2286, so that they can be counted in microseconds too. */
#define REDIS_MESSAGE_TIME_MAX_MS INT64_C(9999999999999)

/* Appends the members that the sender decides, room to message, without braces; save.lua adds the
 * others. Two drafts are the same exactly where this text and the lifetime are. */
void redis_message_append_content(struct buffer *buffer, const char *room,
                                  const struct draft *draft);

/* A parsed message; the fields point into it, and lack the end. Free with
 * redis_message_fini, which takes a zeroed one. */
struct redis_message {
    struct json_t *object;
    struct message_fields fields;
};

/* MESSAGE_NOT_FOUND where it is no message of ours; INTERNAL when out of memory. *ret_parsed is
 * zeroed after both. */
enum error_code redis_message_parse(const char *json, size_t len,
                                    struct redis_message *ret_parsed) ERROR_MUST_USE;
void redis_message_fini(struct redis_message *parsed);

/* Makes the message; *ret_message is the caller's reference. MESSAGE_NOT_FOUND: it is over at that
 * moment; INTERNAL: out of memory. */
enum error_code redis_message_make(const struct redis_message *parsed,
                                   const struct redis_moment *moment,
                                   struct message **ret_message) ERROR_MUST_USE;

/* Both in one; MESSAGE_NOT_FOUND also where it is no message of ours. */
enum error_code redis_message_read(const char *json, size_t len, const struct redis_moment *moment,
                                   struct message **ret_message) ERROR_MUST_USE;

#endif
