/*
 * Without memory: rooms, what their source brings them, and their readers. A failure may cost a
 * reader the connection and a request its answer, but with memory again the room has everything
 * that its source has, and no reader is left without a message that came.
 *
 * The server's connections are stand-ins, as is the source: it keeps messages, brings them all to a
 * room that is opened, and each new one to the room of that name that there is.
 */
#include "failing_alloc.h"

#include "event_hub.h"
#include "http_problem.h"
#include "live_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 40, WAIT_MS = 10000, TEXT_MAX = 64 * 1024 };

/* ---- the server ---- */

struct http_connection {
    bool suspended;
};

struct http_exchange {
    struct http_connection connection;
    const struct http_stream_ops *ops;
    void *stream;
    size_t answered_len;
};

void http_stream_suspend(struct http_connection *connection)
{
    REQUIRE(!connection->suspended);
    connection->suspended = true;
}

void http_stream_resume(struct http_connection *connection)
{
    REQUIRE(connection->suspended);
    connection->suspended = false;
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *format, ...)
{
    (void)exchange, (void)name, (void)format;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    (void)exchange, (void)name;
    return NULL;
}

bool http_is_head(const struct http_exchange *exchange)
{
    (void)exchange;
    return false;
}

enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len)
{
    (void)content_type;
    REQUIRE(status == 400);
    REQUIRE(!len || ((const char *)bytes)[len - 1] == '}');
    exchange->answered_len = len;
    return ERROR_NONE;
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream,
                                   struct http_connection **ret_connection)
{
    (void)content_type;
    exchange->ops = ops;
    exchange->stream = stream;
    *ret_connection = &exchange->connection;
    return ERROR_NONE;
}

static enum error_code problems(void)
{
    struct http_exchange exchange = {0};
    http_answer_problem(&exchange, ERROR_INVALID_ROOM, NULL);
    return exchange.answered_len ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_http_problem__out_of_memory_has_no_half_a_body, problems)

/* ---- the source ---- */

static const uint64_t first_number = 1795327200000000;
static const uint64_t epoch = 1;

static struct message *messages[MESSAGES];
static size_t kept; /* the first so many */

static void make_messages(void)
{
    uint64_t now_us = clock_monotonic_us(&clock_system);
    for (unsigned i = 0; i < MESSAGES; i++) {
        char id[MESSAGE_ID_SIZE];
        snprintf(id, sizeof id, "%08x%024x", i * 2654435761u, i);
        messages[i] = message_new(&(struct message_fields){
            .number = first_number + i,
            .deadline_us = now_us + (uint64_t)3600 * 1000000,
            .created_at_ms = 1795327200000,
            .expires_at_ms = 1795330800000,
            .id = id,
            .room = "lobby",
            .text = "text",
        });
    }
}

static struct event_id id_of(size_t index)
{
    return event_id_make("lobby", epoch, first_number + index);
}

static bool open_room(void *context, struct live_room *room)
{
    (void)context;
    live_room_sync(room, messages, kept, id_of(kept - 1));
    return true;
}

static void close_room(void *context, struct live_room *room)
{
    (void)context, (void)room;
}

/* Keeps one message more and brings it to the room, if there is one. */
static void bring_next(struct live_rooms *rooms)
{
    size_t index = kept++;
    CLEANUP(live_room_release) struct live_room *room = live_rooms_find(rooms, "lobby");
    if (room)
        live_room_add(room, messages[index], id_of(index));
}

static struct live_rooms *make_rooms(void)
{
    kept = 2;
    return live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_room, .close = close_room, .lists_are_newest = true},
        .rooms_max = 8,
        .subscribers_max = 8,
        .linger_us = 1000000,
        .clock = &clock_system,
    });
}

static struct live_rooms *make_good_rooms(void)
{
    failing_alloc_pause();
    struct live_rooms *rooms = make_rooms();
    REQUIRE(rooms);
    failing_alloc_resume();
    return rooms;
}

static enum error_code rooms_made(void)
{
    struct live_rooms *rooms = make_rooms();
    live_rooms_free(rooms);
    return rooms ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_live_rooms__out_of_memory_are_not_made, rooms_made)

/* ---- readers of lists ---- */

static struct live_room *use(struct live_rooms *rooms)
{
    struct live_room *room = NULL;
    enum error_code code = live_rooms_use(rooms, "lobby", WAIT_MS, &room, NULL);
    REQUIRE(!code == (room != NULL));
    REQUIRE(!code || code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE);
    return room;
}

static void require_all(struct live_rooms *rooms)
{
    CLEANUP(live_room_release) struct live_room *room = use(rooms);
    CLEANUP(board_free) struct board *board = NULL;
    REQUIRE(room && live_room_board(room, &board) == ERROR_NONE);
    REQUIRE(board_count(board) == kept);
}

static enum error_code room_used(void)
{
    struct live_rooms *rooms = make_good_rooms();
    struct live_room *room = use(rooms);
    live_room_release(room);
    failing_alloc_stop();
    require_all(rooms);
    live_rooms_free(rooms);
    return room ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_live_rooms__out_of_memory_once_is_not_for_ever, room_used)

static struct live_room *use_good(struct live_rooms *rooms)
{
    failing_alloc_pause();
    struct live_room *room = use(rooms);
    REQUIRE(room);
    failing_alloc_resume();
    return room;
}

