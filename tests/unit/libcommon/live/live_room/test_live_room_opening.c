/*
 * How a stream opens: with a snapshot, or where the reader's last id can be honoured with what it
 * has missed.
 */
#include "live_opening.h"
#include "live_stream.h"
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_live_room_opening__new_reader_gets_a_snapshot)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot 1,2 #2");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__snapshot_of_an_empty_room)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot #0");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__snapshot_of_two_who_come_together)
{
    struct reader first;
    struct reader second;
    lobby_add(1);
    reader_subscribe(&first, lobby, NULL);
    lobby_add(2);
    reader_subscribe(&second, lobby, NULL);
    reader_expect_told(&first, "retry; snapshot 1 #1; message 2 #2");
    reader_expect_told(&second, "retry; snapshot 1,2 #2");
    reader_leave(&first);
    reader_leave(&second);
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

START_TEST(test_live_room_opening__odd_id_gets_a_snapshot)
{
    struct reader reader;
    lobby_add(1);
    reader_subscribe(&reader, lobby, odd_ids[_i]);
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    reader_leave(&reader);
}
END_TEST

static void assert_snapshot_for(struct event_id id)
{
    struct reader reader;
    char text[EVENT_ID_SIZE];
    event_id_format(id, text);
    reader_subscribe(&reader, lobby, text);
    reader_expect_told(&reader, "retry; snapshot 1,2 #2");
    reader_leave(&reader);
}

START_TEST(test_live_room_opening__foreign_id_gets_a_snapshot)
{
    lobby_add(1);
    lobby_add(2);
    assert_snapshot_for(event_id_make("another", EPOCH, FIRST_NUMBER + 1));
    assert_snapshot_for(event_id_nothing("another"));
    assert_snapshot_for(lobby_id_in(EPOCH - 1, 1));
    assert_snapshot_for(lobby_id_in(EPOCH + 1, 1));
    assert_snapshot_for(event_id_make("lobby", 0, FIRST_NUMBER + 1));
    assert_snapshot_for(event_id_make("lobby", EPOCH, 0));
}
END_TEST

START_TEST(test_live_room_opening__resumes_with_the_rest_in_the_order_of_numbers)
{
    struct reader reader;
    lobby_add_for(1, 50 * SECOND_US);
    lobby_add_for(2, 40 * SECOND_US);
    lobby_add_for(3, 30 * SECOND_US);
    lobby_add_for(4, 20 * SECOND_US);
    reader_subscribe(&reader, lobby, lobby_id_text(1));
    reader_expect_told(&reader, "retry; resumed 3; message 2 #2; message 3 #3; message 4 #4");
    lobby_add(5);
    reader_expect_told(&reader, "message 5 #5");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__resumes_at_a_number_between)
{
    struct reader reader;
    lobby_add(2);
    lobby_add(5);
    reader_subscribe(&reader, lobby, lobby_id_text(3));
    reader_expect_told(&reader, "retry; resumed 1; message 5 #5");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__resumes_at_the_last_with_none_missed)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, lobby_id_text(2));
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__id_ahead_of_this_replica_skips_what_the_reader_had)
{
    struct reader reader;
    lobby_add(1);
    reader_subscribe(&reader, lobby, lobby_id_text(4));
    reader_expect_told(&reader, "retry; resumed 0");
    lobby_add(2);
    lobby_add(4);
    lobby_add(5);
    reader_expect_told(&reader, "message 5 #5");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__id_may_be_ahead_by_a_minute)
{
    struct reader reader;
    lobby_add(1);
    uint64_t limit = clock_wall_us(&rooms_clock) + 60 * SECOND_US - FIRST_NUMBER;
    reader_subscribe(&reader, lobby, lobby_id_text(limit));
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, lobby_id_text(limit + 1));
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__known_id_is_honoured_however_far_ahead_the_store_is)
{
    struct reader reader;
    lobby_add(500 * SECOND_US);
    reader_subscribe(&reader, lobby, lobby_id_text(500 * SECOND_US));
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__reader_who_has_nothing_is_sent_all)
{
    struct reader reader;
    char nothing[EVENT_ID_SIZE];
    event_id_format(event_id_nothing("lobby"), nothing);
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, nothing);
    reader_expect_told(&reader, "retry; resumed 2; message 1 #1; message 2 #2");
    reader_leave(&reader);
    lobby_sync("2", 2);
    reader_subscribe(&reader, lobby, nothing);
    reader_expect_told(&reader, "retry; resumed 1; message 2 #2");
    reader_leave(&reader);
    lobby_sync_in(EPOCH + 1, "3", 3);
    reader_subscribe(&reader, lobby, nothing);
    reader_expect_told(&reader, "retry; resumed 1; message 3 #3");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__id_of_an_older_epoch_is_not_honoured)
{
    struct reader reader;
    lobby_add(1);
    lobby_sync_in(EPOCH + 1, "5", 5);
    reader_subscribe(&reader, lobby, lobby_id_text(1));
    reader_expect_told(&reader, "retry; snapshot 5 #5");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, lobby_id_text(5));
    reader_expect_told(&reader, "retry; snapshot 5 #5");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__id_is_said_in_a_header)
{
    struct http_exchange exchange = {0};
    struct live_stream_wish wish = {0};
    lobby_add(1);
    ck_assert_int_eq(live_stream_open(lobby, &exchange, &wish, NULL), ERROR_NONE);
    ck_assert_int_eq(exchange.status, 200);
    ck_assert_str_eq(exchange.last_event_id, lobby_id_text(1));
    ck_assert(exchange.unbuffered);
    exchange.ops->free(exchange.stream);
}
END_TEST

