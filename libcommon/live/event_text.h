/*
 * The events of the contract as server-sent events (the HTML standard's format): texts ready to be
 * sent, each with its empty line behind it.
 */
#ifndef TEMPMESSENGER_EVENT_TEXT_H
#define TEMPMESSENGER_EVENT_TEXT_H

#include "buffer.h"
#include "event_id.h"
#include "message.h"

#include <stdint.h>

/* A line of the first event: how long a client waits before it connects again, 1000 to 3000 ms,
 * spread by `random`. */
void event_text_append_retry(struct buffer *text, uint64_t random);

/* Keeps a quiet stream alive. */
#define EVENT_TEXT_COMMENT ":\n"

#define EVENT_TEXT_STOPPING "event: stopping\ndata: {}\n\n"
#define EVENT_TEXT_STALE "event: stale\ndata: {}\n\n"
#define EVENT_TEXT_FRESH "event: fresh\ndata: {}\n\n"

/* There is no place for one more stream: whole, with its `retry:`. */
void event_text_append_full(struct buffer *text, unsigned retry_after_s);

/* A snapshot up to its array, which must be followed by the end of the event. */
void event_text_append_snapshot_head(struct buffer *text, struct event_id id);
#define EVENT_TEXT_END "\n\n"

/* These append, so that several make one text. */
void event_text_append_resumed(struct buffer *text, size_t missed);
void event_text_append_message(struct buffer *text, struct event_id id,
                               const struct message *message, uint64_t now_us);
void event_text_append_expired(struct buffer *text, const char *message_id);
void event_text_append_deleted(struct buffer *text, const char *message_id);

#endif
