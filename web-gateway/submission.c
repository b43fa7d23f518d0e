/*
 * What the gateway can tell without asking anyone it tells at once: whose page sent this, how often
 * that client sends, and whether the body is what a body must be. The limits of a message are the
 * message service's, so their errors are left to it, with its figures in their texts.
 *
 * The body goes on as it came; only a form is made JSON.
 */
#include "submission.h"

#include "form.h"
#include "json_scan.h"
#include "message_http.h"
#include "random_id.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* A form's JSON at its longest: six bytes for each of the body's. */
    FORM_JSON_MAX = 6 * SUBMISSION_BODY_MAX,
    /* In a longer body there may be a message too long, or the whole may be: both come before the
     * faults that we see. */
    BODY_JUDGED_MAX = 4096,
};

/* A message on its way, and what its post points to. */
struct submission {
    struct message_client_post post;
    char key[IDEMPOTENCY_KEY_SIZE];
};

/* ---- what is sent ---- */

/* Whether the message service would say the same of this draft whatever its limits are. Of a wrong
 * author it would not: a message too long or a ttl out of range comes before. */
static bool needs_no_limits(enum error_code code)
{
    return code == ERROR_INVALID_JSON || code == ERROR_NO_MESSAGE || code == ERROR_INVALID_MESSAGE;
}

static const struct draft_rules no_limits = {.text_max = SIZE_MAX, .ttl_max_ms = UINT64_MAX};

/* The error of a draft read with `no_limits`, if it is one to be told here. */
static enum error_code error_without_limits(enum error_code code, struct error *err)
{
    if (needs_no_limits(code))
        return code;
    if (err)
        *err = (struct error){0};
    return ERROR_NONE;
}

/* Reads the body that goes on as it is. */
static enum error_code read_body(const struct http_exchange *exchange,
                                 struct message_client_post *post, struct error *err)
{
    CLEANUP_FINI(draft_fini) struct draft draft = {0};
    bool is_text = http_request_content_type_is(exchange, "text/plain");
    post->content_type = is_text ? HTTP_TYPE_TEXT : HTTP_TYPE_JSON;
    enum error_code code = http_request_body(exchange, &post->body, &post->len, err);
    if (code)
        return code;
    if (post->len > BODY_JUDGED_MAX)
        return ERROR_NONE;
    return error_without_limits(message_http_draft(exchange, &no_limits, &draft, err), err);
}

struct message_client_origin submission_origin(const struct http_exchange *exchange)
{
    return (struct message_client_origin){
        .request_id = http_request_id(exchange),
        .traceparent = http_request_traceparent(exchange),
        .tracestate = http_request_tracestate(exchange),
    };
}

/* Who posted sees the message in the next answer, before the room's feed has brought it. A room
 * that nobody watches will be read from the message service, which has it. */
static void show_own(struct web_gateway *gateway, struct message *message)
{
    atomic_store(&gateway->connected, true);
    CLEANUP(live_room_release)
    struct live_room *room = live_rooms_find(gateway->rooms, message->room);
    if (room)
        live_room_add_own(room, message);
}

/* Everything that is read of a request before its body. */
static enum error_code read_head(const struct http_exchange *exchange,
                                 struct submission *submission, struct error *err)
{
    enum error_code code = message_http_room(exchange, &submission->post.room, err);
    if (!code)
        code = message_http_idempotency_key(exchange, submission->key, err);
    if (!code && !submission->key[0] && !random_id_make(submission->key))
        code = error_because(err, ERROR_INTERNAL, "no random bytes from the kernel");
    submission->post.idempotency_key = submission->key;
    return code;
}

static enum error_code send_on(struct http_exchange *exchange, struct web_gateway *gateway,
                               const struct submission *submission, struct message **ret_message,
                               struct error *err)
{
    struct message_client_origin origin = submission_origin(exchange);
    enum error_code code =
        message_client_post(gateway->client, &origin, &submission->post, ret_message, err);
    if (!code)
        show_own(gateway, *ret_message);
    return code;
}

