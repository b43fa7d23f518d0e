#include "redis_clock.h"

#include <check.h>
#include <stdlib.h>

/* Redis' clock and ours at one moment, by the truth of these tests. */
#define REDIS_US INT64_C(1790000000000000)
#define OUR_US UINT64_C(5000000000)

static const int64_t redis_ms = REDIS_US / 1000;

static struct redis_clock confirmed(void)
{
    struct redis_clock clock = {0};
    redis_clock_confirm(&clock, OUR_US - 200, REDIS_US, 1, OUR_US + 300);
    return clock;
}

/* What a message of one second, made `age_us` before `now_us`, has left. */
static int64_t left_us(struct redis_clock *clock, int64_t created_ms, uint64_t now_us)
{
    struct redis_moment moment = redis_clock_date(clock, created_ms, now_us);
    int64_t left_ms = created_ms + 1000 - moment.redis_ms;
    return (int64_t)(moment.monotonic_us - now_us) + left_ms * 1000;
}

START_TEST(test_redis_clock__unknown_is_doubted_and_counts_from_the_coming)
{
    struct redis_clock clock = {0};
    ck_assert(redis_clock_doubts(&clock, redis_ms, OUR_US));
    ck_assert_int_eq(left_us(&clock, redis_ms - 700, OUR_US), 1000000);
    ck_assert(!clock.known);
}
END_TEST

START_TEST(test_redis_clock__answer_is_taken_at_its_latest)
{
    struct redis_clock clock = confirmed();
    ck_assert_int_eq(left_us(&clock, redis_ms, OUR_US + 5000), 1000000 - 5000 + 300);
}
END_TEST

START_TEST(test_redis_clock__late_message_has_less_left)
{
    struct redis_clock clock = confirmed();
    ck_assert_int_eq(left_us(&clock, redis_ms, OUR_US + 800000), 200000 + 300);
}
END_TEST

START_TEST(test_redis_clock__faster_message_improves_it)
{
    struct redis_clock clock = confirmed();
    ck_assert_int_eq(left_us(&clock, redis_ms, OUR_US + 100), 1000000);
    ck_assert_int_eq(left_us(&clock, redis_ms, OUR_US + 5100), 1000000 - 5000);
}
END_TEST

START_TEST(test_redis_clock__answer_that_agrees_changes_nothing)
{
    struct redis_clock clock = confirmed();
    redis_clock_confirm(&clock, OUR_US + 1000 - 5000, REDIS_US + 1000, 1, OUR_US + 1000 + 90000);
    ck_assert_int_eq(left_us(&clock, redis_ms, OUR_US + 5000), 1000000 - 5000 + 300);
}
END_TEST

START_TEST(test_redis_clock__answer_after_a_step_forward_is_believed)
{
    struct redis_clock clock = confirmed();
    redis_clock_confirm(&clock, OUR_US - 200, REDIS_US + 60000000, 1, OUR_US + 300);
    ck_assert_int_eq(left_us(&clock, redis_ms + 60000, OUR_US + 300), 1000000);
}
END_TEST

START_TEST(test_redis_clock__answer_after_a_step_back_is_believed)
{
    struct redis_clock clock = confirmed();
    redis_clock_confirm(&clock, OUR_US - 200, REDIS_US - 60000000, 1, OUR_US + 300);
    ck_assert_int_eq(left_us(&clock, redis_ms - 60000, OUR_US + 300), 1000000);
}
END_TEST

START_TEST(test_redis_clock__lateness_is_doubted_from_its_bound_on)
{
    struct redis_clock clock = confirmed();
    int64_t created_ms = redis_ms + 2000;
    uint64_t prompt_us = OUR_US + 300 + 2000000;
    ck_assert(!redis_clock_doubts(&clock, created_ms, prompt_us));
    ck_assert(!redis_clock_doubts(&clock, created_ms, prompt_us + REDIS_CLOCK_LATE_US));
    ck_assert(redis_clock_doubts(&clock, created_ms, prompt_us + REDIS_CLOCK_LATE_US + 1));
}
END_TEST

START_TEST(test_redis_clock__doubt_rests_for_a_while)
{
    struct redis_clock clock = confirmed();
    uint64_t rested_us = OUR_US + 300 + REDIS_CLOCK_DOUBT_EVERY_US;
    ck_assert(!redis_clock_doubts(&clock, redis_ms, rested_us - 1));
    ck_assert(redis_clock_doubts(&clock, redis_ms, rested_us));
}
END_TEST

START_TEST(test_redis_clock__age_is_doubted)
{
    struct redis_clock clock = confirmed();
    uint64_t old_us = OUR_US + 300 + REDIS_CLOCK_CONFIRM_US;
    int64_t created_ms = redis_ms + REDIS_CLOCK_CONFIRM_US / 1000;
    ck_assert(!redis_clock_doubts(&clock, created_ms, old_us - 1));
    ck_assert(redis_clock_doubts(&clock, created_ms, old_us));
}
END_TEST

static Suite *redis_clock_suite(void)
{
    Suite *suite = suite_create("redis_clock");
    TCase *tests = tcase_create("redis_clock");
    tcase_add_test(tests, test_redis_clock__unknown_is_doubted_and_counts_from_the_coming);
    tcase_add_test(tests, test_redis_clock__answer_is_taken_at_its_latest);
    tcase_add_test(tests, test_redis_clock__late_message_has_less_left);
    tcase_add_test(tests, test_redis_clock__faster_message_improves_it);
    tcase_add_test(tests, test_redis_clock__answer_that_agrees_changes_nothing);
    tcase_add_test(tests, test_redis_clock__answer_after_a_step_forward_is_believed);
    tcase_add_test(tests, test_redis_clock__answer_after_a_step_back_is_believed);
    tcase_add_test(tests, test_redis_clock__lateness_is_doubted_from_its_bound_on);
    tcase_add_test(tests, test_redis_clock__doubt_rests_for_a_while);
    tcase_add_test(tests, test_redis_clock__age_is_doubted);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(redis_clock_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
