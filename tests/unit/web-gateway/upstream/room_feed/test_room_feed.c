/*
 * The room feeds as they are when all goes well: what is asked for, what the rooms are told, and
 * that a room is let go at any moment. What goes wrong is in test_room_feed_trouble.c.
 */
#include "fake_upstream.h"

#include "clock.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAM_MAX = 64 * 1024, EXPIRES_IN_MS = 60000 };

/* ---- good streams ---- */

START_TEST(test_room_feed__asks_for_the_room_with_nothing_in_hand)
{
    char header[64];
    char nothing[EVENT_ID_SIZE];
    int peer = fake_upstream_accept_feed();
    event_id_format(event_id_nothing("lobby"), nothing);
    snprintf(header, sizeof header, "\r\nLast-Event-ID: %s\r\n", nothing);
    ck_assert(!strncmp(fake_upstream_request, "GET /rooms/lobby/events HTTP/1.1\r\n", 34));
    ck_assert_ptr_nonnull(strstr(fake_upstream_request, header));
    ck_assert_ptr_nonnull(strstr(fake_upstream_request, "\r\nAccept: text/event-stream\r\n"));
    ck_assert_ptr_null(strstr(fake_upstream_request, "Authorization"));
    close(peer);
}
END_TEST

START_TEST(test_room_feed__is_counted_as_connected_from_its_synchronisation_to_its_end)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_expect_metrics(0, 1, 0);
    fake_upstream_say(peer, HEAD);
    fake_upstream_say(peer, RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    fake_upstream_expect_metrics(1, 0, 0);
    close(peer);
    peer = fake_upstream_accept_feed();
    fake_upstream_expect_metrics(0, 1, 0);
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_metrics(1, 0, 0);
    fake_upstream_say(peer, "event: message\ndata: nonsense\n\n");
    fake_upstream_expect_metrics(0, 1, 0);
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_metrics(0, 0, 0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed__sends_the_token)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.target.token = "secret";
    fake_upstream_listen_now();
    fake_upstream_open_lobby(&config);
    int peer = fake_upstream_accept_feed();
    ck_assert_ptr_nonnull(strstr(fake_upstream_request, "\r\nAuthorization: Bearer secret\r\n"));
    close(peer);
}
END_TEST

START_TEST(test_room_feed__resumed_with_none_missed_synchronises)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
}
END_TEST

/* Of the release before: `retry:` in a block of its own, an empty line after a comment. */
START_TEST(test_room_feed__an_older_stream_is_read_too)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD "retry: 1000\n\nevent: resumed\ndata: {\"missed\": 1}\n\n: \n\n");
    fake_upstream_say(peer, EVENT(2, "two") ": comment\n\n" EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:2=two;add 3=three;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__resumed_synchronises_once_with_all_missed)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(2) EVENT(1, "one") EVENT(2, "two"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:1=one,2=two;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__snapshot_synchronises_with_its_own_id)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD_OF("text/event-stream; charset=utf-8", "")
                                SNAPSHOT(5, "[" MESSAGE(1, "one") "," MESSAGE(2, "two") "]")
                                    EVENT(6, "six"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 5:4=one,5=two;add 6=six;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__an_empty_snapshot_synchronises)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD SNAPSHOT(0, "[]"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 0:;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__messages_follow_in_order)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(1) EVENT(2, "two") EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:2=two;add 3=three;");
    fake_upstream_say(peer, EVENT(4, "four") ":\n" EVENT(5, "five"));
    fake_upstream_expect_told(&fake_upstream_lobby,
                              "sync 2:2=two;add 3=three;add 4=four;add 5=five;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__deleted_is_told)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer,
                      HEAD RESUMED(0) "event: deleted\ndata: {\"id\":\"" MESSAGE_ID(1) "\"}\n\n");
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;delete " MESSAGE_ID(1) ";");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__what_is_deleted_among_the_missed_is_left_out)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer,
                      HEAD RESUMED(2) EVENT(1, "one") "event: deleted\ndata: {\"id\":\"" MESSAGE_ID(
                          1) "\"}\n\n" EVENT(2, "two"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:2=two;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__expired_and_unknown_events_are_passed_over)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD "event: news\ndata: x\n\n" RESUMED(0));
    fake_upstream_say(peer,
                      "event: expired\ndata: {\"id\":\"" MESSAGE_ID(1) "\"}\n\n" EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;add 3=three;");
    fake_upstream_expect_warnings(0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed__deadlines_count_from_the_arrival)
{
    uint64_t before_us = clock_monotonic_us(&clock_system);
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0) EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;add 3=three;");
    uint64_t after_us = clock_monotonic_us(&clock_system);
    ck_assert_uint_ge(fake_upstream_lobby.last_deadline_us, before_us + EXPIRES_IN_MS * 1000);
    ck_assert_uint_le(fake_upstream_lobby.last_deadline_us, after_us + EXPIRES_IN_MS * 1000);
    close(peer);
}
END_TEST

