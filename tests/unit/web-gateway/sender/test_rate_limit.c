/*
 * Token buckets on a clock of the test's own: how many at once, how soon again, whose bucket, and
 * what a flood from more clients than there are buckets can do.
 */
#include "rate_limit.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND_US = 1000000, THREADS = 4, TAKES_A_THREAD = 1000 };

static const uint64_t start_us = 5000 * (uint64_t)SECOND_US;

static struct rate_limit *limiter;
static struct rate_limit_state state;
static uint64_t now_us;

static void set_up(void)
{
    limiter = rate_limit_new(20, 1000);
    ck_assert_ptr_nonnull(limiter);
    now_us = start_us;
}

static void tear_down(void)
{
    rate_limit_free(limiter);
}

static void use_rate(uint32_t count, uint64_t window_ms)
{
    rate_limit_free(limiter);
    limiter = rate_limit_new(count, window_ms);
    ck_assert_ptr_nonnull(limiter);
}

static bool take(uint32_t client)
{
    uint8_t key[CLIENT_KEY_SIZE] = {0x20, 0x01};
    memcpy(key + 4, &client, sizeof client);
    return rate_limit_take(limiter, key, now_us, &state);
}

/* How many of `tries` are allowed at this moment. */
static int take_many(uint32_t client, int tries)
{
    int allowed = 0;
    for (int i = 0; i < tries; i++)
        allowed += take(client);
    return allowed;
}

START_TEST(test_rate_limit__full_bucket_allows_the_count_at_once)
{
    ck_assert_int_eq(take_many(1, 50), 20);
}
END_TEST

START_TEST(test_rate_limit__first_take_tells_the_state)
{
    ck_assert(take(1));
    ck_assert_uint_eq(state.limit, 20);
    ck_assert_uint_eq(state.window_s, 1);
    ck_assert_uint_eq(state.remaining, 19);
    ck_assert_uint_eq(state.next_s, 1);
}
END_TEST

START_TEST(test_rate_limit__remaining_counts_down_to_zero)
{
    for (uint32_t left = 20; left-- > 0;) {
        ck_assert(take(1));
        ck_assert_uint_eq(state.remaining, left);
    }
    ck_assert(!take(1));
    ck_assert_uint_eq(state.remaining, 0);
}
END_TEST

START_TEST(test_rate_limit__one_token_returns_each_twentieth_of_the_window)
{
    take_many(1, 20);
    now_us += SECOND_US / 20 - 1;
    ck_assert(!take(1));
    now_us += 1;
    ck_assert(take(1));
    ck_assert(!take(1));
}
END_TEST

START_TEST(test_rate_limit__refusals_do_not_delay_the_refill)
{
    take_many(1, 20);
    for (int i = 0; i < 100; i++) {
        now_us += SECOND_US / 20 / 100;
        ck_assert_int_eq(take(1), i == 99);
    }
}
END_TEST

START_TEST(test_rate_limit__bucket_is_full_after_a_window_and_never_fuller)
{
    take_many(1, 20);
    now_us += SECOND_US;
    ck_assert_int_eq(take_many(1, 50), 20);
    now_us += 1000 * (uint64_t)SECOND_US;
    ck_assert_int_eq(take_many(1, 50), 20);
}
END_TEST

START_TEST(test_rate_limit__odd_rates_lose_nothing_to_rounding)
{
    use_rate(7, 1000);
    take_many(1, 7);
    int allowed = 0;
    for (int i = 0; i < 10 * 1000; i++) {
        now_us += 1000;
        allowed += take(1);
    }
    ck_assert_int_eq(allowed, 70);
}
END_TEST

START_TEST(test_rate_limit__next_is_rounded_up_and_keeps_its_promise)
{
    use_rate(1, 2500);
    ck_assert(take(1));
    now_us += 400000;
    ck_assert(!take(1));
    ck_assert_uint_eq(state.next_s, 3);
    ck_assert_uint_eq(state.window_s, 3);
    now_us += 3 * (uint64_t)SECOND_US;
    ck_assert(take(1));
}
END_TEST

