/*
 * Named threads.
 */
#include "thread.h"

#include <check.h>
#include <stdlib.h>

static void *wait_and_return(void *barrier)
{
    pthread_barrier_wait(barrier);
    return barrier;
}

START_TEST(test_thread__has_its_name_as_soon_as_it_is_started)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    char name[THREAD_NAME_MAX + 1];
    pthread_barrier_init(&barrier, NULL, 2);
    ck_assert(thread_start(&thread, "fifteen-letters", wait_and_return, &barrier));
    ck_assert_int_eq(pthread_getname_np(thread, name, sizeof name), 0);
    ck_assert_str_eq(name, "fifteen-letters");
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(test_thread__gets_its_argument_and_returns_a_result)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    void *result = NULL;
    pthread_barrier_init(&barrier, NULL, 1);
    ck_assert(thread_start(&thread, "short", wait_and_return, &barrier));
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &barrier);
    pthread_barrier_destroy(&barrier);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread");
    TCase *tests = tcase_create("thread");
    tcase_add_test(tests, test_thread__has_its_name_as_soon_as_it_is_started);
    tcase_add_test(tests, test_thread__gets_its_argument_and_returns_a_result);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