START_TEST(test_room_feed__headers_of_an_interim_answer_do_not_count)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, "HTTP/1.1 103 Early Hints\r\nLast-Event-ID: x\r\n\r\n" HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed__tells_whenever_the_service_was_reached)
{
    for (unsigned i = 0; i < 3; i++) {
        int peer = fake_upstream_accept_feed();
        fake_upstream_say(peer, HEAD RESUMED(0));
        close(peer);
    }
    close(fake_upstream_accept_feed());
    ck_assert_uint_eq(atomic_load(&fake_upstream_reached), 3);
}
END_TEST

/* ---- the limits of messages ---- */

#define LIMITS "ttl-min=1000, ttl-max=86400000, ttl-default=60000, text-max=4096"
#define HEAD_LIMITS(value)                                                                         \
    HEAD_OF("text/event-stream", "Last-Event-ID: " ID(2) "\r\nMessage-Limits:" value "\r\n")

static const struct message_limits limits = {
    .ttl_min_ms = 1000, .ttl_max_ms = 86400000, .ttl_default_ms = 60000, .text_max = 4096};

START_TEST(test_room_feed__tells_the_limits_of_messages)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD_LIMITS(" " LIMITS) RESUMED(0));
    fake_upstream_expect_limits(1, &limits);
    close(peer);
}
END_TEST

START_TEST(test_room_feed__a_name_of_a_header_has_no_case)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD_OF("text/event-stream",
                                    "last-event-id:" ID(2) "\r\n"
                                                           "message-limits:" LIMITS " \t\r\n")
                                RESUMED(0));
    fake_upstream_expect_limits(1, &limits);
    close(peer);
}
END_TEST

#define SPACES_64 "                                                                "
#define SPACES_256 SPACES_64 SPACES_64 SPACES_64 SPACES_64
#define INTERIM_LIMITS "HTTP/1.1 103 Early Hints\r\nMessage-Limits: " LIMITS "\r\n\r\n"

/* Not there, of an interim answer, malformed, too long. */
static const char *const without_limits[] = {
    HEAD,
    INTERIM_LIMITS HEAD,
    HEAD_LIMITS(""),
    HEAD_LIMITS(" ttl-min=1000"),
    HEAD_LIMITS(" " LIMITS ", ttl-min=0"),
    HEAD_LIMITS(LIMITS ";" SPACES_256 SPACES_256 "a"),
};

START_TEST(test_room_feed__without_valid_limits_tells_none)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, without_limits[_i]);
    fake_upstream_say(peer, RESUMED(0));
    fake_upstream_expect_limits(1, NULL);
    fake_upstream_expect_warnings(0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed__each_stream_tells_its_own_limits)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD_LIMITS(LIMITS) RESUMED(0));
    fake_upstream_expect_limits(1, &limits);
    close(peer);
    peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_limits(2, NULL);
    close(peer);
}
END_TEST

/* ---- streams in pieces, and many ---- */