static enum error_code room_read(void)
{
    struct live_rooms *rooms = make_good_rooms();
    struct live_room *room = use_good(rooms);
    struct blob *list = NULL;
    struct board *board = NULL;
    char etag[BOARD_ETAG_SIZE];
    enum error_code listed = live_room_list(room, &list, etag);
    enum error_code copied = live_room_board(room, &board);
    REQUIRE(!listed == (list != NULL) && !copied == (board != NULL));
    REQUIRE(listed == ERROR_NONE || listed == ERROR_INTERNAL);
    blob_release(list);
    board_free(board);
    live_room_release(room);
    live_rooms_free(rooms);
    return listed ? listed : copied;
}
FAILING_ALLOC_TEST(test_live_room__out_of_memory_for_a_list_is_internal, room_read)

/* ---- readers of streams ---- */

/* Reads what there is; whether that was the end. */
static bool read_on(struct http_exchange *exchange, struct buffer *text)
{
    for (;;) {
        char bytes[256];
        if (exchange->connection.suspended)
            return false;
        ssize_t len = exchange->ops->read(exchange->stream, bytes, sizeof bytes);
        if (len == HTTP_STREAM_END)
            return true;
        if (len == HTTP_STREAM_LATER)
            return false;
        failing_alloc_pause();
        buffer_append(text, bytes, (size_t)len);
        failing_alloc_resume();
    }
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

static enum error_code subscribed(void)
{
    struct live_rooms *rooms = make_good_rooms();
    struct live_room *room = use_good(rooms);
    struct http_exchange fresh = {0}, resuming = {0};
    char nothing[EVENT_ID_SIZE];
    event_id_format(event_id_nothing("lobby"), nothing);
    enum error_code codes[] = {live_room_subscribe(room, &fresh, NULL, NULL),
                               live_room_subscribe(room, &resuming, nothing, NULL)};
    REQUIRE(!codes[0] == (fresh.stream != NULL) && !codes[1] == (resuming.stream != NULL));
    if (fresh.stream)
        fresh.ops->free(fresh.stream);
    if (resuming.stream)
        resuming.ops->free(resuming.stream);
    live_room_release(room);
    live_rooms_free(rooms);
    return codes[0] ? codes[0] : codes[1];
}
FAILING_ALLOC_TEST(test_live_room__out_of_memory_for_a_stream_is_internal, subscribed)

/* A reader follows while the source brings messages one by one, and then its list anew. */
static enum error_code follow(struct live_rooms *rooms, struct live_room *room)
{
    struct http_exchange reader = {0};
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, TEXT_MAX);
    failing_alloc_pause();
    REQUIRE(live_room_subscribe(room, &reader, NULL, NULL) == ERROR_NONE);
    failing_alloc_resume();
    bool ended = read_on(&reader, &text);
    while (kept < MESSAGES - 1 && !ended) {
        bring_next(rooms);
        ended = read_on(&reader, &text);
    }
    if (!ended) {
        kept = MESSAGES;
        live_room_sync(room, messages, kept, id_of(kept - 1));
        ended = read_on(&reader, &text);
    }
    REQUIRE(ended || count_of(text.data, "event: message\n") == MESSAGES - 2);
    reader.ops->free(reader.stream);
    return ended ? ERROR_INTERNAL : ERROR_NONE;
}

static enum error_code followed(void)
{
    struct live_rooms *rooms = make_good_rooms();
    struct live_room *room = use_good(rooms);
    enum error_code code = follow(rooms, room);
    failing_alloc_stop();
    live_room_release(room);
    require_all(rooms);
    live_rooms_free(rooms);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_live_room__out_of_memory_leaves_no_reader_behind, followed)

/* Who comes when the room lacks something does not stay with it. */
static enum error_code joined_late(void)
{
    struct live_rooms *rooms = make_good_rooms();
    struct live_room *room = use_good(rooms);
    struct http_exchange reader = {0};
    while (kept < MESSAGES)
        bring_next(rooms);
    failing_alloc_stop();
    enum error_code code = live_room_subscribe(room, &reader, NULL, NULL);
    if (!code) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, TEXT_MAX);
        REQUIRE(!read_on(&reader, &text));
        REQUIRE(count_of(text.data, "\"id\":") == MESSAGES);
        reader.ops->free(reader.stream);
    }
    live_room_release(room);
    require_all(rooms);
    live_rooms_free(rooms);
    return code;
}
FAILING_ALLOC_TEST(test_live_room__out_of_memory_lets_nobody_join_what_is_left, joined_late)

int main(void)
{
    make_messages();
    const TTest *const tests[] = {
        test_http_problem__out_of_memory_has_no_half_a_body,
        test_live_rooms__out_of_memory_are_not_made,
        test_live_rooms__out_of_memory_once_is_not_for_ever,
        test_live_room__out_of_memory_for_a_list_is_internal,
        test_live_room__out_of_memory_for_a_stream_is_internal,
        test_live_room__out_of_memory_leaves_no_reader_behind,
        test_live_room__out_of_memory_lets_nobody_join_what_is_left,
    };
    int status = failing_alloc_main("alloc_rooms", tests, sizeof tests / sizeof *tests);
    for (unsigned i = 0; i < MESSAGES; i++)
        message_release(messages[i]);
    return status;
}
