/*
 * The handlers of the message service: each reads what it needs, makes one call to the store and
 * answers. The rules are in draft.c, the store's in message_store.c, HTTP's in http_server.c.
 */
#include "routes.h"

#include "board_list.h"
#include "common_metrics.h"
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

    enum error_code code = message_http_room(exchange, &room, err);
    if (!code)
        code = message_http_idempotency_key(exchange, key, err);
    if (!code)
        code = message_http_draft(exchange, &service->rules, &draft, err);
    if (!code)
        code = http_block(exchange, err);
    if (!code)
        code = message_store_save(service->store, room, &draft, key[0] ? key : NULL, &message, err);
    if (code)
        return code;
    message_http_set_location(exchange, message);
    return message_http_answer(exchange, 201, message, clock_monotonic_us(&clock_system));
}

/* A board knows how a list is ordered and tagged. */
static enum error_code answer_list(struct http_exchange *exchange, const struct message_list *list)
{
    uint64_t now_us = clock_monotonic_us(&clock_system);
    CLEANUP(board_free) struct board *board = board_of(list->messages, list->count);
    if (!board)
        return ERROR_INTERNAL;
    board_expire(board, now_us);
    CLEANUP(blob_release) struct blob *json = board_list_render(board, now_us);
    if (!json)
        return ERROR_INTERNAL;
    char etag[BOARD_ETAG_SIZE];
    board_etag(board, etag);
    return http_answer_tagged(exchange, HTTP_TYPE_JSON, etag, json->data, json->len);
}

static enum error_code get_messages(struct http_exchange *exchange, void *context,
                                    struct error *err)
{
    struct message_service *service = context;
    const char *room;
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    enum error_code code = message_http_room(exchange, &room, err);
    if (!code)
        code = http_block(exchange, err);
    if (!code)
        code = message_store_list(service->store, room, &list, err);
    return code ? code : answer_list(exchange, &list);
}

static enum error_code get_message(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    const char *room;
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = message_http_room(exchange, &room, err);
    if (!code)
        code = http_block(exchange, err);
    if (!code)
        code = message_store_find(service->store, room, http_param(exchange, "id"), &message, err);
    if (code == ERROR_MESSAGE_NOT_FOUND)
        return message_http_not_found(exchange, err);
    if (code)
        return code;
    return message_http_answer(exchange, 200, message, clock_monotonic_us(&clock_system));
}

static enum error_code get_events(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    const char *name;
    CLEANUP(live_room_release) struct live_room *room = NULL;
    enum error_code code = message_http_room(exchange, &name, err);
    if (!code)
        code = http_block(exchange, err);
    if (!code)
        code = live_rooms_use(service->rooms, name, service->sync_timeout_ms, &room, err);
    if (code)
        return code;
    http_set_header(exchange, MESSAGE_LIMITS_HEADER, "%s", service->limits);
    char buffer[EVENT_ID_SIZE];
    return live_room_subscribe(room, exchange, message_http_last_event_id(exchange, buffer), err);
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
    enum error_code code = http_block(exchange, err);
    if (!code)
        code = message_service_check(service, err);
    /* Not ready is one status, whatever the store's trouble is. */
    return code ? ERROR_UNAVAILABLE : http_answer_ok(exchange);
}

static enum error_code get_metrics(struct http_exchange *exchange, void *context, struct error *err)
{
    struct message_service *service = context;
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, METRICS_TEXT_MAX);
    service_metrics_write(service->store, service->rooms, http_exchange_metrics(exchange), &text);
    return common_metrics_answer(exchange, &text, err);
}

const struct http_route message_service_routes[] = {
    {.path = "/messages", .get = get_messages, .post = post_message},
    {.path = "/messages/:id", .get = get_message},
    {.path = "/events", .get = get_events},
    {.path = "/rooms/:room/events", .get = get_events},
    {.path = "/rooms/:room/messages", .get = get_messages, .post = post_message},
    {.path = "/rooms/:room/messages/:id", .get = get_message},
    {.path = "/konnichiwa", .get = get_konnichiwa},
    {.path = "/openapi.json", .get = get_openapi},
    {.path = "/livez", .get = get_livez, .open = true},
    {.path = "/readyz", .get = get_readyz, .open = true},
    {.path = "/metrics", .get = get_metrics, .open = true},
};

const size_t message_service_route_count =
    sizeof message_service_routes / sizeof message_service_routes[0];
