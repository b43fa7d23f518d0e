/*
 * The subscribers of a room: how many there may be, and how they leave, are dropped for being
 * slow, and are sent away at the end.
 */
#include "live_room_private.h"
#include "live_stream.h"
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_live_room_subscribers__slow_reader_is_dropped_alone)
{
    struct reader slow;
    struct reader quick;
    reader_subscribe(&slow, lobby, NULL);
    reader_subscribe(&quick, lobby, NULL);
    reader_expect_told(&quick, "retry; snapshot #0");
    for (uint64_t n = 1; n <= EVENT_HUB_EVENTS_MAX + 1; n++) {
        char expected[64];
        lobby_add(n);
        snprintf(expected, sizeof expected, "message %" PRIu64 " #%" PRIu64, n, n);
        reader_expect_told(&quick, expected);
    }
    reader_expect_told(&slow, "retry; snapshot #0");
    ck_assert(slow.ended);
    ck_assert(!quick.ended);
    reader_leave(&slow);
    reader_leave(&quick);
}
END_TEST

START_TEST(test_live_room_subscribers__events_go_with_the_last_reader)
{
    const struct event_place at_first = {.position = 0};
    struct reader first, last;
    reader_subscribe(&first, lobby, NULL);
    reader_subscribe(&last, lobby, NULL);
    lobby_add(1);
    reader_leave(&first);
    ck_assert(!event_hub_fell_behind(lobby->hub, &at_first));
    reader_leave(&last);
    ck_assert(event_hub_fell_behind(lobby->hub, &at_first));
}
END_TEST

START_TEST(test_live_room_subscribers__stop_tells_and_ends_all_streams)
{
    struct reader waiting;
    struct reader behind;
    struct reader fresh;
    struct live_room *other = rooms_use("other");
    reader_subscribe(&waiting, lobby, NULL);
    reader_subscribe(&behind, other, NULL);
    reader_subscribe(&fresh, lobby, NULL);
    reader_expect_told(&waiting, "retry; snapshot #0");
    ck_assert(!reader_readable(&waiting));
    reader_expect_told(&behind, "retry; snapshot #0");
    live_rooms_stop(rooms);
    ck_assert(reader_readable(&waiting));
    ck_assert(reader_readable(&behind));
    reader_expect_told(&waiting, "stopping");
    reader_expect_told(&behind, "stopping");
    reader_expect_told(&fresh, "retry; snapshot #0; stopping");
    reader_expect_ended(&waiting);
    reader_expect_ended(&behind);
    reader_expect_ended(&fresh);
    reader_leave(&waiting);
    reader_leave(&behind);
    reader_leave(&fresh);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room_subscribers__who_comes_after_the_stop_is_refused)
{
    struct reader reader;
    live_rooms_stop(rooms);
    ck_assert_int_eq(reader_try_subscribe(&reader, lobby, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(reader.stream);
}
END_TEST

START_TEST(test_live_room_subscribers__takes_as_many_subscribers_as_it_may)
{
    struct reader readers[ROOMS_STREAMS_MAX];
    struct reader another;
    struct error err = {0};
    struct live_room *other = rooms_use("other");
    for (size_t i = 0; i < ROOMS_STREAMS_MAX; i++)
        reader_subscribe(&readers[i], i % 2 ? lobby : other, NULL);
    ck_assert_int_eq(reader_try_subscribe(&another, lobby, NULL), ERROR_UNAVAILABLE);
    struct live_stream_wish wish = {0};
    struct http_exchange exchange = {0};
    ck_assert_int_eq(live_stream_open(other, &exchange, &wish, &err), ERROR_UNAVAILABLE);
    ck_assert_str_ne(err.detail, "");
    reader_leave(&readers[0]);
    reader_subscribe(&another, lobby, NULL);
    reader_expect_told(&another, "retry; snapshot #0");
    reader_leave(&another);
    for (size_t i = 1; i < ROOMS_STREAMS_MAX; i++)
        reader_leave(&readers[i]);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room_subscribers__head_takes_no_place)
{
    struct live_stream_wish wish = {0};
    struct http_exchange exchange = {.head = true};
    for (size_t i = 0; i <= ROOMS_STREAMS_MAX; i++) {
        exchange.status = 0;
        ck_assert_int_eq(live_stream_open(lobby, &exchange, &wish, NULL), ERROR_NONE);
        ck_assert_int_eq(exchange.status, 200);
    }
    ck_assert_ptr_null(exchange.ops);
}
END_TEST

/* A use or a place that is not given back fails a later round, or the end. */
START_TEST(test_live_room_subscribers__leaving_at_any_moment_leaves_nothing_behind)
{
    for (size_t round = 0; round <= ROOMS_STREAMS_MAX; round++) {
        struct reader reader;
        struct live_room *room = rooms_use("other");
        struct message *message = lobby_message(1, FIRST_NUMBER + 1, 60 * SECOND_US);
        reader_subscribe(&reader, room, NULL);
        live_room_release(room);
        if (_i == 1) /* in the middle of the retry line */
            ck_assert(reader_read_once(&reader, 3));
        if (_i == 2) /* in the middle of the opening */
            ck_assert(reader_read_once(&reader, 30));
        if (_i >= 3) /* waiting */
            reader_expect_told(&reader, "retry; snapshot #0");
        if (_i >= 4) /* in the middle of an event */
            live_source_add(room, message, event_id_make("other", EPOCH, FIRST_NUMBER + 1));
        if (_i == 4)
            ck_assert(reader_readable(&reader) && reader_read_once(&reader, 10));
        if (_i == 5) /* waiting again */
            reader_expect_told(&reader, "message 1 #1");
        ck_assert_int_eq(reader_readable(&reader), _i != 3 && _i != 5);
        reader_leave(&reader);
        message_release(message);
        /* Where the room is given back, as many others find a place. */
        struct live_room *others[] = {rooms_use("a"), rooms_use("b"), rooms_use("c")};
        ck_assert_ptr_null(live_rooms_find(rooms, "other"));
        for (size_t i = 0; i < 3; i++)
            live_room_release(others[i]);
    }
}
END_TEST

START_TEST(test_live_room_subscribers__answer_that_fails_leaves_nothing_behind)
{
    struct live_stream_wish wish = {0};
    struct http_exchange exchange = {.fails = true};
    for (size_t i = 0; i <= ROOMS_STREAMS_MAX; i++)
        ck_assert_int_eq(live_stream_open(lobby, &exchange, &wish, NULL), ERROR_INTERNAL);
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    reader_leave(&reader);
}
END_TEST

static Suite *live_room_subscribers_suite(void)
{
    Suite *suite = suite_create("live_room_subscribers");
    TCase *tests = tcase_create("subscribers");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, lobby_set_up, lobby_tear_down);
    tcase_add_test(tests, test_live_room_subscribers__slow_reader_is_dropped_alone);
    tcase_add_test(tests, test_live_room_subscribers__events_go_with_the_last_reader);
    tcase_add_test(tests, test_live_room_subscribers__stop_tells_and_ends_all_streams);
    tcase_add_test(tests, test_live_room_subscribers__who_comes_after_the_stop_is_refused);
    tcase_add_test(tests, test_live_room_subscribers__takes_as_many_subscribers_as_it_may);
    tcase_add_test(tests, test_live_room_subscribers__head_takes_no_place);
    tcase_add_loop_test(
        tests, test_live_room_subscribers__leaving_at_any_moment_leaves_nothing_behind, 0, 6);
    tcase_add_test(tests, test_live_room_subscribers__answer_that_fails_leaves_nothing_behind);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_subscribers_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
