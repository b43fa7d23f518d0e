/*
 * Messages that were longer under way than others, and a store's clock that is set.
 */
#include "upstream_clock.h"

#include <check.h>
#include <stdlib.h>

/* The store's clock is at 1,000,000 ms when ours is at 500,000 ms. */
static const int64_t store_begin_ms = 1000000;
static const uint64_t our_begin_us = 500000000;

static struct upstream_clock upstream_clock;

/* A message of 10 s that was made `at_ms` after the beginning and came `late_ms` after that, with
 * what it had left when it was made; the store's clock was `set_ms` ahead meanwhile. Returns by
 * how much its end is after the true one, in ms. */
static int64_t end_of(int64_t at_ms, int64_t late_ms, int64_t set_ms)
{
    uint64_t now_us = our_begin_us + (uint64_t)(at_ms + late_ms) * 1000;
    struct message_fields fields = {
        .number = 1,
        .deadline_us = now_us + 10000000,
        .created_at_ms = store_begin_ms + at_ms + set_ms,
        .expires_at_ms = store_begin_ms + at_ms + set_ms + 10000,
        .id = "00000000000000000000000000000001",
        .room = "lobby",
        .text = "text",
    };
    struct message *message = message_new(&fields);
    ck_assert_ptr_nonnull(message);
    upstream_clock_date(&upstream_clock, message, now_us);
    uint64_t true_us = our_begin_us + (uint64_t)(at_ms + 10000) * 1000;
    int64_t after_ms = ((int64_t)message->deadline_us - (int64_t)true_us) / 1000;
    message_release(message);
    return after_ms;
}

static void set_up(void)
{
    upstream_clock_init(&upstream_clock);
}

static void tear_down(void)
{
    upstream_clock_fini(&upstream_clock);
}

START_TEST(test_upstream_clock__the_first_message_is_believed)
{
    ck_assert_int_eq(end_of(0, 70, 0), 70);
}
END_TEST

START_TEST(test_upstream_clock__a_late_message_ends_as_if_it_had_come_fast)
{
    ck_assert_int_eq(end_of(0, 1, 0), 1);
    ck_assert_int_eq(end_of(100, 900, 0), 1);
}
END_TEST

START_TEST(test_upstream_clock__a_faster_message_is_learnt_from)
{
    ck_assert_int_eq(end_of(0, 50, 0), 50);
    ck_assert_int_eq(end_of(100, 2, 0), 2);
    ck_assert_int_eq(end_of(200, 40, 0), 2);
}
END_TEST

START_TEST(test_upstream_clock__the_last_window_is_still_believed)
{
    ck_assert_int_eq(end_of(0, 1, 0), 1);
    ck_assert_int_eq(end_of(10500, 400, 0), 1);
}
END_TEST

START_TEST(test_upstream_clock__what_is_old_is_forgotten)
{
    ck_assert_int_eq(end_of(0, 1, 0), 1);
    ck_assert_int_eq(end_of(30000, 400, 0), 400);
}
END_TEST

START_TEST(test_upstream_clock__a_clock_set_forward_is_followed_at_once)
{
    ck_assert_int_eq(end_of(0, 1, 0), 1);
    ck_assert_int_eq(end_of(100, 1, 60000), 1);
    ck_assert_int_eq(end_of(200, 300, 60000), 1);
}
END_TEST

START_TEST(test_upstream_clock__a_clock_set_far_back_is_followed_at_once)
{
    ck_assert_int_eq(end_of(0, 1, 0), 1);
    ck_assert_int_eq(end_of(100, 1, -60000), 1);
    ck_assert_int_eq(end_of(200, 300, -60000), 1);
}
END_TEST

START_TEST(test_upstream_clock__as_late_as_is_believed)
{
    ck_assert_int_eq(end_of(0, 0, 0), 0);
    ck_assert_int_eq(end_of(1000, 5000, 0), 0);
    ck_assert_int_eq(end_of(2000, 5001, 0), 5001);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upstream_clock");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, test_upstream_clock__the_first_message_is_believed);
    tcase_add_test(all, test_upstream_clock__a_late_message_ends_as_if_it_had_come_fast);
    tcase_add_test(all, test_upstream_clock__a_faster_message_is_learnt_from);
    tcase_add_test(all, test_upstream_clock__the_last_window_is_still_believed);
    tcase_add_test(all, test_upstream_clock__what_is_old_is_forgotten);
    tcase_add_test(all, test_upstream_clock__a_clock_set_forward_is_followed_at_once);
    tcase_add_test(all, test_upstream_clock__a_clock_set_far_back_is_followed_at_once);
    tcase_add_test(all, test_upstream_clock__as_late_as_is_believed);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
