/*
 * Rooms as their source and their readers see them, over stand-ins for the server's connections, the
 * source and (but where the timer itself is tested) the clock; and many threads at once.
 *
 * The set clock is far ahead of the system's, so that the timer's thread sleeps until it is woken,
 * and the time that it sees passes in wake_timer alone.
 * Messages are called by small numbers: message 3 has the id 3 and the number first_number + 3.
 */
#include "event_text.h"
#include "live_room_internal.h"

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t second_us = 1000000;
static const uint64_t first_number = 1795327200000000;
static const uint64_t epoch = 1795327200000000;

/* ---- the clock ---- */

static _Atomic uint64_t set_us;
static _Atomic uint64_t timer_us; /* what other threads see */
static _Thread_local bool is_test_thread;

static uint64_t set_monotonic_us(const struct clock *clock)
{
    (void)clock;
    return is_test_thread ? set_us : timer_us;
}

/* The wall clock stands 100 s after the first number when a test begins. */
static const uint64_t begin_us = 1000000000000000;

static uint64_t set_wall_us(const struct clock *clock)
{
    (void)clock;
    return set_us - begin_us + first_number + 100 * second_us;
}

static const struct clock set_clock = {.monotonic_us = set_monotonic_us, .wall_us = set_wall_us};

/* ---- the server ---- */

/* One thread that serves connections: it reads those that are not suspended, and sleeps where there
 * are none. */
struct server_thread {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool resumed;        /* one of its connections was, since it last looked */
    uint64_t resumed_us; /* when the last one was, by the system's clock */
};

struct http_connection {
    struct server_thread *thread;
    bool suspended; /* under thread->lock, like `resuming` */
    bool resuming;  /* takes effect when the thread looks */
};

struct http_exchange {
    struct http_connection *connection;
    bool head;
    bool fails;
    int status;
    bool unbuffered;
    char last_event_id[64];
    const struct http_stream_ops *ops;
    void *stream;
};

static struct server_thread only_thread = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                           .wake = PTHREAD_COND_INITIALIZER};

void http_stream_suspend(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    ck_assert(!connection->suspended);
    ck_assert(!connection->resuming);
    connection->suspended = true;
}

void http_stream_resume(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    ck_assert(connection->suspended);
    ck_assert(!connection->resuming);
    connection->resuming = true;
    connection->thread->resumed = true;
    connection->thread->resumed_us = clock_monotonic_us(&clock_system);
    pthread_cond_signal(&connection->thread->wake);
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *format, ...)
{
    char value[64];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (strcmp(name, "Last-Event-ID") == 0)
        memcpy(exchange->last_event_id, value, sizeof value);
    if (strcmp(name, "X-Accel-Buffering") == 0)
        exchange->unbuffered = strcmp(value, "no") == 0;
}

bool http_is_head(const struct http_exchange *exchange)
{
    return exchange->head;
}

enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len)
{
    ck_assert_str_eq(content_type, HTTP_TYPE_EVENTS);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(len, 0);
    exchange->status = status;
    return ERROR_NONE;
}

enum error_code http_answer_stream(struct http_exchange *exchange, const char *content_type,
                                   const struct http_stream_ops *ops, void *stream,
                                   struct http_connection **ret_connection)
{
    ck_assert_str_eq(content_type, HTTP_TYPE_EVENTS);
    if (exchange->fails) {
        ops->free(stream);
        return ERROR_INTERNAL;
    }
    *ret_connection = exchange->connection;
    exchange->ops = ops;
    exchange->stream = stream;
    exchange->status = 200;
    return ERROR_NONE;
}

/* Whether the server reads this connection now. */
static bool readable(struct http_connection *connection)
{
    LOCKED(&connection->thread->lock);
    if (connection->resuming)
        connection->suspended = connection->resuming = false;
    return !connection->suspended;
}

/* ---- a reader ---- */

struct reader {
    struct live_room *room;
    struct http_connection connection;
    const struct http_stream_ops *ops;
    void *stream;
    struct buffer text;
    bool ended;
};

static enum error_code try_subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    *reader = (struct reader){.room = room, .connection = {.thread = &only_thread}};
    buffer_init(&reader->text, (size_t)1 << 30);
    struct http_exchange exchange = {.connection = &reader->connection};
    enum error_code code = live_room_subscribe(room, &exchange, id, NULL);
    reader->ops = exchange.ops;
    reader->stream = exchange.stream;
    return code;
}

static void subscribe(struct reader *reader, struct live_room *room, const char *id)
{
    ck_assert_int_eq(try_subscribe(reader, room, id), ERROR_NONE);
}

/* Resumes who waits in the room, as a keep-alive comment does. */
static void resume_all(struct live_room *room)
{
    pthread_mutex_lock(&room->lock);
    struct subscriber *waiting = event_hub_take_waiting(room->hub);
    pthread_mutex_unlock(&room->lock);
    event_hub_resume(waiting);
}

/* The server sees that the peer of a suspended connection has left once it is resumed. */
static void leave(struct reader *reader)
{
    if (reader->ops && !readable(&reader->connection))
        resume_all(reader->room);
    if (reader->ops)
        reader->ops->free(reader->stream);
    reader->ops = NULL;
    buffer_fini(&reader->text);
}

/* One read by the server, which may. False where it has nothing to send. */
static bool read_once(struct reader *reader, size_t max)
{
    char bytes[65536];
    ssize_t len = reader->ops->read(reader->stream, bytes, max < sizeof bytes ? max : sizeof bytes);
    if (len > 0)
        buffer_append(&reader->text, bytes, (size_t)len);
    if (len == HTTP_STREAM_END) {
        reader->ended = true;
        reader->ops->free(reader->stream);
        reader->ops = NULL;
    }
    return len > 0;
}

static void pump(struct reader *reader)
{
    while (reader->ops && readable(&reader->connection))
        (void)read_once(reader, SIZE_MAX);
}

/* ---- what a reader was told ---- */

struct told {
    char event[16]; /* "retry" and "comment" too */
    char id[EVENT_ID_SIZE];
    const char *data;
};

static const char *value_of(const char *line, const char *field)
{
    size_t len = strlen(field);
    return strncmp(line, field, len) == 0 ? line + len : NULL;
}

static void take_line(struct told *told, const char *line)
{
    const char *value;
    if (strcmp(line, ":") == 0)
        snprintf(told->event, sizeof told->event, "comment");
    else if ((value = value_of(line, "retry: ")))
        snprintf(told->event, sizeof told->event, "retry");
    else if ((value = value_of(line, "event: ")))
        snprintf(told->event, sizeof told->event, "%s", value);
    else if ((value = value_of(line, "id: ")))
        snprintf(told->id, sizeof told->id, "%s", value);
    else if ((value = value_of(line, "data: ")))
        told->data = value;
    else
        ck_abort_msg("no line of an event: %s", line);
}

/* Reads the event at the beginning of `text`, which it cuts into lines. Returns its length, or 0
 * where it is not whole. */
static size_t next_told(char *text, struct told *ret_told)
{
    *ret_told = (struct told){0};
    char *end = text ? strstr(text, "\n\n") : NULL;
    if (!end)
        return 0;
    *end = '\0';
    for (char *line = text; line;) {
        char *line_end = strchr(line, '\n');
        if (line_end)
            *line_end++ = '\0';
        take_line(ret_told, line);
        line = line_end;
    }
    return (size_t)(end - text) + 2;
}

/* The number of the next message in `*data`, or 0; moves on behind it. */
static uint64_t next_message(const char **data)
{
    const char *at = *data ? strstr(*data, "\"id\":\"") : NULL;
    if (!at)
        return 0;
    *data = at + 6;
    return strtoull(*data + MESSAGE_ID_LEN / 2, NULL, 16);
}

static uint64_t number_of(const char *id_text)
{
    struct event_id id;
    ck_assert(event_id_parse(id_text, &id));
    return id.number > first_number ? id.number - first_number : id.number;
}

static void append_told(struct buffer *summary, const struct told *told)
{
    if (summary->len)
        buffer_append_string(summary, "; ");
    buffer_append_string(summary, told->event);
    const char *missed = told->data ? value_of(told->data, "{\"missed\":") : NULL;
    if (missed)
        buffer_append_format(summary, " %ld", strtol(missed, NULL, 10));
    const char *data = told->data;
    uint64_t message;
    for (const char *separator = " "; (message = next_message(&data)); separator = ",")
        buffer_append_format(summary, "%s%" PRIu64, separator, message);
    if (told->id[0])
        buffer_append_format(summary, " #%" PRIu64, number_of(told->id));
}