START_TEST(test_live_room_opening__newest_messages_are_those_accepted_last)
{
    struct reader reader;
    lobby_add_for(1, 60 * SECOND_US);
    lobby_add_for(2, 30 * SECOND_US);
    lobby_add_for(3, 50 * SECOND_US);
    reader_subscribe_newest(&reader, lobby, 2);
    reader_expect_told(&reader, "retry; snapshot 2,3 #3");
    reader_leave(&reader);
    reader_subscribe_newest(&reader, lobby, 3);
    reader_expect_told(&reader, "retry; snapshot 2,3,1 #3");
    reader_leave(&reader);
}
END_TEST

/* Too many for one piece: a reader who stops in the middle gets what is alive when it goes on. */
START_TEST(test_live_room_opening__of_a_large_room_comes_in_pieces)
{
    enum { MANY = 500 };
    struct reader reader;
    for (uint64_t n = 1; n <= MANY; n++)
        lobby_add_for(n, n == MANY ? SECOND_US * 2 : 60 * SECOND_US + n);
    reader_subscribe(&reader, lobby, NULL);
    ck_assert(reader_read_once(&reader, SIZE_MAX));
    ck_assert_uint_lt(reader.text.len, 2 * LIVE_OPENING_PIECE);
    lobby_add(MANY + 1);
    reader_pump(&reader);
    const char *last = strstr(reader.text.data, "event: message\n");
    ck_assert_ptr_nonnull(last);
    size_t messages = 0;
    for (const char *at = reader.text.data; (at = strstr(at, "\"id\":")); at++)
        messages++;
    ck_assert_uint_eq(messages, MANY + 1);
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__that_takes_minutes_is_not_dropped_by_a_quiet_room)
{
    enum { MANY = 500, MINUTES = 3 };
    struct reader reader;
    struct reader quick;
    for (uint64_t n = 1; n <= MANY; n++)
        lobby_add_for(n, 3600 * SECOND_US + n);
    reader_subscribe(&reader, lobby, NULL);
    reader_subscribe(&quick, lobby, NULL);
    ck_assert(reader_read_once(&reader, SIZE_MAX));
    for (int i = 0; i < MINUTES * 6; i++) {
        rooms_pass(ROOMS_KEEP_ALIVE_S * SECOND_US);
        lobby_tick();
        reader_pump(&quick);
    }
    lobby_add(MANY + 1);
    reader_pump(&reader);
    ck_assert(!reader.ended);
    ck_assert_ptr_nonnull(strstr(reader.text.data, "event: message\n"));
    reader_leave(&quick);
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_opening__stream_of_a_room_that_is_not_known_yet_begins_when_it_is)
{
    struct reader reader;
    struct live_room *room = NULL;
    rooms_source.silent = true;
    ck_assert_int_eq(live_rooms_open(rooms, "late", &room, NULL), ERROR_NONE);
    rooms_source.silent = false;
    reader_subscribe(&reader, room, NULL);
    reader_expect_told(&reader, "");
    live_source_set_stale(room, true);
    reader_expect_told(&reader, "");
    live_source_sync(room, NULL, 0, event_id_nothing("late"));
    ck_assert(reader_readable(&reader));
    reader_expect_told(&reader, "retry; snapshot #0; stale");
    live_source_set_stale(room, false);
    reader_expect_told(&reader, "fresh");
    reader_leave(&reader);
    live_room_release(room);
}
END_TEST

