/*
 * The room feeds when something is wrong: streams that are nonsense, end too early or fall silent,
 * and a message service that is not there.
 */
#include "fake_upstream.h"

#include "clock.h"

#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- bad streams ---- */

struct nonsense {
    const char *stream;
    const char *cause;
};

#define MESSAGE_EVENT(id, json) "event: message\nid: " id "\ndata: " json "\n\n"
#define UNREADABLE "a message that cannot be read"
#define NO_ID "an event without a valid id"
#define BAD_SNAPSHOT "a snapshot that cannot be read"
#define BAD_RESUMED "resumed, without a number of missed messages"
#define BAD_DELETED "deleted, without a message's id"

/* Before the room is synchronised. */
static const struct nonsense bad_openings[] = {
    {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
     "the message service answered 401"},
    {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
     "the message service answered 503"},
    {"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
     "the message service answered 302"},
    {HEAD_OF("text/html", "Last-Event-ID: " ID(2) "\r\n") RESUMED(0),
     "the answer is not an event stream"},
    {HEAD_OF("text/event-streams", "Last-Event-ID: " ID(2) "\r\n") RESUMED(0),
     "the answer is not an event stream"},
    {"HTTP/1.1 200 OK\r\n\r\n" RESUMED(0), "the answer is not an event stream"},
    {HEAD_OF("text/event-stream", "Content-Length: 0\r\n"), "the stream ended before it had begun"},
    {HEAD_OF("text/event-stream", "") RESUMED(0), "an answer without a valid Last-Event-ID"},
    {HEAD_OF("text/event-stream", "Last-Event-ID: 1\r\n") RESUMED(0),
     "an answer without a valid Last-Event-ID"},
    {HEAD_OF("text/event-stream", "Last-Event-ID: " ID(2) "0\r\n") RESUMED(0),
     "an answer without a valid Last-Event-ID"},
    {HEAD RESUMED(-1), BAD_RESUMED},
    {HEAD RESUMED(1000001), BAD_RESUMED},
    {HEAD RESUMED(1.5), BAD_RESUMED},
    {HEAD RESUMED("1"), BAD_RESUMED},
    {HEAD "event: resumed\ndata: []\n\n", BAD_RESUMED},
    {HEAD "event: resumed\ndata: nonsense\n\n", BAD_RESUMED},
    {HEAD EVENT(3, "three"), "a message before the first snapshot"},
    {HEAD "event: deleted\ndata: {\"id\":\"" MESSAGE_ID(1) "\"}\n\n",
     "deleted, before the first snapshot"},
    {HEAD "event: snapshot\ndata: []\n\n", NO_ID},
    {HEAD "event: snapshot\nid: x\ndata: []\n\n", NO_ID},
    {HEAD SNAPSHOT(2, "{}"), BAD_SNAPSHOT},
    {HEAD SNAPSHOT(2, "[{}]"), BAD_SNAPSHOT},
    {HEAD SNAPSHOT(2, "[" MESSAGE(1, "one")), BAD_SNAPSHOT},
    {HEAD SNAPSHOT(0, "[" MESSAGE(1, "one") "]"), BAD_SNAPSHOT},
    {HEAD SNAPSHOT(1, "[" MESSAGE(1, "one") "," MESSAGE(2, "two") "]"), BAD_SNAPSHOT},
    {HEAD SNAPSHOT(2, "[" MESSAGE(1, "one") "," MESSAGE_IN("other", 2, "two") "]"),
     "a message of another room"},
    {HEAD RESUMED(1) RESUMED(1), "resumed in the middle of the stream"},
    {HEAD RESUMED(2) EVENT(1, "one") SNAPSHOT(2, "[]"), "a snapshot in the middle of the stream"},
    {HEAD RESUMED(1) MESSAGE_EVENT(ID(1), MESSAGE_IN("other", 1, "one")),
     "a message of another room"},
    {HEAD RESUMED(1) "event: deleted\ndata: {}\n\n", BAD_DELETED},
};

