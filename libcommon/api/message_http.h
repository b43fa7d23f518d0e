/*
 * What the routes of both services read from a request about messages, and how they answer with
 * them: one place, so that both do it alike.
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

/* The Idempotency-Key; an empty string where there is none. INVALID_MESSAGE if it is malformed. */
enum error_code message_http_idempotency_key(const struct http_exchange *exchange,
                                             char ret_key[IDEMPOTENCY_KEY_SIZE],
                                             struct error *err) ERROR_MUST_USE;

/* Where the reader of an event stream left off: the header Last-Event-ID, or the query's
 * last_event_id from clients that cannot set it, read into `buffer`; NULL: a new reader. It may be
 * any text. */
const char *message_http_last_event_id(const struct http_exchange *exchange,
                                       char buffer[EVENT_ID_SIZE]);

/* Sets Location to where the message can be read. */
void message_http_set_location(struct http_exchange *exchange, const struct message *message);

/* Answers with one message as it stands at `now_us`. INTERNAL when out of memory. */
enum error_code message_http_answer(struct http_exchange *exchange, int status,
                                    const struct message *message, uint64_t now_us);

/* The error for a message that is not there: its detail names the id in the path. */
enum error_code message_http_not_found(const struct http_exchange *exchange, struct error *err);

#endif
