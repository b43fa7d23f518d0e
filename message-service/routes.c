/*
 * The handlers of the message service: each reads what it needs, makes one call to the store and
 * answers. The rules are in draft.c, the store's in message_store.c, HTTP's in http_server.c.
 */
#include "routes.h"

#include "board_list.h"
#include "common_metrics.h"
#include "listing_http.h"
#include "live_stream.h"
#include "message_http.h"
#include "service_metrics.h"

static enum error_code post_message(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    struct message_service *service = context;
    const char *room;
    char key[IDEMPOTENCY_KEY_SIZE];
    CLEANUP_FINI(draft_fini) struct draft draft = {0};
    CLEANUP(message_release) struct message *message = NULL;

    enum error_code code = http_request_may_block(exchange);
    if (!code)
        code = message_http_room(exchange, &room, err);
    if (!code)
        code = message_http_idempotency_key(exchange, key, err);
    if (!code)
        code = message_http_draft(exchange, &service->rules, &draft, err);
    if (!code)
        code = message_store_save(service->store, room, &draft, key[0] ? key : NULL, &message, err);
    if (code)
        return code;
    message_http_set_location(exchange, message);
    return message_http_answer(exchange, 201, message, clock_now_us());
}

/* Answers with what the request asks for of a list that came from the store: a board knows how it
 * is ordered and tagged. */
static enum error_code answer_list(struct http_exchange *exchange, const struct message_list *list,
                                   size_t newest, const char *before)
{
    CLEANUP(board_free) struct board *board = board_of(list->messages, list->count);
    if (!board)
        return ERROR_INTERNAL;
    board_expire(board, clock_now_us());
    CLEANUP_FINI(live_listing_fini) struct live_listing listing = {0};
    struct message_array_filter filter = {.newest = newest};
    board_etag(board, listing.etag);
    if (!newest && !before[0] && board_count(board) <= LIVE_LISTING_FEW) {
        listing.json = board_list_render(board, clock_now_us());
        return listing.json ? listing_http_answer(exchange, &listing) : ERROR_INTERNAL;
    }
    if (before[0]) {
        filter.before = board_find(board, before);
        filter.above = filter.before ? 0 : UINT64_MAX; /* nothing before what is not there */
    }
    listing.messages = message_array_of(board, &filter);
    return listing.messages ? listing_http_answer(exchange, &listing) : ERROR_INTERNAL;
}

static enum error_code get_messages(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    struct message_service *service = context;
    const char *room;
    size_t newest = 0;
    char before[MESSAGE_ID_SIZE];
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    enum error_code code = message_http_room(exchange, &room, err);
    if (!code)
        code = listing_http_limit(exchange, &newest, err);
    if (!code)
        code = listing_http_before(exchange, before, err);
    if (!code)
        code = http_request_may_block(exchange);
    if (!code)
        code = message_store_list(service->store, room, &list, err);
    return code ? code : answer_list(exchange, &list, newest, before);
}

static enum error_code get_message(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    const char *room;
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = message_http_room(exchange, &room, err);
    if (!code)
        code = http_request_may_block(exchange);
    if (!code)
        code = message_store_find(service->store, room, http_request_param(exchange, "id"),
                                  &message, err);
    if (code == ERROR_MESSAGE_NOT_FOUND)
        return message_http_not_found(exchange, err);
    if (code)
        return code;
    return message_http_answer(exchange, 200, message, clock_now_us());
}

static enum error_code get_events(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    const char *name;
    struct live_stream_wish wish = {0};
    CLEANUP(live_room_release) struct live_room *room = NULL;
    enum error_code code = message_http_room(exchange, &name, err);
    if (!code)
        code = listing_http_limit(exchange, &wish.newest, err);
    if (code)
        return code;
    if (live_rooms_use(service->rooms, name, 0, &room, NULL)) {
        code = http_request_may_block(exchange);
        if (!code)
            code = live_rooms_use(service->rooms, name, service->sync_timeout_ms, &room, err);
    }
    if (code)
        return code;
    http_answer_set_header(exchange, MESSAGE_LIMITS_HEADER, "%s", service->limits);
    char buffer[EVENT_ID_SIZE];
    wish.last_event_id = message_http_last_event_id(exchange, buffer);
    return live_stream_open(room, exchange, &wish, err);
}

static enum error_code get_konnichiwa(struct http_exchange *exchange, void *context,
                                      struct error *err)
{
    static const char greeting[] = "Konnichiwa!";
    (void)context;
    (void)err;
    return http_answer(exchange, 200, HTTP_TYPE_TEXT, greeting, sizeof greeting - 1);
}

static enum error_code get_openapi(struct http_exchange *exchange, void *context, struct error *err)
{
    const struct message_service *service = context;
    (void)err;
    return openapi_answer(service->openapi, exchange);
}

static enum error_code get_livez(struct http_exchange *exchange, void *context, struct error *err)
{
    (void)context;
    (void)err;
    return http_answer_ok(exchange);
}

enum error_code message_service_check(void *context, struct error *err)
{
    struct message_service *service = context;
    return message_store_check(service->store, err);
}

static enum error_code get_readyz(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    if (atomic_load(&service->stopping))
        return error_set(err, ERROR_UNAVAILABLE, "The service is stopping");
    enum error_code code = http_request_may_block(exchange);
    if (code)
        return code;
    code = message_service_check(service, err);
    /* Not ready is one status, whatever the store's trouble is. */
    return code ? ERROR_UNAVAILABLE : http_answer_ok(exchange);
}

static enum error_code get_metrics(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, METRICS_TEXT_MAX);
    service_metrics_write(service->store, service->rooms, http_request_server(exchange), &text);
    return common_metrics_answer(exchange, &text, err);
}

const struct http_route message_service_routes[] = {
    {.path = "/messages", .handlers[HTTP_GET] = get_messages, .handlers[HTTP_POST] = post_message},
    {.path = "/messages/:id", .handlers[HTTP_GET] = get_message},
    {.path = "/events", .handlers[HTTP_GET] = get_events},
    {.path = "/rooms/:room/events", .handlers[HTTP_GET] = get_events},
    {.path = "/rooms/:room/messages",
     .handlers[HTTP_GET] = get_messages,
     .handlers[HTTP_POST] = post_message},
    {.path = "/rooms/:room/messages/:id", .handlers[HTTP_GET] = get_message},
    {.path = "/konnichiwa", .handlers[HTTP_GET] = get_konnichiwa},
    {.path = "/openapi.json", .handlers[HTTP_GET] = get_openapi},
    {.path = "/livez", .handlers[HTTP_GET] = get_livez, .open = true, .vital = true},
    {.path = "/readyz", .handlers[HTTP_GET] = get_readyz, .open = true, .vital = true},
    {.path = "/metrics", .handlers[HTTP_GET] = get_metrics, .metrics = true},
};

const size_t message_service_route_count =
    sizeof message_service_routes / sizeof message_service_routes[0];