/* What the reader was told since the last time: "retry; snapshot 1,2 #2; message 3 #3". */
static void assert_told(struct reader *reader, const char *expected)
{
    struct buffer summary;
    struct told told;
    size_t len;
    pump(reader);
    buffer_init(&summary, (size_t)1 << 30);
    buffer_append_string(&summary, "");
    while ((len = next_told(reader->text.data, &told))) {
        append_told(&summary, &told);
        buffer_consume(&reader->text, len);
    }
    ck_assert_uint_eq(reader->text.len, 0);
    ck_assert_str_eq(summary.data, expected);
    buffer_fini(&summary);
}

static void assert_ended(struct reader *reader)
{
    pump(reader);
    ck_assert(reader->ended);
}

/* ---- the source ---- */

static struct source {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t opened;
    size_t closed;
    char last_closed[ROOM_NAME_SIZE];
    bool fails;
    bool silent; /* a room that is opened is not synchronised */
    void (*on_close)(struct live_room *room);
} source = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool open_source(void *context, struct live_room *room)
{
    struct source *opened = context;
    pthread_mutex_lock(&opened->lock);
    opened->opened += !opened->fails;
    bool fails = opened->fails;
    bool silent = opened->silent;
    pthread_mutex_unlock(&opened->lock);
    if (!fails && !silent)
        live_room_sync(room, NULL, 0, event_id_nothing(live_room_name(room)));
    return !fails;
}

static void close_source(void *context, struct live_room *room)
{
    struct source *closed = context;
    if (closed->on_close)
        closed->on_close(room);
    LOCKED(&closed->lock);
    closed->closed++;
    memcpy(closed->last_closed, live_room_name(room), strlen(live_room_name(room)) + 1);
    pthread_cond_broadcast(&closed->changed);
}

/* Waits until the source has closed `count` rooms. */
static void await_closed(size_t count)
{
    LOCKED(&source.lock);
    while (source.closed < count)
        pthread_cond_wait(&source.changed, &source.lock);
    ck_assert_uint_eq(source.closed, count);
}

/* ---- the rooms ---- */

enum { ROOMS_MAX = 4, SUBSCRIBERS_MAX = 5, LINGER_S = 30, KEEP_ALIVE_S = 10 };

static struct live_rooms *rooms;
static struct live_room *lobby;

static struct live_rooms *make_rooms_of(const struct clock *clock, bool lists_are_newest)
{
    struct live_rooms *made = live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_source,
                   .close = close_source,
                   .context = &source,
                   .lists_are_newest = lists_are_newest},
        .rooms_max = ROOMS_MAX,
        .subscribers_max = SUBSCRIBERS_MAX,
        .linger_us = LINGER_S * second_us,
        .clock = clock,
    });
    ck_assert_ptr_nonnull(made);
    return made;
}

static struct live_rooms *make_rooms(const struct clock *clock)
{
    return make_rooms_of(clock, false);
}

static struct live_room *use(const char *name)
{
    struct live_room *room = NULL;
    ck_assert_int_eq(live_rooms_use(rooms, name, 1000, &room, NULL), ERROR_NONE);
    ck_assert_ptr_nonnull(room);
    ck_assert_str_eq(live_room_name(room), name);
    return room;
}

static void set_clocks(void)
{
    is_test_thread = true;
    set_us = timer_us = begin_us;
}

static void setup(void)
{
    set_clocks();
    rooms = make_rooms(&set_clock);
    lobby = use("lobby");
}

static void teardown(void)
{
    live_room_release(lobby);
    live_rooms_free(rooms);
    ck_assert_uint_eq(source.opened, source.closed);
}

static void pass(uint64_t us)
{
    set_us += us;
}

static void tick(void)
{
    (void)live_room_tick(lobby, set_us);
}

static struct event_id id_in(uint64_t of_epoch, uint64_t n)
{
    return event_id_make("lobby", of_epoch, first_number + n);
}

static struct event_id id_of(uint64_t n)
{
    return id_in(epoch, n);
}

/* The text of message n's event id. Good until the next call. */
static const char *id_text(uint64_t n)
{
    static char text[EVENT_ID_SIZE];
    event_id_format(id_of(n), text);
    return text;
}

static struct message *make(uint64_t n, uint64_t number, uint64_t ttl_us)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    int64_t created_ms = (int64_t)(set_wall_us(NULL) / 1000);
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = set_us + ttl_us,
        .created_at_ms = created_ms,
        .expires_at_ms = created_ms + (int64_t)(ttl_us / 1000),
        .id = id,
        .room = "lobby",
        .text = "hello",
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

static void add_for(uint64_t n, uint64_t ttl_us)
{
    struct message *message = make(n, first_number + n, ttl_us);
    live_room_add(lobby, message, id_of(n));
    message_release(message);
}

static void add(uint64_t n)
{
    add_for(n, 60 * second_us);
}

static void add_own_for(uint64_t n, uint64_t ttl_us)
{
    struct message *message = make(n, 0, ttl_us);
    live_room_add_own(lobby, message);
    message_release(message);
}

/* The source has the messages that `list` names ("1 2 5") and gave out `last` last. */
static void sync_in(uint64_t of_epoch, const char *list, uint64_t last)
{
    struct message *messages[16];
    size_t count = 0;
    char *end;
    for (unsigned long n; (n = strtoul(list, &end, 10)); list = end)
        messages[count++] = make(n, first_number + n, 60 * second_us);
    live_room_sync(lobby, messages, count, id_in(of_epoch, last));
    while (count)
        message_release(messages[--count]);
}

static void sync_source(const char *list, uint64_t last)
{
    sync_in(epoch, list, last);
}

/* The room's list holds these messages: "1,2". */
static void assert_list(const char *expected)
{
    struct blob *list = NULL;
    char etag[BOARD_ETAG_SIZE];
    struct buffer summary;
    ck_assert_int_eq(live_room_list(lobby, &list, etag), ERROR_NONE);
    char *text = malloc(list->len + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, list->data, list->len);
    text[list->len] = '\0';
    const char *data = text;
    buffer_init(&summary, 10000);
    buffer_append_string(&summary, "");
    for (uint64_t message; (message = next_message(&data));)
        buffer_append_format(&summary, "%s%" PRIu64, summary.len ? "," : "", message);
    ck_assert_str_eq(summary.data, expected);
    buffer_fini(&summary);
    free(text);
    blob_release(list);
}

/* ---- how a stream opens ---- */

START_TEST(test_live_room__new_reader_gets_a_snapshot)
{
    struct reader reader;
    add(1);
    add(2);
    subscribe(&reader, lobby, NULL);
    assert_told(&reader, "retry; snapshot 1,2 #2");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__snapshot_of_an_empty_room)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    assert_told(&reader, "retry; snapshot #0");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__snapshot_of_two_who_come_together)
{
    struct reader first;
    struct reader second;
    add(1);
    subscribe(&first, lobby, NULL);
    add(2);
    subscribe(&second, lobby, NULL);
    assert_told(&first, "retry; snapshot 1 #1; message 2 #2");
    assert_told(&second, "retry; snapshot 1,2 #2");
    leave(&first);
    leave(&second);
}
END_TEST

static const char *const odd_ids[] = {
    "",
    "0",
    "abc",
    "-1",
    "17953272000000010000000000x",
    "99999999999999999999999999",
    "00000000000000000000000000",
    "179532720000000100000000000000000000",
    "\xff\xfe",
    "%00",
};

START_TEST(test_live_room__odd_id_gets_a_snapshot)
{
    struct reader reader;
    add(1);
    subscribe(&reader, lobby, odd_ids[_i]);
    assert_told(&reader, "retry; snapshot 1 #1");
    leave(&reader);
}
END_TEST

static void assert_snapshot_for(struct event_id id)
{
    struct reader reader;
    char text[EVENT_ID_SIZE];
    event_id_format(id, text);
    subscribe(&reader, lobby, text);
    assert_told(&reader, "retry; snapshot 1,2 #2");
    leave(&reader);
}

START_TEST(test_live_room__foreign_id_gets_a_snapshot)
{
    add(1);
    add(2);
    assert_snapshot_for(event_id_make("another", epoch, first_number + 1));
    assert_snapshot_for(event_id_nothing("another"));
    assert_snapshot_for(id_in(epoch - 1, 1));
    assert_snapshot_for(id_in(epoch + 1, 1));
    assert_snapshot_for(event_id_make("lobby", 0, first_number + 1));
    assert_snapshot_for(event_id_make("lobby", epoch, 0));
}
END_TEST

