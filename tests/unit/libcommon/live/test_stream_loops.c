/*
 * The loops over real sockets: pairs whose one end is the stream's and whose other end is the
 * test's. What http_takeover.h promises is played here.
 */
#include "stream_loops.h"

#include "cleanup.h"
#include "event_hub.h"
#include "live_rooms.h"
#include "live_stream.h"

#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 20000 /* only a failing test waits so long */ };

/* ---- connections ---- */

static _Atomic int open_takeovers;

static struct http_takeover *takeover_of(int fd, bool chunked)
{
    struct http_takeover *takeover = calloc(1, sizeof *takeover);
    ck_assert_ptr_nonnull(takeover);
    takeover->fd = fd;
    takeover->chunked = chunked;
    open_takeovers++;
    return takeover;
}

void http_takeover_close(struct http_takeover *takeover)
{
    close(takeover->fd);
    free(takeover);
    open_takeovers--;
}

static void await_closed(void)
{
    for (int i = 0; open_takeovers && i < WAIT_MS; i++)
        poll(NULL, 0, 1);
    ck_assert_int_eq(open_takeovers, 0);
}

/* Reads until `text` holds `end`, or the peer's end; false at that. */
static bool read_until(int fd, struct buffer *text, const char *end)
{
    while (!text->data || !strstr(text->data, end)) {
        char bytes[4096];
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&polled, 1, WAIT_MS), 1);
        ssize_t len = read(fd, bytes, sizeof bytes);
        if (len <= 0)
            return false;
        buffer_append(text, bytes, (size_t)len);
    }
    return true;
}

/* ---- a source of numbered lines ---- */

struct counter {
    struct stream_source source;
    pthread_mutex_t lock;
    unsigned last; /* the number that was said last */
    bool ended;
    size_t piece; /* bytes of a line; 0: no more than the number */
    bool read_by[STREAM_LOOPS_MAX];
};

struct listener {
    struct stream stream;
    unsigned heard;
    _Atomic bool *freed;
};

static struct listener *listener_of(struct stream *stream)
{
    return RING_OWNER(stream, struct listener, stream);
}

static void say(struct stream *stream, unsigned number, size_t piece)
{
    char line[32];
    size_t len = (size_t)snprintf(line, sizeof line, "%u\n", number);
    struct blob *blob = blob_of_size(piece > len ? piece : len);
    memset(blob->data, '.', blob->len);
    memcpy(blob->data + blob->len - len, line, len);
    stream_send(stream, blob, 0);
}

static void read_counter(struct stream_source *source, unsigned loop, struct ring *run)
{
    struct counter *counter = RING_OWNER(source, struct counter, source);
    struct ring *next;
    LOCKED(&counter->lock);
    counter->read_by[loop] = true;
    for (struct ring *link = run->next; link != run; link = next) {
        next = link->next;
        struct stream *stream = RING_OWNER(link, struct stream, place);
        struct listener *listener = listener_of(stream);
        if (listener->heard < counter->last)
            say(stream, ++listener->heard, counter->piece);
        else if (counter->ended)
            stream_end(stream);
        else
            stream_wait(stream, loop);
    }
}

static void hold_counter(struct stream *stream)
{
    ck_assert_ptr_nonnull(stream->output);
}

static void free_listener(struct stream *stream)
{
    *listener_of(stream)->freed = true;
    free(listener_of(stream));
}

static const struct stream_source_ops counter_ops = {
    .read = read_counter, .hold = hold_counter, .free = free_listener};

static struct stream_loops *loops;
static struct counter counter;

static void set_up(void)
{
    loops = stream_loops_new(2);
    ck_assert_ptr_nonnull(loops);
    counter = (struct counter){.lock = PTHREAD_MUTEX_INITIALIZER};
    stream_source_init(&counter.source, &counter_ops, &counter.lock);
}

static void tear_down(void)
{
    await_closed();
    stream_loops_free(loops);
}

/* The test's end of a new listener's connection. */
static int listen_to(_Atomic bool *freed)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct listener *listener = calloc(1, sizeof *listener);
    *freed = false;
    listener->freed = freed;
    stream_loops_add(loops, &counter.source, &listener->stream, takeover_of(pair[0], true));
    return pair[1];
}

static void count_to(unsigned last, bool ended)
{
    pthread_mutex_lock(&counter.lock);
    counter.last = last;
    counter.ended = ended;
    unsigned to_wake = stream_loops_queue(loops, &counter.source);
    pthread_mutex_unlock(&counter.lock);
    stream_loops_wake(loops, to_wake);
}