/* One HTTP chunk; libcurl hands each on by itself. */
static void append_chunk(struct buffer *stream, const char *bytes, size_t len)
{
    buffer_append_format(stream, "%zx\r\n", len);
    buffer_append(stream, bytes, len);
    buffer_append_string(stream, "\r\n");
}

#define CHUNKED_HEAD                                                                               \
    HEAD_OF("text/event-stream", "Last-Event-ID: " ID(2) "\r\nTransfer-Encoding: chunked\r\n")

START_TEST(test_room_feed__a_stream_may_be_cut_anywhere)
{
    static const char text[] =
        RESUMED(1) EVENT(2, "two") EVENT(3, "three") "event: stopping\ndata: {}\n\n";
    struct buffer stream;
    struct buffer expected;
    buffer_init(&stream, STREAM_MAX);
    buffer_init(&expected, FAKE_UPSTREAM_TOLD_MAX);
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        int peer = fake_upstream_accept_feed();
        buffer_clear(&stream);
        buffer_append_string(&stream, CHUNKED_HEAD);
        append_chunk(&stream, text, cut);
        append_chunk(&stream, text + cut, sizeof text - 1 - cut);
        append_chunk(&stream, "", 0);
        fake_upstream_say_bytes(peer, stream.data, stream.len);
        buffer_append_string(&expected, "sync 2:2=two;add 3=three;");
        fake_upstream_expect_told(&fake_upstream_lobby, expected.data);
        close(peer);
    }
    fake_upstream_expect_warnings(0);
    buffer_fini(&stream);
    buffer_fini(&expected);
}
END_TEST

START_TEST(test_room_feed__a_stream_may_come_byte_by_byte)
{
    static const char text[] = RESUMED(1) EVENT(2, "two") EVENT(3, "three");
    struct buffer stream;
    buffer_init(&stream, STREAM_MAX);
    int peer = fake_upstream_accept_feed();
    buffer_append_string(&stream, CHUNKED_HEAD);
    for (size_t i = 0; i < sizeof text - 1; i++)
        append_chunk(&stream, text + i, 1);
    for (size_t i = 0; i < stream.len; i++)
        fake_upstream_say_bytes(peer, stream.data + i, 1);
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:2=two;add 3=three;");
    close(peer);
    buffer_fini(&stream);
}
END_TEST

START_TEST(test_room_feed__many_missed_messages)
{
    enum { COUNT = 300 };
    struct buffer stream;
    struct buffer expected;
    buffer_init(&stream, 1024 * 1024);
    buffer_init(&expected, FAKE_UPSTREAM_TOLD_MAX);
    buffer_append_format(&stream, "%sevent: resumed\ndata: {\"missed\":%d}\n\n", HEAD, COUNT);
    buffer_append_string(&expected, "sync 2:");
    for (unsigned i = 1; i <= COUNT; i++) {
        buffer_append_format(&stream, "event: message\nid: %016u%s\ndata: %s\n\n", i, TAG,
                             MESSAGE(1, "m"));
        buffer_append_format(&expected, "%s%u=m", i == 1 ? "" : ",", i);
    }
    buffer_append_string(&expected, ";");
    int peer = fake_upstream_accept_feed();
    fake_upstream_say_bytes(peer, stream.data, stream.len);
    fake_upstream_expect_told(&fake_upstream_lobby, expected.data);
    close(peer);
    buffer_fini(&stream);
    buffer_fini(&expected);
}
END_TEST

START_TEST(test_room_feed__many_rooms_at_once)
{
    enum { ROOMS = 100, NAME_SIZE = 24 };
    static struct live_room rooms[ROOMS];
    static char names[ROOMS][NAME_SIZE];
    int peers[ROOMS + 1];
    for (int i = 0; i < ROOMS; i++) {
        snprintf(names[i], NAME_SIZE, "room-%d", i);
        fake_upstream_room_init(&rooms[i], names[i]);
        ck_assert(room_feeds_open(fake_upstream_feeds, &rooms[i]));
    }
    for (int i = 0; i <= ROOMS; i++) {
        peers[i] = fake_upstream_accept_feed();
        fake_upstream_say(peers[i], HEAD RESUMED(0));
    }
    for (int i = 0; i < ROOMS; i++) {
        fake_upstream_expect_told(&rooms[i], "sync 2:;");
        fake_upstream_close_room(&rooms[i]);
        buffer_fini(&rooms[i].told);
    }
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    for (int i = 0; i <= ROOMS; i++)
        close(peers[i]);
}
END_TEST