START_TEST(test_live_room__resumes_with_the_rest_in_the_order_of_numbers)
{
    struct reader reader;
    add_for(1, 50 * second_us);
    add_for(2, 40 * second_us);
    add_for(3, 30 * second_us);
    add_for(4, 20 * second_us);
    subscribe(&reader, lobby, id_text(1));
    assert_told(&reader, "retry; resumed 3; message 2 #2; message 3 #3; message 4 #4");
    add(5);
    assert_told(&reader, "message 5 #5");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__resumes_at_a_number_between)
{
    struct reader reader;
    add(2);
    add(5);
    subscribe(&reader, lobby, id_text(3));
    assert_told(&reader, "retry; resumed 1; message 5 #5");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__resumes_at_the_last_with_none_missed)
{
    struct reader reader;
    add(1);
    add(2);
    subscribe(&reader, lobby, id_text(2));
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__id_ahead_of_this_replica_skips_what_the_reader_had)
{
    struct reader reader;
    add(1);
    subscribe(&reader, lobby, id_text(4));
    assert_told(&reader, "retry; resumed 0");
    add(2);
    add(4);
    add(5);
    assert_told(&reader, "message 5 #5");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__id_may_be_ahead_by_a_minute)
{
    struct reader reader;
    add(1);
    uint64_t limit = set_wall_us(NULL) + 60 * second_us - first_number;
    subscribe(&reader, lobby, id_text(limit));
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
    subscribe(&reader, lobby, id_text(limit + 1));
    assert_told(&reader, "retry; snapshot 1 #1");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__known_id_is_honoured_however_far_ahead_the_store_is)
{
    struct reader reader;
    add(500 * second_us);
    subscribe(&reader, lobby, id_text(500 * second_us));
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__reader_who_has_nothing_is_sent_all)
{
    struct reader reader;
    char nothing[EVENT_ID_SIZE];
    event_id_format(event_id_nothing("lobby"), nothing);
    add(1);
    add(2);
    subscribe(&reader, lobby, nothing);
    assert_told(&reader, "retry; resumed 2; message 1 #1; message 2 #2");
    leave(&reader);
    sync_source("2", 2);
    subscribe(&reader, lobby, nothing);
    assert_told(&reader, "retry; resumed 1; message 2 #2");
    leave(&reader);
    sync_in(epoch + 1, "3", 3);
    subscribe(&reader, lobby, nothing);
    assert_told(&reader, "retry; resumed 1; message 3 #3");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__id_of_an_older_epoch_is_not_honoured)
{
    struct reader reader;
    add(1);
    sync_in(epoch + 1, "5", 5);
    subscribe(&reader, lobby, id_text(1));
    assert_told(&reader, "retry; snapshot 5 #5");
    leave(&reader);
    subscribe(&reader, lobby, id_text(5));
    assert_told(&reader, "retry; snapshot 5 #5");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__id_is_said_in_a_header)
{
    struct http_connection connection = {.thread = &only_thread};
    struct http_exchange exchange = {.connection = &connection};
    add(1);
    ck_assert_int_eq(live_room_subscribe(lobby, &exchange, NULL, NULL), ERROR_NONE);
    ck_assert_int_eq(exchange.status, 200);
    ck_assert_str_eq(exchange.last_event_id, id_text(1));
    ck_assert(exchange.unbuffered);
    exchange.ops->free(exchange.stream);
}
END_TEST

/* ---- own posts ---- */

START_TEST(test_live_room__own_post_is_listed_at_once_and_streamed_when_the_source_brings_it)
{
    struct reader reader;
    struct reader later;
    add(1);
    subscribe(&reader, lobby, NULL);
    add_own_for(2, 60 * second_us);
    assert_list("1,2");
    subscribe(&later, lobby, NULL);
    assert_told(&reader, "retry; snapshot 1 #1");
    assert_told(&later, "retry; snapshot 1 #1");
    leave(&later);
    subscribe(&later, lobby, id_text(1));
    assert_told(&later, "retry; resumed 0");
    add(2);
    assert_list("1,2");
    assert_told(&reader, "message 2 #2");
    assert_told(&later, "message 2 #2");
    add(2);
    assert_told(&reader, "");
    leave(&reader);
    leave(&later);
}
END_TEST

START_TEST(test_live_room__own_post_is_streamed_when_a_synchronisation_brings_it)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add_own_for(2, 60 * second_us);
    sync_source("1 2", 2);
    assert_told(&reader, "retry; snapshot #0; message 1 #1; message 2 #2");
    sync_source("1 2", 2);
    assert_told(&reader, "");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_after_the_source_brought_it_changes_nothing)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add(1);
    add_own_for(1, 60 * second_us);
    assert_list("1");
    assert_told(&reader, "retry; snapshot #0; message 1 #1");
    sync_source("1", 1);
    assert_told(&reader, "");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_that_was_never_streamed_is_not_told_to_expire)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add_own_for(1, second_us);
    pass(second_us);
    tick();
    assert_list("");
    assert_told(&reader, "retry; snapshot #0");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_that_has_ended_is_not_listed)
{
    struct message *message = make(1, 0, second_us);
    pass(second_us);
    live_room_add_own(lobby, message);
    message_release(message);
    assert_list("");
}
END_TEST

START_TEST(test_live_room__own_post_survives_a_synchronisation_for_a_while)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add_own_for(1, 60 * second_us);
    sync_source("", 0);
    assert_list("1");
    pass(10 * second_us);
    sync_source("", 0);
    assert_list("1");
    pass(1);
    sync_source("", 0);
    assert_list("");
    assert_told(&reader, "retry; snapshot #0");
    leave(&reader);
}
END_TEST

/* ---- synchronising ---- */

START_TEST(test_live_room__new_messages_are_told_in_the_order_of_numbers)
{
    struct reader reader;
    add(1);
    subscribe(&reader, lobby, NULL);
    sync_source("4 1 3 2", 4);
    assert_told(&reader, "retry; snapshot 1 #1; message 2 #2; message 3 #3; message 4 #4");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__known_messages_are_not_told_again)
{
    struct reader reader;
    add(1);
    add(2);
    subscribe(&reader, lobby, NULL);
    sync_source("1 2", 2);
    add(1);
    add(2);
    assert_told(&reader, "retry; snapshot 1,2 #2");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_the_source_lost_is_told_as_deleted)
{
    struct reader reader;
    add(1);
    add(2);
    add(3);
    subscribe(&reader, lobby, NULL);
    sync_source("2 4", 4);
    assert_list("2,4");
    assert_told(&reader, "retry; snapshot 1,2,3 #3; deleted 3; deleted 1; message 4 #4");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_came_after_the_listing_stays)
{
    struct reader reader;
    add(1);
    add(2);
    subscribe(&reader, lobby, NULL);
    sync_source("1", 1);
    assert_list("1,2");
    assert_told(&reader, "retry; snapshot 1,2 #2");
    leave(&reader);
    subscribe(&reader, lobby, id_text(2));
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_came_before_a_newest_listing_goes)
{
    struct reader reader;
    rooms = make_rooms_of(&set_clock, true);
    lobby = use("lobby");
    add(1);
    add(2);
    subscribe(&reader, lobby, NULL);
    sync_source("1", 1);
    assert_list("1");
    assert_told(&reader, "retry; snapshot 1,2 #2; deleted 2");
    leave(&reader);
    for (uint64_t n = 1; n <= 2; n++) {
        subscribe(&reader, lobby, id_text(n));
        assert_told(&reader, "retry; snapshot 1 #2");
        leave(&reader);
    }
    live_room_release(lobby);
    live_rooms_free(rooms);
}
END_TEST

START_TEST(test_live_room__new_epoch_takes_off_what_is_not_listed)
{
    struct reader reader;
    add(1);
    add(9);
    subscribe(&reader, lobby, NULL);
    sync_in(epoch + 1, "", 2);
    assert_list("");
    assert_told(&reader, "retry; snapshot 1,9 #9; deleted 9; deleted 1");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__lower_numbers_of_a_new_epoch_are_streamed)
{
    struct reader reader;
    struct reader resumed;
    char text[EVENT_ID_SIZE];
    add(9);
    subscribe(&reader, lobby, NULL);
    subscribe(&resumed, lobby, id_text(9));
    sync_in(epoch + 1, "2", 2);
    assert_told(&reader, "retry; snapshot 9 #9; deleted 9; message 2 #2");
    assert_told(&resumed, "retry; resumed 0; deleted 9; message 2 #2");
    struct message *message = make(3, first_number + 3, second_us);
    live_room_add(lobby, message, id_in(epoch + 1, 3));
    message_release(message);
    assert_told(&reader, "message 3 #3");
    leave(&reader);
    event_id_format(id_in(epoch + 1, 3), text);
    subscribe(&reader, lobby, text);
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
    leave(&resumed);
}
END_TEST

