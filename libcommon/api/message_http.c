/*
 * Between the exchange and the message: this file knows where in a request each thing is found; the
 * rules are in draft.c and room_name.c.
 */
#include "message_http.h"

#include <string.h>

/* The longest JSON of a message; message.c has the reason. */
enum { ANSWER_MAX = 1024 * 1024 };

enum error_code message_http_room(const struct http_exchange *exchange, const char **ret_room,
                                  struct error *err)
{
    const char *room = http_request_param(exchange, "room");
    if (!room)
        room = ROOM_NAME_DEFAULT;
    if (!room_name_valid(room))
        return error_because(err, ERROR_INVALID_ROOM, "the room's name does not match its grammar");
    *ret_room = room;
    return ERROR_NONE;
}

enum error_code message_http_draft(const struct http_exchange *exchange,
                                   const struct draft_rules *rules, struct draft *ret_draft,
                                   struct error *err)
{
    size_t len;
    const void *body;
    enum error_code code = http_request_body(exchange, &body, &len, err);
    if (code)
        return code;
    if (http_request_content_type_is(exchange, "text/plain"))
        return draft_from_text(body, len, rules, ret_draft, err);
    return draft_from_json(body, len, rules, ret_draft, err);
}

enum error_code message_http_idempotency_key(const struct http_exchange *exchange,
                                             char ret_key[IDEMPOTENCY_KEY_SIZE], struct error *err)
{
    const char *value = http_request_header(exchange, "Idempotency-Key");
    ret_key[0] = '\0';
    if (value && !idempotency_key_parse(value, ret_key))
        return error_set(err, ERROR_INVALID_MESSAGE,
                         "The Idempotency-Key must be 1 to %d visible ASCII characters",
                         IDEMPOTENCY_KEY_MAX);
    return ERROR_NONE;
}

const char *message_http_last_event_id(const struct http_exchange *exchange,
                                       char buffer[EVENT_ID_SIZE])
{
    const char *header = http_request_header(exchange, "Last-Event-ID");
    if (header && header[0])
        return header;
    return http_request_query(exchange, "last_event_id", buffer, EVENT_ID_SIZE) ? buffer : NULL;
}

void message_http_set_location(struct http_exchange *exchange, const struct message *message)
{
    http_answer_set_header(exchange, "Location", "/rooms/%s/messages/%s", message->room,
                           message->id);
}

enum error_code message_http_answer(struct http_exchange *exchange, int status,
                                    const struct message *message, uint64_t now_us)
{
    CLEANUP_FINI(buffer_fini) struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    message_append_json(message, now_us, &body);
    if (body.failed)
        return ERROR_INTERNAL;
    return http_answer(exchange, status, HTTP_TYPE_JSON, body.data, body.len);
}

enum error_code message_http_not_found(const struct http_exchange *exchange, struct error *err)
{
    return error_set(err, ERROR_MESSAGE_NOT_FOUND, "Message not found: %s",
                     http_request_param(exchange, "id"));
}