START_TEST(test_live_room_opening__stale_is_told_once_and_to_newcomers)
{
    struct reader reader;
    struct reader newcomer;
    struct live_rooms_metrics metrics;
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot #0");
    live_source_set_stale(lobby, true);
    live_source_set_stale(lobby, true);
    reader_expect_told(&reader, "stale");
    live_rooms_metrics(rooms, &metrics);
    ck_assert_uint_eq(metrics.stale, 1);
    reader_subscribe(&newcomer, lobby, lobby_id_text(0));
    live_source_set_stale(lobby, false);
    reader_expect_told(&reader, "fresh");
    reader_leave(&newcomer);
    live_rooms_metrics(rooms, &metrics);
    ck_assert_uint_eq(metrics.stale, 0);
    reader_leave(&reader);
}
END_TEST

static Suite *live_room_opening_suite(void)
{
    Suite *suite = suite_create("live_room_opening");
    TCase *tests = tcase_create("opening");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, lobby_set_up, lobby_tear_down);
    tcase_add_test(tests, test_live_room_opening__new_reader_gets_a_snapshot);
    tcase_add_test(tests, test_live_room_opening__snapshot_of_an_empty_room);
    tcase_add_test(tests, test_live_room_opening__snapshot_of_two_who_come_together);
    tcase_add_loop_test(tests, test_live_room_opening__odd_id_gets_a_snapshot, 0,
                        sizeof odd_ids / sizeof *odd_ids);
    tcase_add_test(tests, test_live_room_opening__foreign_id_gets_a_snapshot);
    tcase_add_test(tests, test_live_room_opening__resumes_with_the_rest_in_the_order_of_numbers);
    tcase_add_test(tests, test_live_room_opening__resumes_at_a_number_between);
    tcase_add_test(tests, test_live_room_opening__resumes_at_the_last_with_none_missed);
    tcase_add_test(tests,
                   test_live_room_opening__id_ahead_of_this_replica_skips_what_the_reader_had);
    tcase_add_test(tests, test_live_room_opening__id_may_be_ahead_by_a_minute);
    tcase_add_test(tests,
                   test_live_room_opening__known_id_is_honoured_however_far_ahead_the_store_is);
    tcase_add_test(tests, test_live_room_opening__reader_who_has_nothing_is_sent_all);
    tcase_add_test(tests, test_live_room_opening__id_of_an_older_epoch_is_not_honoured);
    tcase_add_test(tests, test_live_room_opening__id_is_said_in_a_header);
    tcase_add_test(tests, test_live_room_opening__newest_messages_are_those_accepted_last);
    tcase_add_test(tests, test_live_room_opening__of_a_large_room_comes_in_pieces);
    tcase_add_test(tests,
                   test_live_room_opening__that_takes_minutes_is_not_dropped_by_a_quiet_room);
    tcase_add_test(
        tests, test_live_room_opening__stream_of_a_room_that_is_not_known_yet_begins_when_it_is);
    tcase_add_test(tests, test_live_room_opening__stale_is_told_once_and_to_newcomers);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_opening_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
