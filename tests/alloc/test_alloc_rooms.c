/*
 * Without memory: rooms, what their source brings them, and their readers. A failure may cost a
 * reader the connection and a request its answer, but with memory again the room has everything
 * that its source has, and no reader is left without a message that came.
 *
 * The server and the loop are the test's own, as is the source: it keeps messages, brings them all
 * to a room that is opened, and each new one to the room of that name that there is.
 */
#include "failing_alloc.h"

#include "event_hub.h"
#include "http_problem.h"
#include "live_listing.h"
#include "live_rooms.h"
#include "live_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 40, WAIT_MS = 10000, TEXT_MAX = 64 * 1024 };

/* ---- the server ---- */

struct http_exchange {
    const struct http_stream_ops *ops;
    void *stream;
    size_t answered_len;
};

/* The loop is the test's own thread (stream_loops.h). */
struct stream_loops {
    struct ring queue;
};

struct stream_loops *stream_loops_new(unsigned count)
{
    struct stream_loops *loops = calloc(count, sizeof *loops);
    if (loops)
        ring_init(&loops->queue);
    return loops;
}

void stream_loops_free(struct stream_loops *loops)
{
    free(loops);
}

void stream_loops_hasten(struct stream_loops *loops)
{
    (void)loops;
}

void stream_loops_wake(struct stream_loops *loops, unsigned to_wake)
{
    (void)loops, (void)to_wake;
}

void stream_loops_add(struct stream_loops *loops, struct stream_source *source,
                      struct stream *stream, struct http_takeover *takeover)
{
    stream->source = source;
    stream->takeover = takeover;
    ring_init(&stream->place);
    ring_append(&loops->queue, &stream->place);
}

unsigned stream_loops_queue(struct stream_loops *loops, struct stream_source *source)
{
    ring_move(&loops->queue, &source->waiting[0]);
    return 0;
}

void http_answer_set_header(struct http_exchange *exchange, const char *name, const char *format,
                            ...)
{
    (void)exchange, (void)name, (void)format;
}

const char *http_request_header(const struct http_exchange *exchange, const char *name)
{
    (void)exchange, (void)name;
    return NULL;
}

bool http_request_is_head(const struct http_exchange *exchange)
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
                                   const struct http_stream_ops *ops, void *stream)
{
    (void)content_type;
    exchange->ops = ops;
    exchange->stream = stream;
    return ERROR_NONE;
}

static enum error_code problems(void)
{
    struct http_exchange exchange = {0};
    http_problem_answer(&exchange, ERROR_INVALID_ROOM, NULL);
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
    live_source_sync(room, messages, kept, id_of(kept - 1));
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
        live_source_add(room, messages[index], id_of(index));
}

static struct live_rooms *make_rooms(void)
{
    kept = 2;
    return live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_room, .close = close_room, .lists_are_newest = true},
        .rooms_max = 8,
        .streams_max = 8,
        .loops = 1,
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
    CLEANUP(message_array_free) struct message_array *array = NULL;
    REQUIRE(room && live_room_messages(room, &array) == ERROR_NONE);
    REQUIRE(array->count == kept);
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
    struct live_listing all = {0}, newest = {0};
    struct message_array *array = NULL;
    enum error_code listed = live_listing_make(room, 0, NULL, &all);
    enum error_code parted = live_listing_make(room, 1, NULL, &newest);
    enum error_code copied = live_room_messages(room, &array);
    REQUIRE(!listed == (all.json != NULL) && !copied == (array != NULL));
    REQUIRE(!parted == (newest.messages != NULL));
    REQUIRE(listed == ERROR_NONE || listed == ERROR_INTERNAL);
    live_listing_fini(&all);
    live_listing_fini(&newest);
    if (parted)
        listed = parted;
    message_array_free(array);
    live_room_release(room);
    live_rooms_free(rooms);
    return listed ? listed : copied;
}
FAILING_ALLOC_TEST(test_live_room__out_of_memory_for_a_list_is_internal, room_read)

/* ---- readers of streams ---- */

static struct http_takeover takeover; /* not chunked */

/* A stream on the loop. */
static enum error_code open_stream(struct live_room *room, const char *id, struct stream **ret)
{
    struct http_exchange exchange = {0};
    struct live_stream_wish wish = {.last_event_id = id};
    enum error_code code = live_stream_open(room, &exchange, &wish, NULL);
    if (!code)
        exchange.ops->take(exchange.stream, &takeover);
    *ret = code ? NULL : exchange.stream; /* its first member */
    return code;
}

static void close_stream(struct stream *stream)
{
    ring_remove(&stream->place);
    blob_release(stream->output);
    live_stream_ops.free(stream);
}

static bool waits(const struct stream *stream)
{
    const struct ring *waiting = &stream->source->waiting[0];
    for (const struct ring *link = waiting->next; link != waiting; link = link->next)
        if (link == &stream->place)
            return true;
    return false;
}

/* Reads what there is; whether that was the end. */
static bool read_on(struct stream *stream, struct buffer *text)
{
    while (!waits(stream)) {
        struct ring run;
        ring_init(&run);
        ring_remove(&stream->place);
        ring_append(&run, &stream->place);
        live_stream_ops.read(stream->source, 0, &run);
        ring_take_first(&run);
        failing_alloc_pause();
        if (stream->output)
            buffer_append(text, stream->output->data, stream->output->len);
        failing_alloc_resume();
        stream_send(stream, NULL, 0);
        if (stream->ending)
            return true;
    }
    return false;
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
    struct stream *fresh, *resuming;
    char nothing[EVENT_ID_SIZE];
    event_id_format(event_id_nothing("lobby"), nothing);
    enum error_code codes[] = {open_stream(room, NULL, &fresh),
                               open_stream(room, nothing, &resuming)};
    if (fresh)
        close_stream(fresh);
    if (resuming)
        close_stream(resuming);
    live_room_release(room);
    live_rooms_free(rooms);
    return codes[0] ? codes[0] : codes[1];
}
FAILING_ALLOC_TEST(test_live_room__out_of_memory_for_a_stream_is_internal, subscribed)

/* A reader follows while the source brings messages one by one, and then its list anew. */
static enum error_code follow(struct live_rooms *rooms, struct live_room *room)
{
    struct stream *reader;
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, TEXT_MAX);
    failing_alloc_pause();
    REQUIRE(open_stream(room, NULL, &reader) == ERROR_NONE);
    failing_alloc_resume();
    bool ended = read_on(reader, &text);
    while (kept < MESSAGES - 1 && !ended) {
        bring_next(rooms);
        ended = read_on(reader, &text);
    }
    if (!ended) {
        kept = MESSAGES;
        live_source_sync(room, messages, kept, id_of(kept - 1));
        ended = read_on(reader, &text);
    }
    REQUIRE(ended || count_of(text.data, "event: message\n") == MESSAGES - 2);
    close_stream(reader);
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
    struct stream *reader;
    while (kept < MESSAGES)
        bring_next(rooms);
    failing_alloc_stop();
    enum error_code code = open_stream(room, NULL, &reader);
    if (!code) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, TEXT_MAX);
        REQUIRE(!read_on(reader, &text));
        REQUIRE(count_of(text.data, "\"id\":") == MESSAGES);
        close_stream(reader);
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