/* After it. */
static const struct nonsense bad_events[] = {
    {RESUMED(0), "resumed in the middle of the stream"},
    {SNAPSHOT(2, "[]"), "a snapshot in the middle of the stream"},
    {"data: " MESSAGE(3, "three") "\n\n", NO_ID},
    {MESSAGE_EVENT("", MESSAGE(3, "three")), NO_ID},
    {MESSAGE_EVENT("x", MESSAGE(3, "three")), NO_ID},
    {MESSAGE_EVENT(ID(3) "0", MESSAGE(3, "three")), NO_ID},
    {MESSAGE_EVENT(ID(0), MESSAGE(3, "three")), UNREADABLE},
    {MESSAGE_EVENT(ID(3), ""), UNREADABLE},
    {MESSAGE_EVENT(ID(3), "nonsense"), UNREADABLE},
    {MESSAGE_EVENT(ID(3), "{}"), UNREADABLE},
    {MESSAGE_EVENT(ID(3), "[" MESSAGE(3, "three") "]"), UNREADABLE},
    {MESSAGE_EVENT(ID(3), MESSAGE(3, "\xFF")), UNREADABLE},
    {MESSAGE_EVENT(ID(3), MESSAGE_IN("other", 3, "three")), "a message of another room"},
    {"event: deleted\ndata: {\"id\":\"x\"}\n\n", BAD_DELETED},
    {"event: deleted\ndata: {\"id\":1}\n\n", BAD_DELETED},
    {"event: deleted\ndata: nonsense\n\n", BAD_DELETED},
    {"event: 0123456789012345678901234567890123456789012345678901234567890123456789\n",
     "not an event stream, or too long an event"},
};

/* The stream was cut because of `cause`, which is in the log; the next one makes all good. */
static void expect_recovery(const char *cause, const char *told)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_expect_warnings(1);
    ck_assert_str_eq(fake_upstream_last_cause, cause);
    fake_upstream_say(peer, HEAD RESUMED(1) EVENT(2, "two"));
    fake_upstream_expect_told(&fake_upstream_lobby, told);
    fake_upstream_expect_recoveries(1);
    close(peer);
}

START_TEST(test_room_feed_trouble__a_bad_opening_is_cut_and_tried_again)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, bad_openings[_i].stream);
    fake_upstream_expect_cut(peer);
    expect_recovery(bad_openings[_i].cause, "sync 2:2=two;");
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 1);
}
END_TEST

START_TEST(test_room_feed_trouble__a_bad_event_is_cut_and_tried_again)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_say(peer, bad_events[_i].stream);
    fake_upstream_say(peer, EVENT(4, "four"));
    fake_upstream_expect_cut(peer);
    expect_recovery(bad_events[_i].cause, "sync 2:;sync 2:2=two;");
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 0);
}
END_TEST

START_TEST(test_room_feed_trouble__trouble_is_logged_once)
{
    for (int i = 0; i < 5; i++) {
        int peer = fake_upstream_accept_feed();
        fake_upstream_say(peer, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        close(peer);
    }
    expect_recovery("the message service answered 503", "sync 2:2=two;");
}
END_TEST

START_TEST(test_room_feed_trouble__the_room_is_told_of_each_failure)
{
    for (unsigned i = 1; i <= 3; i++) {
        int peer = fake_upstream_accept_feed();
        fake_upstream_expect_unreachable(&fake_upstream_lobby, i - 1);
        close(peer);
        fake_upstream_expect_unreachable(&fake_upstream_lobby, i);
    }
}
END_TEST

START_TEST(test_room_feed_trouble__a_room_that_is_known_is_not_told)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
    for (int i = 0; i < 4; i++)
        close(fake_upstream_accept_feed());
    fake_upstream_expect_warnings(1);
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 0);
}
END_TEST

START_TEST(test_room_feed_trouble__stopping_before_the_first_snapshot_is_a_failure)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD "event: stopping\ndata: {}\n\n");
    close(peer);
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 1);
    expect_recovery("the stream ended before it had begun", "sync 2:2=two;");
}
END_TEST