START_TEST(test_stream_loops__every_stream_is_sent_everything_in_order_and_then_ends)
{
    enum { LISTENERS = 3 * STREAM_LOOPS_TOGETHER, LAST = 300 };
    _Atomic bool freed[LISTENERS];
    int fds[LISTENERS];
    for (int i = 0; i < LISTENERS; i++)
        fds[i] = listen_to(&freed[i]);
    for (unsigned n = 1; n <= LAST; n++)
        count_to(n, n == LAST);
    for (int i = 0; i < LISTENERS; i++) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, 1 << 20);
        ck_assert(!read_until(fds[i], &text, "never"));
        const char *at = text.data;
        for (unsigned n = 1; n <= LAST; n++) {
            char *end;
            ck_assert_uint_eq(strtoul(at, &end, 10), n);
            at = end + 1;
        }
        ck_assert_str_eq(at, "");
        close(fds[i]);
    }
    await_closed();
    for (int i = 0; i < LISTENERS; i++)
        ck_assert(freed[i]);
}
END_TEST

/* Adds listeners until there are `count`; each hears what was said so far. */
static void hear(int fds[], int from, int count, _Atomic bool *freed)
{
    for (int i = from; i < count; i++) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, 1 << 20);
        fds[i] = listen_to(&freed[i]);
        ck_assert(read_until(fds[i], &text, "1\n"));
    }
}

START_TEST(test_stream_loops__few_streams_of_a_source_share_a_loop_and_more_do_not)
{
    enum { FEW = STREAM_LOOPS_TOGETHER, MORE = FEW + 1 };
    _Atomic bool freed[MORE];
    int fds[MORE];
    count_to(1, false);
    hear(fds, 0, FEW, freed);
    pthread_mutex_lock(&counter.lock);
    ck_assert(counter.read_by[0] != counter.read_by[1]);
    pthread_mutex_unlock(&counter.lock);
    hear(fds, FEW, MORE, freed);
    pthread_mutex_lock(&counter.lock);
    ck_assert(counter.read_by[0] && counter.read_by[1]);
    pthread_mutex_unlock(&counter.lock);
    for (int i = 0; i < MORE; i++)
        close(fds[i]);
}
END_TEST

START_TEST(test_stream_loops__peer_that_leaves_is_noticed_at_once)
{
    _Atomic bool freed[2];
    int stays = listen_to(&freed[0]);
    int leaves = listen_to(&freed[1]);
    close(leaves);
    for (int i = 0; !freed[1] && i < WAIT_MS; i++)
        poll(NULL, 0, 1);
    ck_assert(freed[1]);
    ck_assert(!freed[0]);
    count_to(1, true);
    await_closed();
    close(stays);
}
END_TEST

START_TEST(test_stream_loops__peer_that_only_stops_sending_is_ended)
{
    _Atomic bool freed;
    int fd = listen_to(&freed);
    shutdown(fd, SHUT_WR);
    await_closed();
    ck_assert(freed);
    close(fd);
}
END_TEST

START_TEST(test_stream_loops__slow_reader_holds_up_nobody_and_gets_the_rest)
{
    enum { LAST = 40 };
    _Atomic bool freed[2];
    counter.piece = 64 * 1024;
    int slow = listen_to(&freed[0]);
    int quick = listen_to(&freed[1]);
    count_to(LAST, true);
    for (int i = 1; i >= 0; i--) {
        CLEANUP_FINI(buffer_fini) struct buffer text;
        buffer_init(&text, 1 << 24);
        ck_assert(!read_until(i ? quick : slow, &text, "never"));
        ck_assert_uint_eq(text.len, LAST * counter.piece);
        ck_assert(freed[i]);
    }
    await_closed();
    close(slow);
    close(quick);
}
END_TEST

START_TEST(test_stream_loops__reader_who_takes_nothing_is_cut_off)
{
    _Atomic bool freed;
    counter.piece = 4 * 1024 * 1024;
    int fd = listen_to(&freed);
    count_to(1, false);
    stream_loops_hasten(loops);
    await_closed();
    ck_assert(freed);
    close(fd);
}
END_TEST

START_TEST(test_stream_loops__stream_whose_socket_cannot_be_watched_ends_alone)
{
    _Atomic bool freed = false;
    struct listener *listener = calloc(1, sizeof *listener);
    listener->freed = &freed;
    /* A file is nothing that epoll watches. */
    FILE *file = tmpfile();
    int fd = dup(fileno(file));
    fclose(file);
    stream_loops_add(loops, &counter.source, &listener->stream, takeover_of(fd, true));
    ck_assert(freed);
    ck_assert_int_eq(open_takeovers, 0);
}
END_TEST

/* ---- rooms, readers and loops at full tilt ---- */

struct http_exchange {
    const struct http_stream_ops *ops;
    void *stream;
};

void http_answer_set_header(struct http_exchange *exchange, const char *name, const char *format,
                            ...)
{
    (void)exchange, (void)name, (void)format;
}

bool http_request_is_head(const struct http_exchange *exchange)
{
    (void)exchange;
    return false;
}