START_TEST(test_live_room__id_from_before_a_deletion_is_not_honoured)
{
    struct reader reader;
    add(1);
    add(2);
    add(3);
    sync_source("2 3", 3);
    for (uint64_t n = 1; n <= 3; n++) {
        subscribe(&reader, lobby, id_text(n));
        assert_told(&reader, "retry; snapshot 2,3 #3");
        leave(&reader);
    }
    add(4);
    subscribe(&reader, lobby, id_text(4));
    assert_told(&reader, "retry; resumed 0");
    leave(&reader);
    subscribe(&reader, lobby, id_text(3));
    assert_told(&reader, "retry; snapshot 2,3,4 #4");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__synchronising_without_loss_keeps_ids_good)
{
    struct reader reader;
    add(1);
    add(2);
    sync_source("1 2 3", 3);
    subscribe(&reader, lobby, id_text(1));
    assert_told(&reader, "retry; resumed 2; message 2 #2; message 3 #3");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__deleted_message_is_told_and_gone)
{
    struct reader reader;
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 1);
    add(1);
    add(2);
    subscribe(&reader, lobby, NULL);
    live_room_delete(lobby, id);
    live_room_delete(lobby, id);
    live_room_delete(lobby, "no id");
    assert_list("2");
    ck_assert_ptr_null(live_room_message(lobby, id));
    assert_told(&reader, "retry; snapshot 1,2 #2; deleted 1");
    leave(&reader);
    subscribe(&reader, lobby, id_text(2));
    assert_told(&reader, "retry; snapshot 2 #2");
    leave(&reader);
}
END_TEST

/* ---- expiring ---- */

START_TEST(test_live_room__expired_is_told_once_and_not_before_the_deadline)
{
    struct reader reader;
    add_for(1, second_us);
    subscribe(&reader, lobby, NULL);
    pass(second_us - 1);
    tick();
    assert_told(&reader, "retry; snapshot 1 #1");
    pass(1);
    tick();
    assert_told(&reader, "expired 1");
    tick();
    pass(second_us);
    tick();
    assert_told(&reader, "");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__tick_says_when_the_next_message_ends)
{
    ck_assert_uint_eq(live_room_tick(lobby, set_us), begin_us + KEEP_ALIVE_S * second_us);
    add_for(1, 3 * second_us);
    add_for(2, 2 * second_us);
    uint64_t next_us = live_room_tick(lobby, set_us);
    ck_assert_uint_gt(next_us, set_us);
    ck_assert_uint_le(next_us, begin_us + 2 * second_us);
}
END_TEST

START_TEST(test_live_room__nothing_shows_an_expired_message)
{
    struct reader reader;
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 2);
    add(1);
    sync_source("1 2", 2);
    pass(60 * second_us);
    switch (_i) {
    case 0: assert_list(""); break;
    case 1: ck_assert_ptr_null(live_room_message(lobby, id)); break;
    case 2:
        subscribe(&reader, lobby, NULL);
        assert_told(&reader, "retry; snapshot #2");
        leave(&reader);
        break;
    default:
        subscribe(&reader, lobby, id_text(1));
        assert_told(&reader, "retry; resumed 0");
        leave(&reader);
    }
}
END_TEST

START_TEST(test_live_room__message_is_shown_until_its_end)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 1);
    add_for(1, second_us);
    pass(second_us - 1);
    assert_list("1");
    struct message *message = live_room_message(lobby, id);
    ck_assert_ptr_nonnull(message);
    ck_assert_str_eq(message->id, id);
    message_release(message);
    ck_assert_ptr_null(live_room_message(lobby, "1"));
}
END_TEST

START_TEST(test_live_room__who_reads_at_the_deadline_tells_the_others)
{
    struct reader reader;
    add_for(1, second_us);
    subscribe(&reader, lobby, NULL);
    assert_told(&reader, "retry; snapshot 1 #1");
    pass(second_us);
    assert_list("");
    assert_told(&reader, "expired 1");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__slow_reader_is_not_sent_a_message_past_its_end)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add_for(1, second_us);
    add_for(2, 2 * second_us);
    pass(second_us);
    tick();
    assert_told(&reader, "retry; snapshot #0; message 2 #2; expired 1");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__message_that_comes_past_its_end_only_moves_the_id)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    add_for(1, 0);
    assert_list("");
    assert_told(&reader, "retry; snapshot #0");
    leave(&reader);
    subscribe(&reader, lobby, NULL);
    assert_told(&reader, "retry; snapshot #1");
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__message_that_is_listed_past_its_end_is_not_shown)
{
    struct message *message = make(1, first_number + 1, second_us);
    pass(second_us);
    live_room_sync(lobby, &message, 1, id_of(1));
    message_release(message);
    assert_list("");
}
END_TEST

START_TEST(test_live_room__etag_changes_when_a_message_ends)
{
    struct blob *list = NULL;
    char before[BOARD_ETAG_SIZE];
    char after[BOARD_ETAG_SIZE];
    add_for(1, second_us);
    ck_assert_int_eq(live_room_list(lobby, &list, before), ERROR_NONE);
    blob_release(list);
    pass(second_us);
    ck_assert_int_eq(live_room_list(lobby, &list, after), ERROR_NONE);
    blob_release(list);
    ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(test_live_room__comment_keeps_the_stream_alive)
{
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    assert_told(&reader, "retry; snapshot #0");
    pass(KEEP_ALIVE_S * second_us - 1);
    tick();
    assert_told(&reader, "");
    pass(1);
    tick();
    assert_told(&reader, "comment");
    tick();
    assert_told(&reader, "");
    pass(KEEP_ALIVE_S * second_us);
    tick();
    assert_told(&reader, "comment");
    leave(&reader);
}
END_TEST

/* ---- the timer's own thread, by the system's clock ---- */

/* Sleeps until the reader has something to read. Returns since when. */
static uint64_t await_readable(struct reader *reader)
{
    LOCKED(&only_thread.lock);
    while (reader->connection.suspended && !reader->connection.resuming)
        pthread_cond_wait(&only_thread.wake, &only_thread.lock);
    return only_thread.resumed_us;
}

static struct message *make_real(uint64_t n, uint64_t deadline_us, int64_t expires_at_ms)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    return message_new(&(struct message_fields){.number = first_number + n,
                                                .deadline_us = deadline_us,
                                                .expires_at_ms = expires_at_ms,
                                                .id = id,
                                                .room = "lobby",
                                                .text = "hello"});
}

START_TEST(test_live_room__timer_tells_at_the_deadline)
{
    struct reader reader;
    rooms = make_rooms(&clock_system);
    lobby = use("lobby");
    subscribe(&reader, lobby, NULL);
    uint64_t now_us = clock_monotonic_us(&clock_system);
    /* The first ends sooner by the store's clock and later here: it was long under way. */
    struct message *first = make_real(1, now_us + 3600 * second_us, 4000);
    struct message *second = make_real(2, now_us + 400000, 5000);
    live_room_add(lobby, first, id_of(1));
    live_room_add(lobby, second, id_of(2));
    assert_told(&reader, "retry; snapshot #0; message 1 #1; message 2 #2");
    uint64_t told_us = await_readable(&reader);
    assert_told(&reader, "expired 2");
    ck_assert_uint_ge(told_us, second->deadline_us);
    ck_assert_uint_le(told_us, second->deadline_us + second_us / 2);
    message_release(first);
    message_release(second);
    leave(&reader);
    live_room_release(lobby);
    live_rooms_free(rooms);
}
END_TEST

/* ---- numbers for an operator ---- */

static struct live_rooms_stats stats(void)
{
    struct live_rooms_stats told;
    live_rooms_stats(rooms, &told);
    return told;
}

START_TEST(test_live_room__rooms_and_live_messages_are_counted)
{
    ck_assert_uint_eq(stats().rooms, 1);
    ck_assert_uint_eq(stats().messages, 0);
    struct live_room *other = use("other");
    add(1);
    add_own_for(2, 60 * second_us);
    live_room_sync(other, NULL, 0, event_id_nothing("other"));
    ck_assert_uint_eq(stats().rooms, 2);
    ck_assert_uint_eq(stats().messages, 2);
    sync_source("1 3 4", 4);
    ck_assert_uint_eq(stats().messages, 4);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room__messages_of_a_room_that_is_let_go_are_not_counted)
{
    struct live_room *others[ROOMS_MAX];
    char name[16];
    add(1);
    live_room_release(lobby);
    ck_assert_uint_eq(stats().messages, 1);
    for (size_t i = 0; i < ROOMS_MAX; i++) {
        snprintf(name, sizeof name, "other-%zu", i);
        others[i] = use(name);
    }
    ck_assert_uint_eq(stats().rooms, ROOMS_MAX); /* the lobby made room */
    ck_assert_uint_eq(stats().messages, 0);
    for (size_t i = 0; i < ROOMS_MAX; i++)
        live_room_release(others[i]);
    lobby = use("lobby");
}
END_TEST

START_TEST(test_live_room__expired_messages_are_counted_and_those_told_are_timed)
{
    struct reader reader;
    add_for(1, second_us);
    pass(second_us);
    tick();
    ck_assert_uint_eq(stats().expired, 1);
    ck_assert_uint_eq(stats().lateness.count, 0); /* nobody was told */

    subscribe(&reader, lobby, NULL);
    add_for(2, second_us);
    add_own_for(3, second_us); /* which no stream has */
    pass(second_us - 1);
    tick();
    ck_assert_uint_eq(stats().expired, 1);
    pass(1 + 7000);
    tick();
    struct live_rooms_stats told = stats();
    ck_assert_uint_eq(told.expired, 3);
    ck_assert_uint_eq(told.messages, 0);
    ck_assert_uint_eq(told.lateness.count, 1);
    ck_assert_uint_eq(told.lateness.sum_us, 7000);
    leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_is_deleted_has_not_expired)
{
    add(1);
    sync_source("2", 2);
    ck_assert_uint_eq(stats().messages, 1);
    ck_assert_uint_eq(stats().expired, 0);
}
END_TEST