START_TEST(test_room_feed_trouble__an_end_before_all_missed_have_come_is_a_failure)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(2) EVENT(1, "one"));
    close(peer);
    expect_recovery("the stream ended before it had begun", "sync 2:2=two;");
}
END_TEST

START_TEST(test_room_feed_trouble__an_end_is_no_trouble)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    close(peer);
    peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;sync 2:;");
    close(peer);
    fake_upstream_expect_warnings(0);
}
END_TEST

START_TEST(test_room_feed_trouble__a_broken_connection_is_trouble)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    fake_upstream_reset_connection(peer);
    fake_upstream_expect_warnings(1);
    ck_assert_str_eq(fake_upstream_last_cause, "the connection broke off");
    close(fake_upstream_accept_feed());
}
END_TEST

/* A service that is killed leaves a stream without its last chunk. */
START_TEST(test_room_feed_trouble__a_stream_that_is_cut_off_is_trouble)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD_OF("text/event-stream",
                                    "Last-Event-ID: " ID(2) "\r\nTransfer-Encoding: chunked\r\n"));
    fake_upstream_say(peer, "100\r\n" RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
    fake_upstream_expect_warnings(1);
    ck_assert_str_eq(fake_upstream_last_cause, "the connection broke off");
    close(fake_upstream_accept_feed());
}
END_TEST

START_TEST(test_room_feed_trouble__after_stopping_a_broken_connection_is_an_end)
{
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0) "event: stopping\ndata: {}\n\n" EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;add 3=three;");
    fake_upstream_reset_connection(peer);
    peer = fake_upstream_accept_feed();
    fake_upstream_expect_warnings(0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__waits_for_a_service_that_is_not_there)
{
    struct room_feed_config config = fake_upstream_quick_config();
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_warnings(1);
    fake_upstream_listen_now();
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_recoveries(1);
    fake_upstream_expect_warnings(1);
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__a_service_that_is_not_there_is_told_at_once)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.backoff_min_ms = config.backoff_max_ms = (uint64_t)FAKE_UPSTREAM_WAIT_S * 1000000;
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 1);
}
END_TEST

/* The other room could not be opened while the lobby is told if the feeds' lock were held. */
START_TEST(test_room_feed_trouble__the_room_is_told_without_a_lock)
{
    struct live_room other;
    struct room_feed_config config = fake_upstream_quick_config();
    fake_upstream_room_init(&other, "other");
    fake_upstream_lobby.hold = true;
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_inside(&fake_upstream_lobby);
    ck_assert(room_feeds_open(fake_upstream_feeds, &other));
    fake_upstream_end_hold(&fake_upstream_lobby);
    fake_upstream_close_room(&other);
}
END_TEST

/* ---- silence ---- */

static atomic_uint_fast64_t time_us;

static uint64_t read_time_us(const struct clock *clock)
{
    (void)clock;
    return atomic_load(&time_us);
}

static const struct clock own_clock = {.monotonic_us = read_time_us, .wall_us = read_time_us};

/* Has the feeds look at the clock: for an order, they do. */
static void have_time_looked_at(void)
{
    struct live_room other;
    fake_upstream_room_init(&other, "other");
    ck_assert(room_feeds_open(fake_upstream_feeds, &other));
    room_feeds_close(fake_upstream_feeds, &other);
}

/* Lets time pass, and waits until the feeds have done what is due. */
static void pass_time(uint64_t us)
{
    atomic_fetch_add(&time_us, us);
    have_time_looked_at();
    have_time_looked_at();
}

static int open_with_own_clock(void)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.clock = &own_clock;
    config.silence_ms = 0;
    fake_upstream_listen_now();
    fake_upstream_open_lobby(&config);
    return fake_upstream_accept_feed();
}

/* What a service says before it falls silent, not yet synchronised. */
static const char *const slow_openings[] = {"", HEAD, HEAD ": comment\n\n",
                                            HEAD RESUMED(2) EVENT(1, "one") ": comment\n\n"};

