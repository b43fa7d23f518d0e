#include "breaker.h"

#include <check.h>
#include <stdlib.h>

static const uint64_t open_us = 500000;

static uint64_t now_us;

static uint64_t fake_us(const struct clock *clock)
{
    (void)clock;
    return now_us;
}

static const struct clock fake_clock = {.monotonic_us = fake_us, .wall_us = fake_us};

static struct breaker breaker;

static void setup(void)
{
    now_us = 1000000;
    breaker_init(&breaker, &fake_clock, open_us);
}

static void teardown(void)
{
    breaker_fini(&breaker);
}

START_TEST(test_breaker__is_closed_at_first)
{
    ck_assert(breaker_allow(&breaker));
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__failure_opens)
{
    breaker_failure(&breaker);
    ck_assert(!breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__stays_open_for_its_time)
{
    breaker_failure(&breaker);
    now_us += open_us - 1;
    ck_assert(!breaker_allow(&breaker));
    now_us += 1;
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__lets_one_trial_through)
{
    breaker_failure(&breaker);
    now_us += open_us;
    ck_assert(breaker_allow(&breaker));
    ck_assert(!breaker_allow(&breaker));
    now_us += 10 * open_us;
    ck_assert(!breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__trial_that_succeeds_closes)
{
    breaker_failure(&breaker);
    now_us += open_us;
    ck_assert(breaker_allow(&breaker));
    breaker_success(&breaker);
    ck_assert(breaker_allow(&breaker));
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__trial_that_fails_opens_for_its_time_again)
{
    breaker_failure(&breaker);
    now_us += open_us;
    ck_assert(breaker_allow(&breaker));
    breaker_failure(&breaker);
    now_us += open_us - 1;
    ck_assert(!breaker_allow(&breaker));
    now_us += 1;
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__late_success_closes)
{
    ck_assert(breaker_allow(&breaker));
    ck_assert(breaker_allow(&breaker));
    breaker_failure(&breaker);
    breaker_success(&breaker);
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__late_failure_opens_for_longer)
{
    breaker_failure(&breaker);
    now_us += open_us - 1;
    breaker_failure(&breaker);
    now_us += open_us - 1;
    ck_assert(!breaker_allow(&breaker));
    now_us += 1;
    ck_assert(breaker_allow(&breaker));
}
END_TEST

START_TEST(test_breaker__is_closed_again_by_success_alone)
{
    ck_assert(breaker_closed(&breaker));
    breaker_failure(&breaker);
    ck_assert(!breaker_closed(&breaker));
    now_us += open_us;
    ck_assert(!breaker_closed(&breaker));
    ck_assert(breaker_allow(&breaker));
    ck_assert(!breaker_closed(&breaker));
    breaker_success(&breaker);
    ck_assert(breaker_closed(&breaker));
}
END_TEST

enum { THREADS = 8 };

static void *ask(void *result)
{
    *(bool *)result = breaker_allow(&breaker);
    return NULL;
}

START_TEST(test_breaker__lets_one_of_many_threads_try)
{
    pthread_t threads[THREADS];
    bool allowed[THREADS];
    breaker_failure(&breaker);
    now_us += open_us;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, &allowed[i]), 0);
    int count = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        count += allowed[i];
    }
    ck_assert_int_eq(count, 1);
}
END_TEST

static Suite *breaker_suite(void)
{
    Suite *suite = suite_create("breaker");
    TCase *tests = tcase_create("breaker");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_breaker__is_closed_at_first);
    tcase_add_test(tests, test_breaker__failure_opens);
    tcase_add_test(tests, test_breaker__stays_open_for_its_time);
    tcase_add_test(tests, test_breaker__lets_one_trial_through);
    tcase_add_test(tests, test_breaker__trial_that_succeeds_closes);
    tcase_add_test(tests, test_breaker__trial_that_fails_opens_for_its_time_again);
    tcase_add_test(tests, test_breaker__late_success_closes);
    tcase_add_test(tests, test_breaker__late_failure_opens_for_longer);
    tcase_add_test(tests, test_breaker__is_closed_again_by_success_alone);
    tcase_add_test(tests, test_breaker__lets_one_of_many_threads_try);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(breaker_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