START_TEST(test_live_room__subscribers_are_counted_and_those_refused)
{
    struct reader readers[SUBSCRIBERS_MAX];
    struct reader another;
    ck_assert_uint_eq(stats().subscribers_max, SUBSCRIBERS_MAX);
    for (size_t i = 0; i < SUBSCRIBERS_MAX; i++) {
        ck_assert_uint_eq(stats().subscribers, i);
        subscribe(&readers[i], lobby, NULL);
    }
    ck_assert_uint_eq(stats().refused, 0);
    ck_assert_int_eq(try_subscribe(&another, lobby, NULL), ERROR_UNAVAILABLE);
    ck_assert_uint_eq(stats().refused, 1);
    ck_assert_uint_eq(stats().subscribers, SUBSCRIBERS_MAX);
    for (size_t i = 0; i < SUBSCRIBERS_MAX; i++)
        leave(&readers[i]);
    ck_assert_uint_eq(stats().subscribers, 0);
    ck_assert_uint_eq(stats().dropped, 0);
}
END_TEST

START_TEST(test_live_room__who_fell_behind_is_counted_whether_it_reads_the_end_or_not)
{
    struct reader readers[3];
    for (size_t i = 0; i < 3; i++)
        subscribe(&readers[i], lobby, NULL);
    for (uint64_t n = 1; n <= EVENT_HUB_EVENTS_MAX; n++)
        add(n);
    leave(&readers[0]); /* just not too slow */
    ck_assert_uint_eq(stats().dropped, 0);
    add(EVENT_HUB_EVENTS_MAX + 1);
    assert_told(&readers[1], "retry; snapshot #0");
    ck_assert(readers[1].ended);
    ck_assert_uint_eq(stats().dropped, 1);
    leave(&readers[1]);
    leave(&readers[2]); /* its connection timed out, as it never took anything */
    ck_assert_uint_eq(stats().dropped, 2);
}
END_TEST

/* ---- slow readers, the end, and leaving ---- */

START_TEST(test_live_room__slow_reader_is_dropped_alone)
{
    struct reader slow;
    struct reader quick;
    subscribe(&slow, lobby, NULL);
    subscribe(&quick, lobby, NULL);
    assert_told(&quick, "retry; snapshot #0");
    for (uint64_t n = 1; n <= EVENT_HUB_EVENTS_MAX + 1; n++) {
        char expected[64];
        add(n);
        snprintf(expected, sizeof expected, "message %" PRIu64 " #%" PRIu64, n, n);
        assert_told(&quick, expected);
    }
    assert_told(&slow, "retry; snapshot #0");
    ck_assert(slow.ended);
    ck_assert(!quick.ended);
    leave(&slow);
    leave(&quick);
}
END_TEST

