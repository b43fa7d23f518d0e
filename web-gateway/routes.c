/*
 * The handlers of the gateway: each reads what it needs, makes one call and answers. Sending is in
 * posting.c, the page in page.c, the way to the message service in message_client.c.
 */
#include "routes.h"

#include "message_http.h"
#include "posting.h"

#include <string.h>

/* A page at its longest: a full room of long messages, each escaped and marked up. */
static const size_t page_max = (size_t)512 * 1024 * 1024;

static struct message_client_origin origin_of(const struct http_exchange *exchange)
{
    return (struct message_client_origin){
        .request_id = http_request_id(exchange),
        .traceparent = http_traceparent(exchange),
    };
}

/* ---- reading ---- */

/* The live messages of the room in the path; the caller frees *ret_board. */
static enum error_code read_board(const struct http_exchange *exchange, struct web_gateway *gateway,
                                  const char **ret_room, struct board **ret_board,
                                  struct error *err)
{
    struct message_client_origin origin = origin_of(exchange);
    enum error_code code = message_http_room(exchange, ret_room, err);
    if (!code)
        code = message_client_list(gateway->client, &origin, *ret_room, ret_board, err);
    if (code)
        return code;
    atomic_store(&gateway->connected, true);
    board_expire(*ret_board, clock_monotonic_us(&clock_system));
    return ERROR_NONE;
}

static enum error_code get_messages(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    const char *room;
    CLEANUP(board_free) struct board *board = NULL;
    enum error_code code = read_board(exchange, context, &room, &board, err);
    if (code)
        return code;
    CLEANUP(blob_release)
    struct blob *json = board_list(board, clock_monotonic_us(&clock_system));
    if (!json)
        return ERROR_INTERNAL;
    char etag[BOARD_ETAG_SIZE];
    board_etag(board, etag);
    return http_answer_tagged(exchange, HTTP_TYPE_JSON, etag, json->data, json->len);
}

static enum error_code get_message(struct http_exchange *exchange, void *context,
                                   struct error *err)
{
    const char *room;
    CLEANUP(board_free) struct board *board = NULL;
    enum error_code code = read_board(exchange, context, &room, &board, err);
    if (code)
        return code;
    const char *id = http_param(exchange, "id");
    const struct message *message = message_id_valid(id) ? board_find(board, id) : NULL;
    if (!message)
        return message_http_not_found(exchange, err);
    return message_http_answer(exchange, 200, message, clock_monotonic_us(&clock_system));
}

static enum error_code get_page(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    const char *room;
    CLEANUP(board_free) struct board *board = NULL;
    CLEANUP_FINI(buffer_fini) struct buffer html;
    buffer_init(&html, page_max);
    enum error_code code = read_board(exchange, gateway, &room, &board, err);
    if (!code)
        code = page_render(gateway->page, room, board, clock_monotonic_us(&clock_system), &html,
                           err);
    if (code)
        return code;
    http_set_header(exchange, "Content-Security-Policy", "%s", PAGE_SECURITY_POLICY);
    return http_answer(exchange, 200, HTTP_TYPE_HTML, html.data, html.len);
}

static enum error_code get_konnichiwa(struct http_exchange *exchange, void *context,
                                      struct error *err)
{
    enum { GREETING_MAX = 1024 };
    struct web_gateway *gateway = context;
    struct message_client_origin origin = origin_of(exchange);
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, GREETING_MAX);
    enum error_code code = message_client_konnichiwa(gateway->client, &origin, &text, err);
    if (code)
        return code;
    atomic_store(&gateway->connected, true);
    return http_answer(exchange, 200, HTTP_TYPE_TEXT, text.data, text.len);
}

/* ---- sending ---- */

/* Whether the client wants to see what it made (RFC 7240, 4.2). */
static bool wants_representation(const struct http_exchange *exchange)
{
    const char *prefer = http_header(exchange, "Prefer");
    return prefer && strcasestr(prefer, "return=representation");
}

static enum error_code post_message(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = posting_accept(exchange, context, &message, err);
    if (code)
        return code;
    message_http_set_location(exchange, message);
    if (!wants_representation(exchange))
        return http_answer(exchange, 204, NULL, NULL, 0);
    http_set_header(exchange, "Preference-Applied", "return=representation");
    return message_http_answer(exchange, 201, message, clock_monotonic_us(&clock_system));
}

static enum error_code post_form(struct http_exchange *exchange, void *context, struct error *err)
{
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = posting_accept_form(exchange, context, &message, err);
    if (code)
        return code;
    if (http_param(exchange, "room"))
        http_set_header(exchange, "Location", "/rooms/%s", message->room);
    else
        http_set_header(exchange, "Location", "/");
    return http_answer(exchange, 303, NULL, NULL, 0);
}

/* ---- the rest ---- */

static enum error_code get_static(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    (void)err;
    const struct static_file *file =
        static_files_find(gateway->static_files, http_param(exchange, "file"));
    if (!file)
        return ERROR_NOT_FOUND;
    /* Kept, but asked about each time: a new release shows at once, for the price of a 304. */
    http_set_header(exchange, "Cache-Control", "public, max-age=0, must-revalidate");
    return http_answer_tagged(exchange, file->type, file->etag, file->data, file->len);
}

static enum error_code get_livez(struct http_exchange *exchange, void *context, struct error *err)
{
    (void)context;
    (void)err;
    return http_answer_ok(exchange);
}

/* Ready once the message service has answered; what happens to it later does not take the gateway
 * out of service, since it can go on showing what it knows. */
static enum error_code get_readyz(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    if (atomic_load(&gateway->stopping))
        return error_set(err, ERROR_UNAVAILABLE, "The service is stopping");
    if (!atomic_load(&gateway->connected)) {
        enum error_code code = message_client_check(gateway->client, err);
        if (code)
            return ERROR_UNAVAILABLE;
        atomic_store(&gateway->connected, true);
    }
    return http_answer_ok(exchange);
}

const struct http_route web_gateway_routes[] = {
    {.path = "/messages", .get = get_messages, .post = post_message},
    {.path = "/messages/:id", .get = get_message},
    {.path = "/", .get = get_page, .post = post_form},
    {.path = "/rooms/:room", .get = get_page, .post = post_form},
    {.path = "/rooms/:room/messages", .get = get_messages, .post = post_message},
    {.path = "/rooms/:room/messages/:id", .get = get_message},
    {.path = "/static/:file", .get = get_static},
    {.path = "/konnichiwa", .get = get_konnichiwa},
    {.path = "/livez", .get = get_livez},
    {.path = "/readyz", .get = get_readyz},
};

const size_t web_gateway_route_count = sizeof web_gateway_routes / sizeof web_gateway_routes[0];