START_TEST(test_rate_limit__next_of_whole_seconds_is_exact)
{
    use_rate(6, 60000);
    take_many(1, 7);
    ck_assert_uint_eq(state.next_s, 10);
    now_us += 10 * (uint64_t)SECOND_US - 1;
    ck_assert(!take(1));
    ck_assert_uint_eq(state.next_s, 1);
    now_us += 1;
    ck_assert(take(1));
}
END_TEST

START_TEST(test_rate_limit__clients_do_not_share)
{
    ck_assert_int_eq(take_many(1, 50), 20);
    ck_assert_int_eq(take_many(2, 50), 20);
}
END_TEST

START_TEST(test_rate_limit__zero_key_is_a_client_like_others)
{
    const uint8_t zero[CLIENT_KEY_SIZE] = {0};
    for (int i = 0; i < 20; i++)
        ck_assert(rate_limit_take(limiter, zero, now_us, &state));
    ck_assert(!rate_limit_take(limiter, zero, now_us, &state));
}
END_TEST

START_TEST(test_rate_limit__time_may_begin_at_zero)
{
    now_us = 0;
    ck_assert_int_eq(take_many(1, 50), 20);
    ck_assert_int_eq(take_many(2, 50), 20);
    ck_assert(!take(1));
}
END_TEST

START_TEST(test_rate_limit__time_that_goes_back_gives_no_tokens)
{
    take_many(1, 20);
    now_us -= 10 * (uint64_t)SECOND_US;
    ck_assert(!take(1));
    now_us = start_us + SECOND_US / 20;
    ck_assert_int_eq(take_many(1, 50), 1);
}
END_TEST

START_TEST(test_rate_limit__flood_of_clients_refuses_no_newcomer)
{
    uint32_t taken = 0;
    use_rate(1, RATE_LIMIT_WINDOW_MAX_MS);
    for (uint32_t client = 0; client < 3 * RATE_LIMIT_CLIENTS_MAX; client++)
        taken += take(client);
    ck_assert_uint_eq(taken, 3 * RATE_LIMIT_CLIENTS_MAX);
}
END_TEST

START_TEST(test_rate_limit__flood_of_clients_does_not_free_a_refused_one)
{
    use_rate(2, RATE_LIMIT_WINDOW_MAX_MS);
    take_many(UINT32_MAX, 2);
    for (uint32_t client = 0; client < 3 * RATE_LIMIT_CLIENTS_MAX; client++)
        take(client);
    ck_assert(!take(UINT32_MAX));
}
END_TEST

START_TEST(test_rate_limit__largest_rate_does_not_overflow)
{
    use_rate(RATE_LIMIT_COUNT_MAX, RATE_LIMIT_WINDOW_MAX_MS);
    ck_assert(take(1));
    ck_assert_uint_eq(state.limit, RATE_LIMIT_COUNT_MAX);
    ck_assert_uint_eq(state.remaining, RATE_LIMIT_COUNT_MAX - 1);
    now_us += RATE_LIMIT_WINDOW_MAX_MS * (uint64_t)1000 - 1;
    ck_assert(take(1));
    now_us = UINT64_MAX;
    ck_assert(take(1));
    ck_assert_uint_eq(state.remaining, RATE_LIMIT_COUNT_MAX - 1);
}
END_TEST

START_TEST(test_rate_limit__rates_outside_the_limits_are_refused)
{
    ck_assert_ptr_null(rate_limit_new(0, 1000));
    ck_assert_ptr_null(rate_limit_new(1, 0));
    ck_assert_ptr_null(rate_limit_new(RATE_LIMIT_COUNT_MAX + 1, 1000));
    ck_assert_ptr_null(rate_limit_new(1, RATE_LIMIT_WINDOW_MAX_MS + UINT64_C(1)));
    ck_assert_ptr_null(rate_limit_new(1, UINT64_MAX));
}
END_TEST

START_TEST(test_rate_limit__free_takes_null)
{
    rate_limit_free(NULL);
}
END_TEST

