/*
 * The events of the contract as server-sent events (the HTML standard's format): texts ready to be
 * sent, each with its empty line behind it. Functions that return a blob return NULL when out of
 * memory.
 */
#ifndef TEMPMESSENGER_EVENT_TEXT_H
#define TEMPMESSENGER_EVENT_TEXT_H

#include "blob.h"
#include "buffer.h"
#include "event_id.h"
#include "message.h"

#include <stdint.h>

/* "retry: 3000" with its empty line and a NUL. */
enum { EVENT_TEXT_RETRY_SIZE = 16 };

/* How long a client waits before it connects again: 1000 to 3000 ms, spread by `random`. */
void event_text_retry(uint64_t random, char ret_text[EVENT_TEXT_RETRY_SIZE]);

struct blob *event_text_comment(void);
struct blob *event_text_stopping(void);
struct blob *event_text_snapshot(struct event_id id, const struct blob *list);

/* These append, so that several make one text. */
void event_text_append_resumed(struct buffer *text, size_t missed);
void event_text_append_message(struct buffer *text, struct event_id id,
                               const struct message *message, uint64_t now_us);
void event_text_append_expired(struct buffer *text, const char *message_id);
void event_text_append_deleted(struct buffer *text, const char *message_id);

/* The buffer's bytes as a blob; NULL also where the buffer failed. */
struct blob *event_text_blob(const struct buffer *text);

#endif