START_TEST(test_room_feed_trouble__a_slow_opening_is_cut)
{
    int peer = open_with_own_clock();
    struct pollfd cut = {.fd = peer, .events = POLLIN};
    fake_upstream_say(peer, slow_openings[_i]);
    pass_time(FAKE_UPSTREAM_WAIT_S * UINT64_C(1000000) - 1);
    /* Again, as what was said last may have been heard just now. */
    do
        pass_time(FAKE_UPSTREAM_WAIT_S * UINT64_C(1000000));
    while (!poll(&cut, 1, 1));
    fake_upstream_expect_cut(peer);
    fake_upstream_expect_warnings(1);
    ck_assert_str_eq(fake_upstream_last_cause, "the room's messages did not come in time");
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 1);
    ck_assert_ptr_null(fake_upstream_lobby.told.data);
}
END_TEST

START_TEST(test_room_feed_trouble__a_stream_may_be_silent_for_a_while)
{
    int peer = open_with_own_clock();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    pass_time(ROOM_FEED_SILENCE_MS * UINT64_C(1000) - 1);
    fake_upstream_say(peer, EVENT(3, "three"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;add 3=three;");
    pass_time(ROOM_FEED_SILENCE_MS * UINT64_C(1000) - 1);
    fake_upstream_say(peer, EVENT(4, "four"));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;add 3=three;add 4=four;");
    fake_upstream_expect_warnings(0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__a_stream_that_is_silent_for_too_long_is_cut)
{
    int peer = open_with_own_clock();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
    pass_time(ROOM_FEED_SILENCE_MS * UINT64_C(1000));
    fake_upstream_expect_cut(peer);
    fake_upstream_expect_warnings(1);
    ck_assert_str_eq(fake_upstream_last_cause, "nothing was heard for too long");
    fake_upstream_expect_unreachable(&fake_upstream_lobby, 0);
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;");
}
END_TEST

/* ---- stale rooms ---- */

#define REFUSAL "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

enum {
    STALE_US = ROOM_FEED_STALE_MS * 1000,
    LAST_TRY_US = ROOM_FEED_LAST_TRY_MS * 1000,
    PAUSE_US = 5000,
};

/* Whether the room has become stale so far. */
static bool is_stale(void)
{
    pass_time(0);
    LOCKED(&fake_upstream_lock);
    return fake_upstream_lobby.stale;
}

/* The last try begins when the feeds look at the clock, which may be a moment from now. */
static void expect_stale_after_last_try(void)
{
    for (int i = 0; i < FAKE_UPSTREAM_WAIT_S * 1000 && !is_stale(); i++)
        pass_time(LAST_TRY_US);
    fake_upstream_expect_stale(&fake_upstream_lobby, true);
}

/* The next stream, after the pause of a failure. */
static int next_feed(void)
{
    for (int i = 0; i < 4; i++) {
        pass_time(PAUSE_US);
        poll(NULL, 0, 1);
    }
    return fake_upstream_accept_feed();
}

static int open_synchronised(void)
{
    int peer = open_with_own_clock();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_metrics(1, 0, 0);
    return peer;
}

START_TEST(test_room_feed_trouble__a_lost_room_is_stale_after_a_while)
{
    fake_upstream_reset_connection(open_synchronised());
    fake_upstream_expect_metrics(0, 1, 0);
    pass_time(STALE_US - 1);
    ck_assert(!is_stale());
    pass_time(1);
    expect_stale_after_last_try();
    fake_upstream_expect_metrics(0, 1, 1);
}
END_TEST

START_TEST(test_room_feed_trouble__a_stale_room_is_fresh_when_it_is_synchronised)
{
    int peer = open_synchronised();
    close(peer);
    fake_upstream_expect_metrics(0, 1, 0);
    pass_time(STALE_US);
    expect_stale_after_last_try();
    peer = next_feed();
    fake_upstream_say(peer, HEAD RESUMED(1));
    ck_assert(is_stale());
    fake_upstream_say(peer, EVENT(2, "two"));
    fake_upstream_expect_stale(&fake_upstream_lobby, false);
    fake_upstream_expect_metrics(1, 0, 0);
    fake_upstream_expect_told(&fake_upstream_lobby, "sync 2:;sync 2:2=two;");
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__a_restart_that_is_over_sooner_is_not_stale)
{
    fake_upstream_reset_connection(open_synchronised());
    fake_upstream_expect_metrics(0, 1, 0);
    pass_time(STALE_US / 2);
    int peer = next_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_metrics(1, 0, 0);
    pass_time(STALE_US);
    ck_assert(!is_stale());
    ck_assert_uint_eq(fake_upstream_lobby.stales, 0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__a_refusal_is_stale_at_once)
{
    int peer = open_synchronised();
    close(peer);
    fake_upstream_expect_metrics(0, 1, 0);
    fake_upstream_say(next_feed(), REFUSAL);
    fake_upstream_expect_stale(&fake_upstream_lobby, true);
    fake_upstream_say(next_feed(), REFUSAL);
    peer = next_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_stale(&fake_upstream_lobby, false);
    ck_assert_uint_eq(fake_upstream_lobby.stales, 1);
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__a_first_refusal_is_stale_at_once)
{
    fake_upstream_say(open_with_own_clock(), "HTTP/1.1 404 Not Found\r\n\r\n{}");
    fake_upstream_expect_stale(&fake_upstream_lobby, true);
}
END_TEST

START_TEST(test_room_feed_trouble__a_service_that_stops_may_refuse_for_a_while)
{
    int peer = open_synchronised();
    fake_upstream_say(peer, "event: stopping\ndata: {}\n\n");
    close(peer);
    fake_upstream_expect_metrics(0, 1, 0);
    fake_upstream_say(next_feed(), REFUSAL);
    fake_upstream_expect_warnings(1);
    ck_assert(!is_stale());
    pass_time(STALE_US);
    expect_stale_after_last_try();
}
END_TEST

START_TEST(test_room_feed_trouble__a_service_that_is_not_there_is_stale_after_a_while)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.clock = &own_clock;
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_warnings(1);
    pass_time(STALE_US - 1);
    ck_assert(!is_stale());
    pass_time(1);
    fake_upstream_expect_stale(&fake_upstream_lobby, true);
}
END_TEST

/* Its pause is over long after that. */
START_TEST(test_room_feed_trouble__a_feed_that_pauses_tries_once_more_before_it_is_stale)
{
    struct room_feed_config config = fake_upstream_quick_config();
    config.clock = &own_clock;
    config.backoff_min_ms = config.backoff_max_ms = (uint64_t)FAKE_UPSTREAM_WAIT_S * 1000000;
    fake_upstream_open_lobby(&config);
    fake_upstream_expect_warnings(1);
    fake_upstream_listen_now();
    pass_time(STALE_US);
    int peer = fake_upstream_accept_feed();
    fake_upstream_say(peer, HEAD RESUMED(0));
    fake_upstream_expect_metrics(1, 0, 0);
    pass_time(STALE_US);
    ck_assert(!is_stale());
    ck_assert_uint_eq(fake_upstream_lobby.stales, 0);
    close(peer);
}
END_TEST

START_TEST(test_room_feed_trouble__silence_counts_from_the_cut)
{
    int peer = open_synchronised();
    pass_time(ROOM_FEED_SILENCE_MS * UINT64_C(1000));
    fake_upstream_expect_cut(peer);
    fake_upstream_expect_metrics(0, 1, 0);
    pass_time(STALE_US - 1);
    ck_assert(!is_stale());
    pass_time(1);
    expect_stale_after_last_try();
}
END_TEST

START_TEST(test_room_feed_trouble__a_closed_room_is_not_counted_as_stale)
{
    fake_upstream_say(open_with_own_clock(), REFUSAL);
    fake_upstream_expect_metrics(0, 1, 1);
    fake_upstream_close_room(&fake_upstream_lobby);
    fake_upstream_expect_metrics(0, 0, 0);
}
END_TEST

/* ---- the suite ---- */

#define COUNT_OF(array) (int)(sizeof(array) / sizeof(array)[0])

static void add_bad(TCase *tests)
{
    tcase_add_loop_test(tests, test_room_feed_trouble__a_bad_opening_is_cut_and_tried_again, 0,
                        COUNT_OF(bad_openings));
    tcase_add_loop_test(tests, test_room_feed_trouble__a_bad_event_is_cut_and_tried_again, 0,
                        COUNT_OF(bad_events));
    tcase_add_test(tests, test_room_feed_trouble__trouble_is_logged_once);
    tcase_add_test(tests, test_room_feed_trouble__the_room_is_told_of_each_failure);
    tcase_add_test(tests, test_room_feed_trouble__a_room_that_is_known_is_not_told);
    tcase_add_test(tests, test_room_feed_trouble__stopping_before_the_first_snapshot_is_a_failure);
    tcase_add_test(tests, test_room_feed_trouble__an_end_before_all_missed_have_come_is_a_failure);
    tcase_add_test(tests, test_room_feed_trouble__an_end_is_no_trouble);
    tcase_add_test(tests, test_room_feed_trouble__a_broken_connection_is_trouble);
    tcase_add_test(tests, test_room_feed_trouble__a_stream_that_is_cut_off_is_trouble);
    tcase_add_test(tests, test_room_feed_trouble__after_stopping_a_broken_connection_is_an_end);
}

/* Those that open the room themselves. */
static void add_own_config(TCase *tests)
{
    tcase_add_test(tests, test_room_feed_trouble__a_service_that_is_not_there_is_told_at_once);
    tcase_add_test(tests, test_room_feed_trouble__the_room_is_told_without_a_lock);
    tcase_add_test(tests, test_room_feed_trouble__waits_for_a_service_that_is_not_there);
    tcase_add_loop_test(tests, test_room_feed_trouble__a_slow_opening_is_cut, 0,
                        COUNT_OF(slow_openings));
    tcase_add_test(tests, test_room_feed_trouble__a_stream_may_be_silent_for_a_while);
    tcase_add_test(tests, test_room_feed_trouble__a_stream_that_is_silent_for_too_long_is_cut);
}

static void add_stale(TCase *tests)
{
    tcase_add_test(tests, test_room_feed_trouble__a_lost_room_is_stale_after_a_while);
    tcase_add_test(tests, test_room_feed_trouble__a_stale_room_is_fresh_when_it_is_synchronised);
    tcase_add_test(tests, test_room_feed_trouble__a_restart_that_is_over_sooner_is_not_stale);
    tcase_add_test(tests, test_room_feed_trouble__a_refusal_is_stale_at_once);
    tcase_add_test(tests, test_room_feed_trouble__a_first_refusal_is_stale_at_once);
    tcase_add_test(tests, test_room_feed_trouble__a_service_that_stops_may_refuse_for_a_while);
    tcase_add_test(tests,
                   test_room_feed_trouble__a_service_that_is_not_there_is_stale_after_a_while);
    tcase_add_test(tests, test_room_feed_trouble__silence_counts_from_the_cut);
    tcase_add_test(tests,
                   test_room_feed_trouble__a_feed_that_pauses_tries_once_more_before_it_is_stale);
    tcase_add_test(tests, test_room_feed_trouble__a_closed_room_is_not_counted_as_stale);
}

static Suite *room_feed_trouble_suite(void)
{
    Suite *suite = suite_create("room_feed_trouble");
    TCase *opened = tcase_create("opened");
    TCase *own_config = tcase_create("own config");
    tcase_add_checked_fixture(opened, fake_upstream_set_up_open, fake_upstream_tear_down);
    tcase_add_checked_fixture(own_config, fake_upstream_set_up, fake_upstream_tear_down);
    tcase_set_timeout(opened, FAKE_UPSTREAM_TEST_TIMEOUT_S);
    tcase_set_timeout(own_config, FAKE_UPSTREAM_TEST_TIMEOUT_S);
    add_bad(opened);
    add_own_config(own_config);
    add_stale(own_config);
    suite_add_tcase(suite, opened);
    suite_add_tcase(suite, own_config);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(room_feed_trouble_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