/* ---- closing ---- */

START_TEST(test_room_feed__close_at_once)
{
    fake_upstream_close_room(&fake_upstream_lobby);
}
END_TEST

START_TEST(test_room_feed__close_of_a_room_that_is_not_open_does_nothing)
{
    struct live_room other;
    fake_upstream_room_init(&other, "other");
    room_feeds_close(fake_upstream_feeds, &other);
}
END_TEST

START_TEST(test_room_feed__a_room_may_be_opened_again)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_cut(peer);
    fake_upstream_lobby.closed = false;
    ck_assert(room_feeds_open(fake_upstream_feeds, &fake_upstream_lobby));
    peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
}
END_TEST

/* With a backlog of 0 the kernel takes one connection and lets the next one wait. */
START_TEST(test_room_feed__close_while_connecting)
{
    struct live_room other;
    struct room_feed_config config = fake_upstream_quick_config();
    fake_upstream_room_init(&other, "other");
    ck_assert_int_eq(listen(fake_upstream_listener, 0), 0);
    fake_upstream_open_lobby(&config);
    ck_assert(room_feeds_open(fake_upstream_feeds, &other));
    fake_upstream_close_room(&other);
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_warnings(0);
}
END_TEST

START_TEST(test_room_feed__close_while_waiting_for_the_answer)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_cut(peer);
    fake_upstream_expect_warnings(0);
}
END_TEST

START_TEST(test_room_feed__close_while_messages_are_missed)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(2) EVENT(1, "one"));
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_cut(peer);
    ck_assert_ptr_null(fake_upstream_lobby.told.data);
}
END_TEST

START_TEST(test_room_feed__close_during_the_stream)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_cut(peer);
    fake_upstream_expect_warnings(0);
}
END_TEST

START_TEST(test_room_feed__close_during_the_backoff)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.backoff_min_ms = config.backoff_max_ms = (uint64_t)FAKE_UPSTREAM_WAIT_S * 1000000;
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_warnings(1);
    fake_upstream_close_room(&fake_upstream_lobby);
}
END_TEST

static void *close_lobby(void *context)
{
    (void)context;
    fake_upstream_close_room(&fake_upstream_lobby);
    return NULL;
}

START_TEST(test_room_feed__close_waits_for_the_room_to_be_left)
{
    pthread_t closer;
    fake_upstream_lobby.hold = true;
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0) EVENT(3, "three"));
    fake_upstream_expect_inside(&fake_upstream_lobby);
    ck_assert_int_eq(pthread_create(&closer, NULL, close_lobby, NULL), 0);
    pthread_mutex_lock(&fake_upstream_lock);
    ck_assert(!fake_upstream_lobby.closed);
    pthread_mutex_unlock(&fake_upstream_lock);
    fake_upstream_end_hold(&fake_upstream_lobby);
    pthread_join(closer, NULL);
    ck_assert(!fake_upstream_lobby.inside);
    fake_upstream_expect_cut(peer);
}
END_TEST

START_TEST(test_room_feed__free_lets_go_of_open_rooms)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    room_feeds_free(fake_upstream_feeds);
    fake_upstream_expect_cut(peer);
    struct room_feed_config config = fake_upstream_quick_config();
    fake_upstream_open_lobby(&config);
}
END_TEST

START_TEST(test_room_feed__free_takes_null)
{
    room_feeds_free(NULL);
}
END_TEST

/* ---- the suite ---- */

