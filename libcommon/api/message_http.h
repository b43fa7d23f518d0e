/*
 * How the routes of both services read a room, a draft or a key from a request, and how they answer
 * with a message.
 */
#ifndef TEMPMESSENGER_MESSAGE_HTTP_H
#define TEMPMESSENGER_MESSAGE_HTTP_H

#include "draft.h"
#include "event_id.h"
#include "http_exchange.h"
#include "idempotency_key.h"
#include "message.h"

/* The room in the path, or the default one; lives as long as the exchange. INVALID_ROOM. */
enum error_code message_http_room(const struct http_exchange *exchange, const char **ret_room,
                                  struct error *err) ERROR_MUST_USE;

/* The draft in the body: JSON, unless the Content-Type is text/plain. The errors are draft.h's. */
enum error_code message_http_draft(const struct http_exchange *exchange,
                                   const struct draft_rules *rules, struct draft *ret_draft,
                                   struct error *err) ERROR_MUST_USE;

/* The Idempotency-Key; an empty string if there is none. INVALID_MESSAGE if it is malformed. */
enum error_code message_http_idempotency_key(const struct http_exchange *exchange,
                                             char ret_key[IDEMPOTENCY_KEY_SIZE],
                                             struct error *err) ERROR_MUST_USE;

/* The last event that a reader has: the header Last-Event-ID, or the query's last_event_id of
 * clients that cannot set the header, read into `buffer`; NULL: a new reader. Any text. */
const char *message_http_last_event_id(const struct http_exchange *exchange,
                                       char buffer[EVENT_ID_SIZE]);

/* Sets Location to the path of the message. */
void message_http_set_location(struct http_exchange *exchange, const struct message *message);

/* Answers with one message as it stands at `now_us`. INTERNAL when out of memory. */
enum error_code message_http_answer(struct http_exchange *exchange, int status,
                                    const struct message *message, uint64_t now_us);

/* The error for a message that does not exist; its detail names the id in the path. */
enum error_code message_http_not_found(const struct http_exchange *exchange, struct error *err);

#endif