START_TEST(test_live_room__stop_tells_and_ends_all_streams)
{
    struct reader waiting;
    struct reader behind;
    struct reader fresh;
    struct live_room *other = use("other");
    subscribe(&waiting, lobby, NULL);
    subscribe(&behind, other, NULL);
    subscribe(&fresh, lobby, NULL);
    assert_told(&waiting, "retry; snapshot #0");
    ck_assert(!readable(&waiting.connection));
    assert_told(&behind, "retry; snapshot #0");
    live_rooms_stop(rooms);
    ck_assert(readable(&waiting.connection));
    ck_assert(readable(&behind.connection));
    assert_told(&waiting, "stopping");
    assert_told(&behind, "stopping");
    assert_told(&fresh, "retry; snapshot #0; stopping");
    assert_ended(&waiting);
    assert_ended(&behind);
    assert_ended(&fresh);
    leave(&waiting);
    leave(&behind);
    leave(&fresh);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room__who_comes_after_the_stop_is_refused)
{
    struct reader reader;
    live_rooms_stop(rooms);
    ck_assert_int_eq(try_subscribe(&reader, lobby, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(reader.ops);
}
END_TEST

/* Waits for the timer's thread to send the reader a comment. */
static void await_comment(struct reader *reader)
{
    do
        pump(reader);
    while (!strstr(reader->text.data, "\n:\n") && sched_yield() == 0);
}

START_TEST(test_live_room__takes_as_many_subscribers_as_it_may)
{
    struct reader readers[SUBSCRIBERS_MAX];
    struct reader another;
    struct error err = {0};
    struct live_room *other = use("other");
    for (size_t i = 0; i < SUBSCRIBERS_MAX; i++)
        subscribe(&readers[i], i % 2 ? lobby : other, NULL);
    ck_assert_int_eq(try_subscribe(&another, lobby, NULL), ERROR_UNAVAILABLE);
    struct http_exchange exchange = {0};
    ck_assert_int_eq(live_room_subscribe(other, &exchange, NULL, &err), ERROR_UNAVAILABLE);
    ck_assert_str_ne(err.detail, "");
    await_comment(&readers[1]); /* which was asked for on behalf of who was refused */
    leave(&readers[0]);
    subscribe(&another, lobby, NULL);
    assert_told(&another, "retry; snapshot #0");
    leave(&another);
    for (size_t i = 1; i < SUBSCRIBERS_MAX; i++)
        leave(&readers[i]);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room__head_takes_no_place)
{
    struct http_exchange exchange = {.head = true};
    for (size_t i = 0; i <= SUBSCRIBERS_MAX; i++) {
        exchange.status = 0;
        ck_assert_int_eq(live_room_subscribe(lobby, &exchange, NULL, NULL), ERROR_NONE);
        ck_assert_int_eq(exchange.status, 200);
    }
    ck_assert_ptr_null(exchange.ops);
}
END_TEST

/* A use or a place that is not given back fails a later round, or the end. */
START_TEST(test_live_room__leaving_at_any_moment_leaves_nothing_behind)
{
    for (size_t round = 0; round <= SUBSCRIBERS_MAX; round++) {
        struct reader reader;
        struct live_room *room = use("other");
        struct message *message = make(1, first_number + 1, 60 * second_us);
        subscribe(&reader, room, NULL);
        live_room_release(room);
        if (_i == 1) /* in the middle of the retry line */
            ck_assert(read_once(&reader, 3));
        if (_i == 2) /* in the middle of the opening */
            ck_assert(read_once(&reader, 30));
        if (_i >= 3) /* waiting */
            assert_told(&reader, "retry; snapshot #0");
        if (_i >= 4) /* in the middle of an event */
            live_room_add(room, message, event_id_make("other", epoch, first_number + 1));
        if (_i == 4)
            ck_assert(readable(&reader.connection) && read_once(&reader, 10));
        if (_i == 5) /* waiting again */
            assert_told(&reader, "message 1 #1");
        ck_assert_int_eq(readable(&reader.connection), _i != 3 && _i != 5);
        leave(&reader);
        message_release(message);
        /* Where the room is given back, as many others find a place. */
        struct live_room *others[] = {use("a"), use("b"), use("c")};
        ck_assert_ptr_null(live_rooms_find(rooms, "other"));
        for (size_t i = 0; i < 3; i++)
            live_room_release(others[i]);
    }
}
END_TEST

START_TEST(test_live_room__answer_that_fails_leaves_nothing_behind)
{
    struct http_exchange exchange = {.fails = true};
    for (size_t i = 0; i <= SUBSCRIBERS_MAX; i++)
        ck_assert_int_eq(live_room_subscribe(lobby, &exchange, NULL, NULL), ERROR_INTERNAL);
    struct reader reader;
    subscribe(&reader, lobby, NULL);
    leave(&reader);
}
END_TEST

/* ---- rooms that come and go ---- */

START_TEST(test_live_room__is_opened_once_however_many_use_it)
{
    struct live_room *again = use("lobby");
    ck_assert_ptr_eq(again, lobby);
    ck_assert_uint_eq(source.opened, 1);
    live_room_release(again);
}
END_TEST

START_TEST(test_live_room__is_found_only_where_it_is_open)
{
    ck_assert_ptr_null(live_rooms_find(rooms, "other"));
    struct live_room *found = live_rooms_find(rooms, "lobby");
    ck_assert_ptr_eq(found, lobby);
    live_room_release(found);
    ck_assert_uint_eq(source.opened, 1);
}
END_TEST

START_TEST(test_live_room__waits_no_longer_than_it_may)
{
    struct live_room *room = NULL;
    source.silent = true;
    ck_assert_int_eq(live_rooms_use(rooms, "other", 20, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_int_eq(live_rooms_use(rooms, "other", 0, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(room);
    ck_assert_uint_eq(source.opened, 2);
    room = live_rooms_find(rooms, "other");
    live_room_sync(room, NULL, 0, event_id_nothing("other"));
    live_room_release(room);
    live_room_release(use("other"));
}
END_TEST

static void *use_silent_room(void *ret_code)
{
    struct live_room *room = NULL;
    *(enum error_code *)ret_code = live_rooms_use(rooms, "other", 60000, &room, NULL);
    live_room_release(room);
    return NULL;
}

static struct live_room *await_room(const char *name)
{
    struct live_room *room;
    while (!(room = live_rooms_find(rooms, name)))
        sched_yield();
    return room;
}

START_TEST(test_live_room__who_waits_is_told_that_the_source_is_unreachable)
{
    pthread_t thread;
    enum error_code code = ERROR_NONE;
    struct live_room *room = NULL;
    source.silent = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_silent_room, &code), 0);
    room = await_room("other");
    live_room_unreachable(room);
    pthread_join(thread, NULL);
    ck_assert_int_eq(code, ERROR_UNAVAILABLE);
    code = ERROR_NONE;
    use_silent_room(&code);
    ck_assert_int_eq(code, ERROR_UNAVAILABLE);
    live_room_sync(room, NULL, 0, event_id_nothing("other"));
    use_silent_room(&code);
    ck_assert_int_eq(code, ERROR_NONE);
    live_room_release(room);
}
END_TEST

START_TEST(test_live_room__who_waits_is_told_that_the_room_is_synchronised)
{
    pthread_t thread;
    enum error_code code = ERROR_TIMEOUT;
    source.silent = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_silent_room, &code), 0);
    struct live_room *room = await_room("other");
    live_room_sync(room, NULL, 0, event_id_nothing("other"));
    pthread_join(thread, NULL);
    ck_assert_int_eq(code, ERROR_NONE);
    live_room_release(room);
}
END_TEST

START_TEST(test_live_room__once_known_it_is_served_while_the_source_is_away)
{
    add(1);
    live_room_unreachable(lobby);
    struct live_room *again = use("lobby");
    assert_list("1");
    live_room_release(again);
}
END_TEST

/* Has the timer's thread look at the rooms that are due: a new room wakes it. */
static void wake_timer(void)
{
    static unsigned count;
    char name[16];
    snprintf(name, sizeof name, "wake-%u", count++);
    timer_us = (uint64_t)set_us;
    live_room_release(use(name));
}

START_TEST(test_live_room__what_could_not_be_opened_is_opened_anew)
{
    struct live_room *room = NULL;
    source.fails = true;
    ck_assert_int_eq(live_rooms_use(rooms, "other", 60000, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(room);
    source.fails = false;
    pass(1);
    live_room_release(use("marker"));
    pass((LINGER_S + KEEP_ALIVE_S) * second_us);
    wake_timer();
    await_closed(1); /* of the marker: the other was due before */
    live_room_release(use("other"));
    ck_assert_uint_eq(source.opened, 4);
}
END_TEST

START_TEST(test_live_room__idlest_makes_room_for_a_new_one)
{
    live_room_release(use("a"));
    pass(1);
    live_room_release(use("b"));
    pass(1);
    live_room_release(use("c"));
    pass(1);
    live_room_release(use("a"));
    ck_assert_uint_eq(source.closed, 0);
    live_room_release(use("d"));
    ck_assert_uint_eq(source.closed, 1);
    ck_assert_str_eq(source.last_closed, "b");
    live_room_release(use("e"));
    ck_assert_uint_eq(source.closed, 2);
    ck_assert_str_eq(source.last_closed, "c");
}
END_TEST

START_TEST(test_live_room__where_all_are_in_use_there_is_no_room)
{
    struct live_room *used[] = {use("a"), use("b"), use("c")};
    struct live_room *room = NULL;
    ck_assert_int_eq(live_rooms_use(rooms, "d", 1000, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(room);
    live_room_release(use("a"));
    ck_assert_uint_eq(source.opened, ROOMS_MAX);
    live_room_release(used[1]);
    live_room_release(use("d"));
    ck_assert_str_eq(source.last_closed, "b");
    live_room_release(used[0]);
    live_room_release(used[2]);
}
END_TEST

START_TEST(test_live_room__room_with_a_subscriber_is_in_use)
{
    struct reader reader;
    struct live_room *a = use("a");
    struct live_room *used[] = {use("b"), use("c")};
    struct live_room *room = NULL;
    subscribe(&reader, a, NULL);
    live_room_release(a);
    ck_assert_int_eq(live_rooms_use(rooms, "d", 1000, &room, NULL), ERROR_UNAVAILABLE);
    leave(&reader);
    live_room_release(use("d"));
    ck_assert_str_eq(source.last_closed, "a");
    live_room_release(used[0]);
    live_room_release(used[1]);
}
END_TEST

START_TEST(test_live_room__is_let_go_once_after_its_linger_and_not_while_in_use)
{
    pass(1);
    live_room_release(use("other"));
    pass((LINGER_S + KEEP_ALIVE_S) * second_us);
    wake_timer();
    await_closed(1);
    ck_assert_str_eq(source.last_closed, "other");
    ck_assert_ptr_null(live_rooms_find(rooms, "other"));
    /* The lobby, which is in use, was due before. */
    live_room_release(live_rooms_find(rooms, "lobby"));
    ck_assert_uint_eq(source.opened, 3);
    live_room_release(use("other"));
    ck_assert_uint_eq(source.opened, 4);
}
END_TEST

START_TEST(test_live_room__is_kept_for_its_linger)
{
    live_room_release(use("other"));
    pass(1);
    live_room_release(use("marker"));
    pass(1);
    live_room_release(use("other"));
    pass(LINGER_S * second_us - 1);
    wake_timer();
    await_closed(1); /* of the marker: the other, which was due before, was looked at and kept */
    ck_assert_str_eq(source.last_closed, "marker");
    live_room_release(use("other"));
    ck_assert_uint_eq(source.opened, 4);
}
END_TEST

START_TEST(test_live_room__rooms_left_at_the_end_are_closed_once)
{
    struct live_rooms *kept = rooms;
    rooms = make_rooms(&set_clock);
    live_room_release(use("a"));
    live_room_release(use("b"));
    live_room_release(use("c"));
    live_rooms_free(rooms);
    ck_assert_uint_eq(source.closed, 3);
    rooms = kept;
}
END_TEST

START_TEST(test_live_room__no_rooms_are_freed)
{
    live_rooms_free(NULL);
    live_rooms_free(make_rooms(&set_clock));
    live_room_release(NULL);
}
END_TEST

/* The source may add to a room until close returns, when the timer does not know it any more. */
static void add_soon_ending(struct live_room *room)
{
    struct message *message = make(1, first_number + 1, 1000);
    live_room_add(room, message, event_id_make(live_room_name(room), epoch, first_number + 1));
    message_release(message);
}

START_TEST(test_live_room__source_may_add_while_a_room_is_let_go)
{
    source.on_close = add_soon_ending;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pass(1);
        live_room_release(use(names[i]));
    }
    pass((LINGER_S + KEEP_ALIVE_S) * second_us);
    wake_timer();
}
END_TEST

/* ---- many threads ---- */

/*
 * Source threads add to their rooms in order; server threads serve readers who read in pieces of
 * any size, leave in the middle and come back with their last id; others use rooms, list them and
 * post, and rooms come and go. Every reader must be told every message of its room once, in order.
 */
enum {
    STRESS_ROOMS = 3, /* with a source thread each */
    STRESS_MESSAGES = 600,
    STRESS_SERVERS = 3,
    STRESS_READERS = 24, /* a server thread; half of them leave abruptly now and then */
    STRESS_USERS = 2,
    STRESS_NAMES = 6, /* of the rooms that come and go */
    STRESS_ROOMS_MAX = 6,
};

struct stress_reader {
    struct http_connection connection;
    const struct http_stream_ops *ops;
    void *stream;
    struct buffer text;
    size_t room;
    bool leaves;
    uint64_t have; /* messages 1 to this were told */
    char id[EVENT_ID_SIZE];
};

struct stress_server {
    struct server_thread thread;
    struct stress_reader readers[STRESS_READERS];
    uint32_t random;
    pthread_t pthread;
};

static struct {
    struct live_room *rooms[STRESS_ROOMS];
    _Atomic size_t complete; /* readers who have all, and those who leave are counted too */
    _Atomic bool over;
    pthread_mutex_t lock; /* over the rooms that come and go, as their source sees them */
    struct live_room *open[STRESS_ROOMS_MAX + STRESS_USERS + 1];
    uint64_t numbers[STRESS_ROOMS_MAX + STRESS_USERS + 1];
    size_t opened;
    size_t closed;
} stress = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { STRESS_OPEN_MAX = sizeof stress.open / sizeof *stress.open };

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static bool open_stress(void *context, struct live_room *room)
{
    (void)context;
    live_room_sync(room, NULL, 0, event_id_nothing(live_room_name(room)));
    LOCKED(&stress.lock);
    stress.opened++;
    if (live_room_name(room)[0] == 's') /* it has a thread of its own */
        return true;
    for (size_t i = 0; i < STRESS_OPEN_MAX; i++) {
        if (!stress.open[i]) {
            stress.open[i] = room;
            return true;
        }
    }
    ck_abort_msg("more rooms are open than there may be");
    return false;
}

static void close_stress(void *context, struct live_room *room)
{
    (void)context;
    LOCKED(&stress.lock);
    stress.closed++;
    for (size_t i = 0; i < STRESS_OPEN_MAX; i++)
        if (stress.open[i] == room)
            stress.open[i] = NULL;
}

static struct message *make_stress(const char *room, uint64_t n, uint64_t number, uint64_t ttl_us)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = clock_monotonic_us(&clock_system) + ttl_us,
        .expires_at_ms = (int64_t)(n * 7919 % 1000),
        .id = id,
        .room = room,
        .text = "hello",
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

static void stress_post(struct live_room *room, uint64_t n)
{
    struct message *own = make_stress(live_room_name(room), n, 0, 3600 * second_us);
    live_room_add_own(room, own);
    message_release(own);
}

/* Adds the room's messages, and now and then what brings nothing new. */
static void *run_stress_source(void *context)
{
    struct live_room *room = context;
    const char *name = live_room_name(room);
    for (uint64_t n = 1; n <= STRESS_MESSAGES; n++) {
        struct message *message = make_stress(name, n, first_number + n, 3600 * second_us);
        struct event_id id = event_id_make(name, epoch, first_number + n);
        if (n % 3 == 0)
            stress_post(room, n);
        live_room_add(room, message, id);
        if (n % 16 == 0)
            live_room_add(room, message, id);
        message_release(message);
        if (n % 4 == 0)
            sched_yield();
    }
    return NULL;
}

/* Adds soon ending messages to the rooms that come and go, as long as they are open. */
static void *run_stress_pest(void *context)
{
    uint64_t n = STRESS_MESSAGES;
    (void)context;
    for (size_t i = 0; !stress.over; i = (i + 1) % STRESS_OPEN_MAX) {
        pthread_mutex_lock(&stress.lock);
        struct live_room *room = stress.open[i];
        if (room) {
            const char *name = live_room_name(room);
            n++;
            struct message *message = make_stress(name, n, first_number + n, n % 3000);
            live_room_add(room, message, event_id_make(name, epoch, first_number + n));
            message_release(message);
        }
        pthread_mutex_unlock(&stress.lock);
        sched_yield();
    }
    return NULL;
}

static void use_stress_room(struct live_room *room, uint32_t random)
{
    struct blob *list = NULL;
    char etag[BOARD_ETAG_SIZE];
    struct message *own = make_stress(live_room_name(room), UINT64_C(1) << 40 | random, 0, 2000);
    live_room_add_own(room, own);
    ck_assert_int_eq(live_room_list(room, &list, etag), ERROR_NONE);
    message_release(live_room_message(room, own->id));
    blob_release(list);
    message_release(own);
}

static void *run_stress_user(void *context)
{
    uint32_t random = 12345 + (uint32_t)(uintptr_t)context;
    while (!stress.over) {
        char name[16];
        struct live_room *room = NULL;
        snprintf(name, sizeof name, "come-%u", next_random(&random) % STRESS_NAMES);
        enum error_code code = live_rooms_use(rooms, name, 1000, &room, NULL);
        if (code == ERROR_NONE)
            use_stress_room(room, next_random(&random));
        else
            ck_assert_int_eq(code, ERROR_UNAVAILABLE);
        live_room_release(room);
    }
    return NULL;
}

static void stress_subscribe(struct stress_server *server, struct stress_reader *reader)
{
    struct http_exchange exchange = {.connection = &reader->connection};
    reader->connection = (struct http_connection){.thread = &server->thread};
    buffer_clear(&reader->text);
    ck_assert_int_eq(live_room_subscribe(stress.rooms[reader->room], &exchange,
                                         reader->id[0] ? reader->id : NULL, NULL),
                     ERROR_NONE);
    reader->ops = exchange.ops;
    reader->stream = exchange.stream;
}

static void stress_snapshot(struct stress_reader *reader, const struct told *told)
{
    bool had[STRESS_MESSAGES + 1] = {0};
    const char *data = told->data;
    ck_assert_uint_eq(reader->have, 0);
    for (uint64_t n; (n = next_message(&data)); reader->have++) {
        ck_assert_uint_le(n, STRESS_MESSAGES);
        ck_assert(!had[n]);
        had[n] = true;
    }
    for (uint64_t n = 1; n <= reader->have; n++)
        ck_assert(had[n]);
    ck_assert_uint_eq(number_of(told->id), reader->have);
}

static void stress_told(struct stress_reader *reader, const struct told *told)
{
    const char *data = told->data;
    if (strcmp(told->event, "snapshot") == 0)
        stress_snapshot(reader, told);
    if (strcmp(told->event, "message") == 0) {
        ck_assert_uint_eq(next_message(&data), ++reader->have);
        ck_assert_uint_eq(number_of(told->id), reader->have);
    }
    ck_assert_str_ne(told->event, "deleted");
    ck_assert_str_ne(told->event, "expired");
    if (told->id[0])
        memcpy(reader->id, told->id, sizeof reader->id);
}

static void stress_take_text(struct stress_reader *reader)
{
    struct told told;
    size_t len;
    uint64_t before = reader->have;
    while ((len = next_told(reader->text.data, &told))) {
        stress_told(reader, &told);
        buffer_consume(&reader->text, len);
    }
    if (before < STRESS_MESSAGES && reader->have == STRESS_MESSAGES)
        stress.complete++;
}

/* One turn of the server with this connection. False where there was nothing to do. */
static bool stress_serve(struct stress_server *server, struct stress_reader *reader)
{
    char bytes[4096];
    if (!reader->ops)
        return false;
    if (!readable(&reader->connection))
        return false;
    size_t max = 128 + next_random(&server->random) % (sizeof bytes - 127);
    ssize_t len = reader->ops->read(reader->stream, bytes, max);
    if (len > 0)
        buffer_append(&reader->text, bytes, (size_t)len);
    stress_take_text(reader);
    bool left = reader->leaves && !stress.over && next_random(&server->random) % 16 == 0 &&
                readable(&reader->connection);
    if (len == HTTP_STREAM_END || left) {
        reader->ops->free(reader->stream);
        reader->ops = NULL;
        if (!stress.over)
            stress_subscribe(server, reader);
    }
    return true;
}

static bool stress_has_readers(const struct stress_server *server)
{
    for (size_t i = 0; i < STRESS_READERS; i++)
        if (server->readers[i].ops)
            return true;
    return false;
}

/* Sleeps until one of its connections was resumed, as epoll does. */
static void stress_sleep(struct stress_server *server)
{
    LOCKED(&server->thread.lock);
    while (!server->thread.resumed)
        pthread_cond_wait(&server->thread.wake, &server->thread.lock);
    server->thread.resumed = false;
}

static void *run_stress_server(void *context)
{
    struct stress_server *server = context;
    for (size_t i = 0; i < STRESS_READERS; i++)
        stress_subscribe(server, &server->readers[i]);
    while (stress_has_readers(server)) {
        bool did = false;
        for (size_t i = 0; i < STRESS_READERS; i++)
            did |= stress_serve(server, &server->readers[i]);
        if (!did && stress_has_readers(server))
            stress_sleep(server);
    }
    return NULL;
}

static void stress_start_server(struct stress_server *server, uint32_t random)
{
    *server = (struct stress_server){
        .thread = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER},
        .random = random,
    };
    for (size_t i = 0; i < STRESS_READERS; i++) {
        server->readers[i] = (struct stress_reader){.room = i % STRESS_ROOMS, .leaves = i % 2};
        buffer_init(&server->readers[i].text, (size_t)1 << 30);
    }
    ck_assert_int_eq(pthread_create(&server->pthread, NULL, run_stress_server, server), 0);
}

static void stress_open_rooms(void)
{
    rooms = live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_stress, .close = close_stress},
        .rooms_max = STRESS_ROOMS_MAX,
        .subscribers_max = STRESS_SERVERS * STRESS_READERS,
        .linger_us = 1000,
        .clock = &clock_system,
    });
    ck_assert_ptr_nonnull(rooms);
    for (size_t i = 0; i < STRESS_ROOMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "stay-%zu", i);
        stress.rooms[i] = use(name);
    }
}

