/*
 * The handlers of the gateway: each reads what it needs, makes one call and answers. Sending is in
 * submission.c, the page in page.c, the way to the message service in message_client.c.
 */
#include "routes.h"

#include "accept.h"
#include "common_metrics.h"
#include "gateway_metrics.h"
#include "listing_http.h"
#include "live_stream.h"
#include "message_http.h"
#include "page_answer.h"
#include "page_language.h"
#include "submission.h"

#include <string.h>
#include <strings.h>

/* ---- reading ---- */

/* Whether the client may ask for the room: only one that is not open yet counts. */
static enum error_code check_new_room(struct http_exchange *exchange, struct web_gateway *gateway,
                                      const char *name, struct error *err)
{
    if (live_rooms_has(gateway->rooms, name))
        return ERROR_NONE;
    return client_limits_open_room(gateway->client_limits, exchange, err);
}

/* The room in the path; the caller gives it back. Only one that is not known is waited for. */
static enum error_code use_room(struct http_exchange *exchange, struct web_gateway *gateway,
                                struct live_room **ret_room, struct error *err)
{
    const char *name;
    enum error_code code = message_http_room(exchange, &name, err);
    if (!code)
        code = check_new_room(exchange, gateway, name, err);
    if (code)
        return code;
    if (!live_rooms_use(gateway->rooms, name, 0, ret_room, NULL))
        return ERROR_NONE;
    code = http_request_may_block(exchange);
    return code ? code
                : live_rooms_use(gateway->rooms, name, gateway->upstream_timeout_ms, ret_room, err);
}

static enum error_code get_messages(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    CLEANUP(live_room_release) struct live_room *room = NULL;
    CLEANUP_FINI(live_listing_fini) struct live_listing listing = {0};
    size_t newest = 0;
    char before[MESSAGE_ID_SIZE];
    enum error_code code = listing_http_limit(exchange, &newest, err);
    if (!code)
        code = listing_http_before(exchange, before, err);
    if (!code)
        code = use_room(exchange, context, &room, err);
    if (!code)
        code = live_listing_make(room, newest, before[0] ? before : NULL, &listing);
    return code ? code : listing_http_answer(exchange, &listing);
}

static enum error_code get_message(struct http_exchange *exchange, void *context, struct error *err)
{
    CLEANUP(live_room_release) struct live_room *room = NULL;
    enum error_code code = use_room(exchange, context, &room, err);
    if (code)
        return code;
    CLEANUP(message_release)
    struct message *message = live_room_message(room, http_request_param(exchange, "id"));
    if (!message)
        return message_http_not_found(exchange, err);
    return message_http_answer(exchange, 200, message, clock_now_us());
}

/* Whether any status but 200 would be the end for the client (live_stream_refuse). */
static bool is_event_source(const struct http_exchange *exchange)
{
    return accept_names_event_stream(http_request_header(exchange, "Accept"));
}

/* The room in the path in whatever state: its stream begins when it is known. */
static enum error_code open_room(struct http_exchange *exchange, struct web_gateway *gateway,
                                 struct live_room **ret_room, struct error *err)
{
    const char *name;
    enum error_code code = message_http_room(exchange, &name, err);
    if (!code)
        code = check_new_room(exchange, gateway, name, err);
    return code ? code : live_rooms_open(gateway->rooms, name, ret_room, err);
}

static void close_stream(void *client)
{
    clients_close(client, CLIENTS_STREAM);
}

static enum error_code open_stream(struct http_exchange *exchange, struct web_gateway *gateway,
                                   struct live_room *room, struct live_stream_wish *wish,
                                   struct error *err)
{
    struct client *client;
    enum error_code code =
        client_limits_open_stream(gateway->client_limits, exchange, &client, err);
    if (code)
        return code;
    char buffer[EVENT_ID_SIZE];
    wish->last_event_id = message_http_last_event_id(exchange, buffer);
    wish->closed = close_stream;
    wish->client = client;
    return live_stream_open(room, exchange, wish, err);
}

