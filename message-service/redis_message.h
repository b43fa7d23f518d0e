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

#include <stddef.h>
#include <stdint.h>

/* A moment on two clocks, Redis' and ours: it takes a message's end from one to the other. */
struct redis_moment {
    int64_t redis_ms;
    uint64_t monotonic_us;
};

/* Appends the members that the sender decides, room to message, without braces; save.lua adds the
 * rest. Two drafts are the same exactly where this text and the lifetime are. */
void redis_message_append_content(struct buffer *buffer, const char *room,
                                  const struct draft *draft);

/* Reads a stored message; *ret_message is the caller's reference. MESSAGE_NOT_FOUND: it is over at
 * that moment, or is no message of ours; INTERNAL: out of memory. */
enum error_code redis_message_read(const char *json, size_t len, const struct redis_moment *moment,
                                   struct message **ret_message) ERROR_MUST_USE;

#endif