static void stress_await_all_told(void)
{
    while (stress.complete < STRESS_SERVERS * STRESS_READERS)
        sched_yield();
}

START_TEST(test_live_room__many_threads_and_every_reader_is_told_all_once_in_order)
{
    static struct stress_server servers[STRESS_SERVERS];
    pthread_t sources[STRESS_ROOMS];
    pthread_t users[STRESS_USERS + 1];
    stress_open_rooms();
    for (size_t i = 0; i < STRESS_SERVERS; i++)
        stress_start_server(&servers[i], (uint32_t)i + 1);
    for (size_t i = 0; i < STRESS_ROOMS; i++)
        pthread_create(&sources[i], NULL, run_stress_source, stress.rooms[i]);
    for (size_t i = 0; i < STRESS_USERS; i++)
        pthread_create(&users[i], NULL, run_stress_user, (void *)(uintptr_t)(i + 1));
    pthread_create(&users[STRESS_USERS], NULL, run_stress_pest, NULL);

    for (size_t i = 0; i < STRESS_ROOMS; i++)
        pthread_join(sources[i], NULL);
    stress_await_all_told();
    stress.over = true;
    live_rooms_stop(rooms);
    for (size_t i = 0; i <= STRESS_USERS; i++)
        pthread_join(users[i], NULL);
    for (size_t i = 0; i < STRESS_SERVERS; i++) {
        pthread_join(servers[i].pthread, NULL);
        for (size_t j = 0; j < STRESS_READERS; j++)
            buffer_fini(&servers[i].readers[j].text);
    }
    for (size_t i = 0; i < STRESS_ROOMS; i++)
        live_room_release(stress.rooms[i]);
    live_rooms_free(rooms);
    ck_assert_uint_eq(stress.opened, stress.closed);
    ck_assert_uint_gt(stress.opened, STRESS_ROOMS);
}
END_TEST