static enum error_code get_events(struct http_exchange *exchange, void *context, struct error *err)
{
    CLEANUP(live_room_release) struct live_room *room = NULL;
    struct live_stream_wish wish = {0};
    enum error_code code = listing_http_limit(exchange, &wish.newest, err);
    if (!code)
        code = is_event_source(exchange) ? open_room(exchange, context, &room, err)
                                         : use_room(exchange, context, &room, err);
    return code ? code : open_stream(exchange, context, room, &wish, err);
}

/* For http_route.answer_error: what is not the client's fault is an event to it, not a status. */
static bool answer_event_source(struct http_exchange *exchange, void *context, enum error_code code,
                                const struct error *err)
{
    enum { FULL_RETRY_S = 5 };
    struct web_gateway *gateway = context;
    bool is_fault = code != ERROR_RATE_LIMITED && error_status(code) < 500;
    if (is_fault || !is_event_source(exchange))
        return false;
    unsigned retry_after_s = err->retry_after_s ? err->retry_after_s : FULL_RETRY_S;
    return !live_stream_refuse(exchange, atomic_load(&gateway->stopping), retry_after_s);
}

static struct message_limits limits_of(struct web_gateway *gateway)
{
    LOCKED(&gateway->limits_lock);
    return gateway->limits;
}

/* The page's form for another room, where there are no scripts, asks for `/?room=NAME`. */
static enum error_code redirect_to_room(struct http_exchange *exchange, const char *name)
{
    if (!room_name_valid(name))
        return ERROR_INVALID_ROOM;
    http_answer_set_header(exchange, "Location", "/rooms/%s", name);
    return http_answer(exchange, 303, NULL, NULL, 0);
}

static enum error_code get_page(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    char other_room[ROOM_NAME_SIZE];
    if (!http_request_param(exchange, "room") &&
        http_request_query(exchange, "room", other_room, sizeof other_room))
        return redirect_to_room(exchange, other_room);
    CLEANUP(live_room_release) struct live_room *room = NULL;
    enum error_code code = use_room(exchange, gateway, &room, err);
    if (code)
        return code;
    char paused[2];
    struct page_view view = {
        .room = http_request_param(exchange, "room"),
        .limits = limits_of(gateway),
        .language = page_language_choose(http_request_header(exchange, "Accept-Language")),
        .host = http_request_header(exchange, "Host"),
        .paused = http_request_query(exchange, "pause", paused, sizeof paused),
    };
    if (!view.room)
        view.room = ROOM_NAME_DEFAULT;
    return page_answer(exchange, gateway->page, &view, room, err);
}

static enum error_code get_konnichiwa(struct http_exchange *exchange, void *context,
                                      struct error *err)
{
    enum { GREETING_MAX = 1024 };
    struct web_gateway *gateway = context;
    struct message_client_origin origin = submission_origin(exchange);
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, GREETING_MAX);
    enum error_code code = http_request_may_block(exchange);
    if (!code)
        code = message_client_konnichiwa(gateway->client, &origin, &text, err);
    if (code)
        return code;
    atomic_store(&gateway->connected, true);
    return http_answer(exchange, 200, HTTP_TYPE_TEXT, text.data, text.len);
}

/* ---- sending ---- */

/* Whether the client wants to see what it made (RFC 7240, 4.2). */
static bool wants_representation(const struct http_exchange *exchange)
{
    static const char *const forms[] = {"return=representation", "return=\"representation\""};
    const char *at = http_request_header(exchange, "Prefer");
    while (at && *at) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",; \t");
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (len == strlen(forms[i]) && strncasecmp(at, forms[i], len) == 0)
                return true;
        at += strcspn(at, ",");
    }
    return false;
}

static enum error_code post_message(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = submission_accept(exchange, context, &message, err);
    if (code)
        return code;
    message_http_set_location(exchange, message);
    if (!wants_representation(exchange))
        return http_answer(exchange, 204, NULL, NULL, 0);
    http_answer_set_header(exchange, "Preference-Applied", "return=representation");
    return message_http_answer(exchange, 201, message, clock_now_us());
}

static enum error_code post_form(struct http_exchange *exchange, void *context, struct error *err)
{
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = submission_accept_form(exchange, context, &message, err);
    if (code)
        return code;
    if (http_request_param(exchange, "room"))
        http_answer_set_header(exchange, "Location", "/rooms/%s", message->room);
    else
        http_answer_set_header(exchange, "Location", "/");
    return http_answer(exchange, 303, NULL, NULL, 0);
}