static void add_good(TCase *tests)
{
    tcase_add_test(tests, test_room_feed__asks_for_the_room_with_nothing_in_hand);
    tcase_add_test(tests,
                   test_room_feed__is_counted_as_connected_from_its_synchronisation_to_its_end);
    tcase_add_test(tests, test_room_feed__resumed_with_none_missed_synchronises);
    tcase_add_test(tests, test_room_feed__an_older_stream_is_read_too);
    tcase_add_test(tests, test_room_feed__resumed_synchronises_once_with_all_missed);
    tcase_add_test(tests, test_room_feed__snapshot_synchronises_with_its_own_id);
    tcase_add_test(tests, test_room_feed__an_empty_snapshot_synchronises);
    tcase_add_test(tests, test_room_feed__messages_follow_in_order);
    tcase_add_test(tests, test_room_feed__deleted_is_told);
    tcase_add_test(tests, test_room_feed__what_is_deleted_among_the_missed_is_left_out);
    tcase_add_test(tests, test_room_feed__expired_and_unknown_events_are_passed_over);
    tcase_add_test(tests, test_room_feed__deadlines_count_from_the_arrival);
    tcase_add_test(tests, test_room_feed__headers_of_an_interim_answer_do_not_count);
    tcase_add_test(tests, test_room_feed__tells_whenever_the_service_was_reached);
    tcase_add_test(tests, test_room_feed__tells_the_limits_of_messages);
    tcase_add_test(tests, test_room_feed__a_name_of_a_header_has_no_case);
    tcase_add_loop_test(tests, test_room_feed__without_valid_limits_tells_none, 0,
                        sizeof without_limits / sizeof *without_limits);
    tcase_add_test(tests, test_room_feed__each_stream_tells_its_own_limits);
    tcase_add_test(tests, test_room_feed__a_stream_may_be_cut_anywhere);
    tcase_add_test(tests, test_room_feed__a_stream_may_come_byte_by_byte);
    tcase_add_test(tests, test_room_feed__many_missed_messages);
    tcase_add_test(tests, test_room_feed__many_rooms_at_once);
}

static void add_closing(TCase *tests)
{
    tcase_add_test(tests, test_room_feed__close_at_once);
    tcase_add_test(tests, test_room_feed__close_of_a_room_that_is_not_open_does_nothing);
    tcase_add_test(tests, test_room_feed__a_room_may_be_opened_again);
    tcase_add_test(tests, test_room_feed__close_while_waiting_for_the_answer);
    tcase_add_test(tests, test_room_feed__close_while_messages_are_missed);
    tcase_add_test(tests, test_room_feed__close_during_the_stream);
    tcase_add_test(tests, test_room_feed__close_waits_for_the_room_to_be_left);
    tcase_add_test(tests, test_room_feed__free_lets_go_of_open_rooms);
    tcase_add_test(tests, test_room_feed__free_takes_null);
}

/* Those that open the room themselves. */
static void add_own_config(TCase *tests)
{
    tcase_add_test(tests, test_room_feed__sends_the_token);
    tcase_add_test(tests, test_room_feed__close_while_connecting);
    tcase_add_test(tests, test_room_feed__close_during_the_backoff);
}

static Suite *room_feed_suite(void)
{
    Suite *suite = suite_create("room_feed");
    TCase *opened = tcase_create("opened");
    TCase *own_config = tcase_create("own config");
    tcase_add_checked_fixture(opened, fake_upstream_set_up_open, fake_upstream_tear_down);
    tcase_add_checked_fixture(own_config, fake_upstream_set_up, fake_upstream_tear_down);
    tcase_set_timeout(opened, FAKE_UPSTREAM_TEST_TIMEOUT_S);
    tcase_set_timeout(own_config, FAKE_UPSTREAM_TEST_TIMEOUT_S);
    add_good(opened);
    add_closing(opened);
    add_own_config(own_config);
    suite_add_tcase(suite, opened);
    suite_add_tcase(suite, own_config);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(room_feed_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