static void add_opening_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_room__new_reader_gets_a_snapshot);
    tcase_add_test(tests, test_live_room__snapshot_of_an_empty_room);
    tcase_add_test(tests, test_live_room__snapshot_of_two_who_come_together);
    tcase_add_loop_test(tests, test_live_room__odd_id_gets_a_snapshot, 0,
                        sizeof odd_ids / sizeof *odd_ids);
    tcase_add_test(tests, test_live_room__foreign_id_gets_a_snapshot);
    tcase_add_test(tests, test_live_room__resumes_with_the_rest_in_the_order_of_numbers);
    tcase_add_test(tests, test_live_room__resumes_at_a_number_between);
    tcase_add_test(tests, test_live_room__resumes_at_the_last_with_none_missed);
    tcase_add_test(tests, test_live_room__id_ahead_of_this_replica_skips_what_the_reader_had);
    tcase_add_test(tests, test_live_room__id_may_be_ahead_by_a_minute);
    tcase_add_test(tests, test_live_room__known_id_is_honoured_however_far_ahead_the_store_is);
    tcase_add_test(tests, test_live_room__reader_who_has_nothing_is_sent_all);
    tcase_add_test(tests, test_live_room__id_of_an_older_epoch_is_not_honoured);
    tcase_add_test(tests, test_live_room__id_is_said_in_a_header);
}

static void add_source_tests(TCase *tests)
{
    tcase_add_test(
        tests, test_live_room__own_post_is_listed_at_once_and_streamed_when_the_source_brings_it);
    tcase_add_test(tests, test_live_room__own_post_is_streamed_when_a_synchronisation_brings_it);
    tcase_add_test(tests, test_live_room__own_post_after_the_source_brought_it_changes_nothing);
    tcase_add_test(tests, test_live_room__own_post_that_was_never_streamed_is_not_told_to_expire);
    tcase_add_test(tests, test_live_room__own_post_that_has_ended_is_not_listed);
    tcase_add_test(tests, test_live_room__own_post_survives_a_synchronisation_for_a_while);
    tcase_add_test(tests, test_live_room__new_messages_are_told_in_the_order_of_numbers);
    tcase_add_test(tests, test_live_room__known_messages_are_not_told_again);
    tcase_add_test(tests, test_live_room__what_the_source_lost_is_told_as_deleted);
    tcase_add_test(tests, test_live_room__what_came_after_the_listing_stays);
    tcase_add_test(tests, test_live_room__new_epoch_takes_off_what_is_not_listed);
    tcase_add_test(tests, test_live_room__lower_numbers_of_a_new_epoch_are_streamed);
    tcase_add_test(tests, test_live_room__id_from_before_a_deletion_is_not_honoured);
    tcase_add_test(tests, test_live_room__synchronising_without_loss_keeps_ids_good);
    tcase_add_test(tests, test_live_room__deleted_message_is_told_and_gone);
}

static void add_expiry_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_room__expired_is_told_once_and_not_before_the_deadline);
    tcase_add_test(tests, test_live_room__tick_says_when_the_next_message_ends);
    tcase_add_loop_test(tests, test_live_room__nothing_shows_an_expired_message, 0, 4);
    tcase_add_test(tests, test_live_room__message_is_shown_until_its_end);
    tcase_add_test(tests, test_live_room__who_reads_at_the_deadline_tells_the_others);
    tcase_add_test(tests, test_live_room__slow_reader_is_not_sent_a_message_past_its_end);
    tcase_add_test(tests, test_live_room__message_that_comes_past_its_end_only_moves_the_id);
    tcase_add_test(tests, test_live_room__message_that_is_listed_past_its_end_is_not_shown);
    tcase_add_test(tests, test_live_room__etag_changes_when_a_message_ends);
    tcase_add_test(tests, test_live_room__comment_keeps_the_stream_alive);
}

static void add_stats_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_room__rooms_and_live_messages_are_counted);
    tcase_add_test(tests, test_live_room__messages_of_a_room_that_is_let_go_are_not_counted);
    tcase_add_test(tests, test_live_room__expired_messages_are_counted_and_those_told_are_timed);
    tcase_add_test(tests, test_live_room__what_is_deleted_has_not_expired);
    tcase_add_test(tests, test_live_room__subscribers_are_counted_and_those_refused);
    tcase_add_test(tests,
                   test_live_room__who_fell_behind_is_counted_whether_it_reads_the_end_or_not);
}

static void add_leaving_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_room__slow_reader_is_dropped_alone);
    tcase_add_test(tests, test_live_room__stop_tells_and_ends_all_streams);
    tcase_add_test(tests, test_live_room__who_comes_after_the_stop_is_refused);
    tcase_add_test(tests, test_live_room__takes_as_many_subscribers_as_it_may);
    tcase_add_test(tests, test_live_room__head_takes_no_place);
    tcase_add_loop_test(tests, test_live_room__leaving_at_any_moment_leaves_nothing_behind, 0, 6);
    tcase_add_test(tests, test_live_room__answer_that_fails_leaves_nothing_behind);
}

static void add_room_tests(TCase *tests)
{
    tcase_add_test(tests, test_live_room__is_opened_once_however_many_use_it);
    tcase_add_test(tests, test_live_room__is_found_only_where_it_is_open);
    tcase_add_test(tests, test_live_room__waits_no_longer_than_it_may);
    tcase_add_test(tests, test_live_room__who_waits_is_told_that_the_source_is_unreachable);
    tcase_add_test(tests, test_live_room__who_waits_is_told_that_the_room_is_synchronised);
    tcase_add_test(tests, test_live_room__once_known_it_is_served_while_the_source_is_away);
    tcase_add_test(tests, test_live_room__what_could_not_be_opened_is_opened_anew);
    tcase_add_test(tests, test_live_room__idlest_makes_room_for_a_new_one);
    tcase_add_test(tests, test_live_room__where_all_are_in_use_there_is_no_room);
    tcase_add_test(tests, test_live_room__room_with_a_subscriber_is_in_use);
    tcase_add_test(tests, test_live_room__is_let_go_once_after_its_linger_and_not_while_in_use);
    tcase_add_test(tests, test_live_room__is_kept_for_its_linger);
    tcase_add_test(tests, test_live_room__rooms_left_at_the_end_are_closed_once);
    tcase_add_test(tests, test_live_room__no_rooms_are_freed);
    tcase_add_test(tests, test_live_room__source_may_add_while_a_room_is_let_go);
}

static Suite *live_room_suite(void)
{
    Suite *suite = suite_create("live_room");
    TCase *tests = tcase_create("live_room");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    add_opening_tests(tests);
    add_source_tests(tests);
    add_expiry_tests(tests);
    add_stats_tests(tests);
    add_leaving_tests(tests);
    add_room_tests(tests);
    suite_add_tcase(suite, tests);
    tests = tcase_create("rooms of their own");
    tcase_add_checked_fixture(tests, set_clocks, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_live_room__what_came_before_a_newest_listing_goes);
    tcase_add_test(tests, test_live_room__timer_tells_at_the_deadline);
    tcase_add_test(tests, test_live_room__many_threads_and_every_reader_is_told_all_once_in_order);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