enum error_code http_answer(struct http_exchange *exchange, int status, const char *content_type,
                            const void *bytes, size_t len)
{
    (void)exchange, (void)status, (void)content_type, (void)bytes, (void)len;
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

enum { MESSAGES = 600, READERS = 20, HOPS = 12 };

static const uint64_t first_number = 1795327200000000;

static bool open_source(void *context, struct live_room *room)
{
    (void)context;
    live_source_sync(room, NULL, 0, event_id_nothing(live_room_name(room)));
    return true;
}

static void close_source(void *context, struct live_room *room)
{
    (void)context, (void)room;
}

static void *bring_messages(void *context)
{
    struct live_room *room = context;
    for (uint64_t n = 1; n <= MESSAGES; n++) {
        char id[MESSAGE_ID_SIZE];
        snprintf(id, sizeof id, "%032x", (unsigned)n);
        struct message *message = message_new(&(struct message_fields){
            .number = first_number + n,
            .deadline_us = clock_monotonic_us(&clock_system) + UINT64_C(3600000000),
            .expires_at_ms = 5000000,
            .id = id,
            .room = "lobby",
            .text = "hello",
        });
        live_source_add(room, message, event_id_make("lobby", 1, first_number + n));
        message_release(message);
        if (n % 8 == 0)
            poll(NULL, 0, 1);
    }
    return NULL;
}

/* One connection, from behind event `*have` on; reads up to `until`, and hangs up. */
static void follow(struct live_room *room, unsigned *have, unsigned until, bool chunked)
{
    char id[EVENT_ID_SIZE];
    int pair[2];
    struct http_exchange exchange = {0};
    event_id_format(
        *have ? event_id_make("lobby", 1, first_number + *have) : event_id_nothing("lobby"), id);
    struct live_stream_wish wish = {.last_event_id = id};
    ck_assert_int_eq(live_stream_open(room, &exchange, &wish, NULL), ERROR_NONE);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    exchange.ops->take(exchange.stream, takeover_of(pair[0], chunked));
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, 1 << 22);
    char end[64];
    snprintf(end, sizeof end, "data: {\"id\":\"%032x\"", until);
    ck_assert(read_until(pair[1], &text, end));
    const char *at = text.data;
    while (*have < until) {
        at = strstr(at, "data: {\"id\":\"");
        ck_assert_ptr_nonnull(at);
        at += strlen("data: {\"id\":\"");
        ck_assert_uint_eq(strtoul(at + 24, NULL, 16), ++*have);
    }
    close(pair[1]);
}

struct follower {
    struct live_room *room;
    bool chunked;
};

static void *follow_in_hops(void *context)
{
    const struct follower *follower = context;
    unsigned have = 0;
    for (unsigned hop = 1; hop <= HOPS; hop++)
        follow(follower->room, &have, hop * MESSAGES / HOPS, follower->chunked);
    return NULL;
}

START_TEST(test_stream_loops__readers_that_come_and_go_miss_nothing)
{
    struct live_rooms *rooms = live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_source, .close = close_source},
        .rooms_max = 4,
        .streams_max = 100,
        .loops = 2,
        .linger_us = 1000000,
        .clock = &clock_system,
    });
    struct live_room *room = NULL;
    pthread_t threads[READERS + 1];
    struct follower followers[READERS];
    ck_assert_int_eq(live_rooms_use(rooms, "lobby", WAIT_MS, &room, NULL), ERROR_NONE);
    for (size_t i = 0; i < READERS; i++) {
        followers[i] = (struct follower){.room = room, .chunked = i % 2};
        pthread_create(&threads[i], NULL, follow_in_hops, &followers[i]);
    }
    pthread_create(&threads[READERS], NULL, bring_messages, room);
    for (size_t i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
    await_closed();
    live_room_release(room);
    live_rooms_free(rooms);
}
END_TEST

static Suite *stream_loops_suite(void)
{
    Suite *suite = suite_create("stream_loops");
    TCase *lines = tcase_create("lines");
    tcase_set_timeout(lines, 60);
    tcase_add_checked_fixture(lines, set_up, tear_down);
    tcase_add_test(lines,
                   test_stream_loops__every_stream_is_sent_everything_in_order_and_then_ends);
    tcase_add_test(lines, test_stream_loops__few_streams_of_a_source_share_a_loop_and_more_do_not);
    tcase_add_test(lines, test_stream_loops__peer_that_leaves_is_noticed_at_once);
    tcase_add_test(lines, test_stream_loops__peer_that_only_stops_sending_is_ended);
    tcase_add_test(lines, test_stream_loops__slow_reader_holds_up_nobody_and_gets_the_rest);
    tcase_add_test(lines, test_stream_loops__reader_who_takes_nothing_is_cut_off);
    tcase_add_test(lines, test_stream_loops__stream_whose_socket_cannot_be_watched_ends_alone);
    suite_add_tcase(suite, lines);
    TCase *all = tcase_create("rooms");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, test_stream_loops__readers_that_come_and_go_miss_nothing);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(stream_loops_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