enum error_code submission_accept(struct http_exchange *exchange, struct web_gateway *gateway,
                                  struct message **ret_message, struct error *err)
{
    struct submission submission = {0};
    enum error_code code = http_request_may_block(exchange);
    if (!code)
        code = read_head(exchange, &submission, err);
    if (!code)
        code = read_body(exchange, &submission.post, err);
    return code ? code : send_on(exchange, gateway, &submission, ret_message, err);
}

/* ---- the form ---- */

/* A form's text comes with CRLF line breaks, whatever was typed: a message has LF. Returns the new
 * length. */
static size_t join_line_breaks(char *text, size_t len)
{
    size_t to = 0;
    for (size_t from = 0; from < len; from++)
        if (text[from] != '\r' || from + 1 == len || text[from + 1] != '\n')
            text[to++] = text[from];
    text[to] = '\0';
    return to;
}

/* A form has only texts. One that reads as a JSON number goes on as that number, any other as the
 * string it is, which the message service refuses with its own words. */
static void append_ttl(struct buffer *json, const char *text, size_t len)
{
    if (json_scan_number_alone(text, len))
        buffer_append(json, text, len);
    else
        buffer_append_json_string(json, text, len);
}

/* Appends `,"name":` and the field as a JSON string. An empty optional field is passed over. */
static enum error_code append_field(struct buffer *json, const char *body, size_t body_len,
                                    const char *name, struct error *err)
{
    char *value;
    size_t len;
    enum error_code code = form_field(body, body_len, name, &value, &len);
    if (code || !value)
        return code;
    bool required = strcmp(name, "message") == 0;
    if (required)
        len = join_line_breaks(value, len);
    if (!text_valid_utf8(value, len)) {
        code = error_because(err, ERROR_INVALID_JSON, "a field of the form is not UTF-8");
    } else if (len || required) {
        buffer_append_format(json, "%s\"%s\":", json->len > 1 ? "," : "", name);
        if (strcmp(name, "ttl") == 0)
            append_ttl(json, value, len);
        else
            buffer_append_json_string(json, value, len);
    }
    free(value);
    return code;
}

/* The form as the JSON that `POST …/messages` takes. */
static enum error_code form_to_json(const char *body, size_t len, struct buffer *json,
                                    struct error *err)
{
    static const char *const names[] = {"message", "ttl", "author"};
    enum error_code code = ERROR_NONE;
    buffer_append(json, "{", 1);
    for (size_t i = 0; !code && i < sizeof names / sizeof *names; i++)
        code = append_field(json, body, len, names[i], err);
    buffer_append(json, "}", 1);
    if (!code && json->failed)
        code = error_because(err, ERROR_INTERNAL, "out of memory for a form");
    return code;
}

/* Reads the form; the post's body is then `json`'s. */
static enum error_code read_form(const struct http_exchange *exchange,
                                 struct message_client_post *post, struct buffer *json,
                                 struct error *err)
{
    size_t len;
    const void *body;
    CLEANUP_FINI(draft_fini) struct draft draft = {0};
    enum error_code code = http_request_body(exchange, &body, &len, err);
    if (!code)
        code = form_to_json(body, len, json, err);
    if (code)
        return code;
    post->content_type = HTTP_TYPE_JSON;
    post->body = json->data;
    post->len = json->len;
    if (json->len > BODY_JUDGED_MAX)
        return ERROR_NONE;
    code = draft_from_json(json->data, json->len, &no_limits, &draft, err);
    return error_without_limits(code, err);
}

enum error_code submission_accept_form(struct http_exchange *exchange, struct web_gateway *gateway,
                                       struct message **ret_message, struct error *err)
{
    if (!http_request_content_type_is(exchange, "application/x-www-form-urlencoded"))
        return submission_accept(exchange, gateway, ret_message, err);
    struct submission submission = {0};
    CLEANUP_FINI(buffer_fini) struct buffer json;
    buffer_init(&json, FORM_JSON_MAX);
    enum error_code code = http_request_may_block(exchange);
    if (!code)
        code = read_head(exchange, &submission, err);
    if (!code)
        code = read_form(exchange, &submission.post, &json, err);
    return code ? code : send_on(exchange, gateway, &submission, ret_message, err);
}
