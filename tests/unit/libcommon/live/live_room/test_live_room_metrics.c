/*
 * The rooms' numbers for an operator.
 */
#include "event_hub.h"
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct live_rooms_metrics metrics(void)
{
    struct live_rooms_metrics told;
    live_rooms_metrics(rooms, &told);
    return told;
}

START_TEST(test_live_room_stats__rooms_and_live_messages_are_counted)
{
    ck_assert_uint_eq(metrics().rooms, 1);
    ck_assert_uint_eq(metrics().messages, 0);
    struct live_room *other = rooms_use("other");
    lobby_add(1);
    lobby_add_own_for(2, 60 * SECOND_US);
    live_source_sync(other, NULL, 0, event_id_nothing("other"));
    ck_assert_uint_eq(metrics().rooms, 2);
    ck_assert_uint_eq(metrics().messages, 2);
    lobby_sync("1 3 4", 4);
    ck_assert_uint_eq(metrics().messages, 4);
    live_room_release(other);
}
END_TEST

START_TEST(test_live_room_stats__messages_of_a_room_that_is_let_go_are_not_counted)
{
    struct live_room *others[ROOMS_MAX];
    char name[16];
    lobby_add(1);
    live_room_release(lobby);
    ck_assert_uint_eq(metrics().messages, 1);
    for (size_t i = 0; i < ROOMS_MAX; i++) {
        snprintf(name, sizeof name, "other-%zu", i);
        others[i] = rooms_use(name);
    }
    ck_assert_uint_eq(metrics().rooms, ROOMS_MAX); /* the lobby made room */
    ck_assert_uint_eq(metrics().messages, 0);
    for (size_t i = 0; i < ROOMS_MAX; i++)
        live_room_release(others[i]);
    lobby = rooms_use("lobby");
}
END_TEST

START_TEST(test_live_room_stats__expired_messages_are_counted_and_those_told_are_timed)
{
    struct reader reader;
    lobby_add_for(1, SECOND_US);
    rooms_pass(SECOND_US);
    lobby_tick();
    ck_assert_uint_eq(metrics().expired, 1);
    ck_assert_uint_eq(metrics().lateness.count, 0); /* nobody was told */

    reader_subscribe(&reader, lobby, NULL);
    lobby_add_for(2, SECOND_US);
    lobby_add_own_for(3, SECOND_US); /* which no stream has */
    rooms_pass(SECOND_US - 1);
    lobby_tick();
    ck_assert_uint_eq(metrics().expired, 1);
    rooms_pass(1 + 7000);
    lobby_tick();
    struct live_rooms_metrics told = metrics();
    ck_assert_uint_eq(told.expired, 3);
    ck_assert_uint_eq(told.messages, 0);
    ck_assert_uint_eq(told.lateness.count, 1);
    ck_assert_uint_eq(told.lateness.sum_us, 7000);
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_stats__what_is_deleted_has_not_expired)
{
    lobby_add(1);
    lobby_sync("2", 2);
    ck_assert_uint_eq(metrics().messages, 1);
    ck_assert_uint_eq(metrics().expired, 0);
}
END_TEST

START_TEST(test_live_room_stats__subscribers_are_counted_and_those_refused)
{
    struct reader readers[ROOMS_STREAMS_MAX];
    struct reader another;
    ck_assert_uint_eq(metrics().streams_max, ROOMS_STREAMS_MAX);
    for (size_t i = 0; i < ROOMS_STREAMS_MAX; i++) {
        ck_assert_uint_eq(metrics().streams, i);
        reader_subscribe(&readers[i], lobby, NULL);
    }
    ck_assert_uint_eq(metrics().refused, 0);
    ck_assert_int_eq(reader_try_subscribe(&another, lobby, NULL), ERROR_UNAVAILABLE);
    ck_assert_uint_eq(metrics().refused, 1);
    ck_assert_uint_eq(metrics().streams, ROOMS_STREAMS_MAX);
    for (size_t i = 0; i < ROOMS_STREAMS_MAX; i++)
        reader_leave(&readers[i]);
    ck_assert_uint_eq(metrics().streams, 0);
    ck_assert_uint_eq(metrics().dropped, 0);
}
END_TEST

START_TEST(test_live_room_stats__who_fell_behind_is_counted_whether_it_reads_the_end_or_not)
{
    struct reader readers[3];
    for (size_t i = 0; i < 3; i++)
        reader_subscribe(&readers[i], lobby, NULL);
    for (uint64_t n = 1; n <= EVENT_HUB_EVENTS_MAX; n++)
        lobby_add(n);
    reader_leave(&readers[0]); /* just not too slow */
    ck_assert_uint_eq(metrics().dropped, 0);
    lobby_add(EVENT_HUB_EVENTS_MAX + 1);
    reader_expect_told(&readers[1], "retry; snapshot #0");
    ck_assert(readers[1].ended);
    ck_assert_uint_eq(metrics().dropped, 1);
    reader_leave(&readers[1]);
    reader_leave(&readers[2]); /* its connection timed out, as it never took anything */
    ck_assert_uint_eq(metrics().dropped, 2);
}
END_TEST

static Suite *live_room_stats_suite(void)
{
    Suite *suite = suite_create("live_room_metrics");
    TCase *tests = tcase_create("metrics");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, lobby_set_up, lobby_tear_down);
    tcase_add_test(tests, test_live_room_stats__rooms_and_live_messages_are_counted);
    tcase_add_test(tests, test_live_room_stats__messages_of_a_room_that_is_let_go_are_not_counted);
    tcase_add_test(tests,
                   test_live_room_stats__expired_messages_are_counted_and_those_told_are_timed);
    tcase_add_test(tests, test_live_room_stats__what_is_deleted_has_not_expired);
    tcase_add_test(tests, test_live_room_stats__subscribers_are_counted_and_those_refused);
    tcase_add_test(
        tests, test_live_room_stats__who_fell_behind_is_counted_whether_it_reads_the_end_or_not);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_stats_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