/* ---- the rest ---- */

static enum error_code get_static(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    (void)err;
    const struct static_file *file =
        static_files_find(gateway->static_files, http_request_param(exchange, "file"));
    if (!file)
        return ERROR_NOT_FOUND;
    /* Kept, but asked about each time: a new release shows at once, for the price of a 304. */
    http_answer_set_header(exchange, "Cache-Control", "public, max-age=0, must-revalidate");
    return http_answer_tagged(exchange, file->type, file->etag, file->data, file->len);
}

static enum error_code get_openapi(struct http_exchange *exchange, void *context, struct error *err)
{
    const struct web_gateway *gateway = context;
    (void)err;
    return openapi_answer(gateway->openapi, exchange);
}

static enum error_code get_livez(struct http_exchange *exchange, void *context, struct error *err)
{
    (void)context;
    (void)err;
    return http_answer_ok(exchange);
}

enum error_code web_gateway_check(void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    if (atomic_load(&gateway->connected))
        return ERROR_NONE;
    enum error_code code = message_client_check(gateway->client, err);
    if (!code)
        atomic_store(&gateway->connected, true);
    return code;
}

/* Ready once the message service has answered; what happens to it later does not take the gateway
 * out of service, since it can go on showing what it knows. */
static enum error_code get_readyz(struct http_exchange *exchange, void *context, struct error *err)
{
    struct web_gateway *gateway = context;
    if (atomic_load(&gateway->stopping))
        return error_set(err, ERROR_UNAVAILABLE, "The service is stopping");
    if (atomic_load(&gateway->connected))
        return http_answer_ok(exchange);
    enum error_code code = http_request_may_block(exchange);
    if (code)
        return code;
    code = web_gateway_check(gateway, err);
    return code ? ERROR_UNAVAILABLE : http_answer_ok(exchange);
}

static enum error_code get_metrics(struct http_exchange *exchange, void *context, struct error *err)
{
    const struct web_gateway *gateway = context;
    struct gateway_metrics_sources sources = {
        .client = gateway->client,
        .client_limits = gateway->client_limits,
        .feeds = gateway->feeds,
        .rooms = gateway->rooms,
        .server = http_request_server(exchange),
    };
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, METRICS_TEXT_MAX);
    gateway_metrics_write(&sources, &text);
    return common_metrics_answer(exchange, &text, err);
}

const struct http_route web_gateway_routes[] = {
    {.path = "/messages", .handlers[HTTP_GET] = get_messages, .handlers[HTTP_POST] = post_message},
    {.path = "/messages/:id", .handlers[HTTP_GET] = get_message},
    {.path = "/", .handlers[HTTP_GET] = get_page, .handlers[HTTP_POST] = post_form},
    {.path = "/rooms/:room", .handlers[HTTP_GET] = get_page, .handlers[HTTP_POST] = post_form},
    {.path = "/events", .handlers[HTTP_GET] = get_events, .answer_error = answer_event_source},
    {.path = "/rooms/:room/events",
     .handlers[HTTP_GET] = get_events,
     .answer_error = answer_event_source},
    {.path = "/rooms/:room/messages",
     .handlers[HTTP_GET] = get_messages,
     .handlers[HTTP_POST] = post_message},
    {.path = "/rooms/:room/messages/:id", .handlers[HTTP_GET] = get_message},
    {.path = "/static/:file", .handlers[HTTP_GET] = get_static},
    {.path = "/konnichiwa", .handlers[HTTP_GET] = get_konnichiwa},
    {.path = "/openapi.json", .handlers[HTTP_GET] = get_openapi},
    {.path = "/livez", .handlers[HTTP_GET] = get_livez, .vital = true},
    {.path = "/readyz", .handlers[HTTP_GET] = get_readyz, .vital = true},
    {.path = "/metrics", .handlers[HTTP_GET] = get_metrics, .metrics = true},
};

const size_t web_gateway_route_count = sizeof web_gateway_routes / sizeof web_gateway_routes[0];
