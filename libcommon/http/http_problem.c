/*
 * The one place where an error becomes a body. A detail may quote what the client sent (an id in a
 * path): where that is not UTF-8 the list's own text stands in, so that the JSON stays JSON.
 */
#include "http_problem.h"

#include "accept.h"
#include "buffer.h"
#include "cleanup.h"
#include "text.h"

#include <string.h>

enum { PROBLEM_MAX = 8 * ERROR_DETAIL_SIZE };

static void append_member(struct buffer *body, const char *name, const char *value)
{
    buffer_append_string(body, name);
    buffer_append_json_string(body, value, strlen(value));
}

static void append_problem(struct buffer *body, enum error_code code, const char *detail)
{
    append_member(body, "{\"type\":", error_type(code));
    append_member(body, ",\"title\":", error_title(code));
    buffer_append_format(body, ",\"status\":%d", error_status(code));
    append_member(body, ",\"detail\":", detail);
    buffer_append_string(body, "}");
}

void http_problem_answer(struct http_exchange *exchange, enum error_code code,
                         const struct error *err)
{
    const char *detail = error_detail(code, err);
    if (!text_valid_utf8(detail, strlen(detail)))
        detail = error_detail(code, NULL);

    int status = error_status(code);
    if (status == 429 || status == 503)
        http_answer_set_header(exchange, "Retry-After", "%u",
                               err && err->retry_after_s ? err->retry_after_s : 1);
    if (status == 401)
        http_answer_set_header(exchange, "WWW-Authenticate", "Bearer");

    if (accept_prefers_plain_text(http_request_header(exchange, "Accept"))) {
        http_answer(exchange, status, HTTP_TYPE_TEXT, detail, strlen(detail));
        return;
    }
    CLEANUP_FINI(buffer_fini) struct buffer body;
    buffer_init(&body, PROBLEM_MAX);
    append_problem(&body, code, detail);
    /* Without memory for all of it the status has to say it alone: half a JSON says less. */
    if (body.failed)
        buffer_clear(&body);
    http_answer(exchange, status, HTTP_TYPE_PROBLEM, body.data, body.len);
}