static void *take_in_thread(void *ret_allowed)
{
    const uint8_t key[CLIENT_KEY_SIZE] = {1};
    int *allowed = ret_allowed;
    struct rate_limit_state mine;
    for (int i = 0; i < TAKES_A_THREAD; i++)
        *allowed += rate_limit_take(limiter, key, start_us, &mine);
    return NULL;
}

START_TEST(test_rate_limit__threads_together_get_no_more)
{
    pthread_t threads[THREADS];
    int allowed[THREADS] = {0};
    int sum = 0;
    use_rate(THREADS * TAKES_A_THREAD / 2, 1000);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_in_thread, &allowed[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += allowed[i];
    }
    ck_assert_int_eq(sum, THREADS * TAKES_A_THREAD / 2);
}
END_TEST

START_TEST(test_rate_limit__headers_are_structured_fields)
{
    char policy[RATE_LIMIT_HEADER_SIZE];
    char limit[RATE_LIMIT_HEADER_SIZE];
    take(1);
    rate_limit_format(&state, policy, limit);
    ck_assert_str_eq(policy, "\"default\";q=20;w=1");
    ck_assert_str_eq(limit, "\"default\";r=19;t=1");
}
END_TEST

START_TEST(test_rate_limit__headers_have_room_for_any_state)
{
    const struct rate_limit_state most = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    char policy[RATE_LIMIT_HEADER_SIZE];
    char limit[RATE_LIMIT_HEADER_SIZE];
    rate_limit_format(&most, policy, limit);
    ck_assert_str_eq(policy, "\"default\";q=4294967295;w=4294967295");
    ck_assert_str_eq(limit, "\"default\";r=4294967295;t=4294967295");
}
END_TEST

static TCase *with_limiter(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_bucket_tests(Suite *suite)
{
    TCase *bucket = with_limiter(suite, "bucket");
    tcase_add_test(bucket, test_rate_limit__full_bucket_allows_the_count_at_once);
    tcase_add_test(bucket, test_rate_limit__first_take_tells_the_state);
    tcase_add_test(bucket, test_rate_limit__remaining_counts_down_to_zero);
    tcase_add_test(bucket, test_rate_limit__one_token_returns_each_twentieth_of_the_window);
    tcase_add_test(bucket, test_rate_limit__refusals_do_not_delay_the_refill);
    tcase_add_test(bucket, test_rate_limit__bucket_is_full_after_a_window_and_never_fuller);
    tcase_add_test(bucket, test_rate_limit__odd_rates_lose_nothing_to_rounding);
    tcase_add_test(bucket, test_rate_limit__next_is_rounded_up_and_keeps_its_promise);
    tcase_add_test(bucket, test_rate_limit__next_of_whole_seconds_is_exact);
    tcase_add_test(bucket, test_rate_limit__time_may_begin_at_zero);
    tcase_add_test(bucket, test_rate_limit__time_that_goes_back_gives_no_tokens);
    tcase_add_test(bucket, test_rate_limit__largest_rate_does_not_overflow);
    tcase_add_test(bucket, test_rate_limit__rates_outside_the_limits_are_refused);
    tcase_add_test(bucket, test_rate_limit__headers_are_structured_fields);
    tcase_add_test(bucket, test_rate_limit__headers_have_room_for_any_state);
}

static void add_table_tests(Suite *suite)
{
    TCase *table = with_limiter(suite, "table");
    tcase_add_test(table, test_rate_limit__clients_do_not_share);
    tcase_add_test(table, test_rate_limit__zero_key_is_a_client_like_others);
    tcase_add_test(table, test_rate_limit__flood_of_clients_refuses_no_newcomer);
    tcase_add_test(table, test_rate_limit__flood_of_clients_does_not_free_a_refused_one);
    tcase_add_test(table, test_rate_limit__threads_together_get_no_more);
    tcase_add_test(table, test_rate_limit__free_takes_null);
}

int main(void)
{
    Suite *suite = suite_create("rate_limit");
    add_bucket_tests(suite);
    add_table_tests(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
