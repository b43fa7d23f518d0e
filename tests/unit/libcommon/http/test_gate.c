/*
 * How many are let in, how long one more waits, and that a place given back is taken.
 */
#include "gate.h"

#include "clock.h"

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Long enough for any machine; and short, where it is to pass. */
enum { AMPLE_MS = 10000, SHORT_MS = 20, THREADS = 8, ROUNDS = 200, PLACES = 3 };

static struct gate gate;
static _Atomic int inside;
static _Atomic bool too_many;

START_TEST(test_gate__lets_in_as_many_as_it_has_places)
{
    gate_init(&gate, 2);
    ck_assert(gate_enter(&gate, 0));
    ck_assert(gate_enter(&gate, 0));
    ck_assert(!gate_enter(&gate, 0));
    gate_fini(&gate);
}
END_TEST

START_TEST(test_gate__place_given_back_can_be_taken)
{
    gate_init(&gate, 1);
    ck_assert(gate_enter(&gate, 0));
    gate_leave(&gate);
    ck_assert(gate_enter(&gate, 0));
    gate_fini(&gate);
}
END_TEST

START_TEST(test_gate__waits_as_long_as_it_is_told_and_no_less)
{
    gate_init(&gate, 1);
    ck_assert(gate_enter(&gate, 0));
    uint64_t began_us = clock_monotonic_us(&clock_system);
    ck_assert(!gate_enter(&gate, SHORT_MS));
    ck_assert_uint_ge(clock_monotonic_us(&clock_system) - began_us, SHORT_MS * 1000);
    gate_fini(&gate);
}
END_TEST

static void *leave(void *context)
{
    gate_leave(context);
    return NULL;
}

START_TEST(test_gate__who_waits_gets_the_place_that_is_given_back)
{
    pthread_t thread;
    gate_init(&gate, 1);
    ck_assert(gate_enter(&gate, 0));
    ck_assert_int_eq(pthread_create(&thread, NULL, leave, &gate), 0);
    ck_assert(gate_enter(&gate, AMPLE_MS));
    pthread_join(thread, NULL);
    gate_fini(&gate);
}
END_TEST

static void *go_in_and_out(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        if (!gate_enter(&gate, AMPLE_MS))
            return NULL;
        if (atomic_fetch_add(&inside, 1) >= PLACES)
            atomic_store(&too_many, true);
        atomic_fetch_sub(&inside, 1);
        gate_leave(&gate);
    }
    return &gate;
}

START_TEST(test_gate__many_threads_are_never_too_many_inside)
{
    pthread_t threads[THREADS];
    gate_init(&gate, PLACES);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, go_in_and_out, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *went_through;
        pthread_join(threads[i], &went_through);
        ck_assert_ptr_nonnull(went_through);
    }
    ck_assert(!too_many);
    ck_assert_uint_eq(gate.places, PLACES);
    gate_fini(&gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_gate__lets_in_as_many_as_it_has_places);
    tcase_add_test(all, test_gate__place_given_back_can_be_taken);
    tcase_add_test(all, test_gate__waits_as_long_as_it_is_told_and_no_less);
    tcase_add_test(all, test_gate__who_waits_gets_the_place_that_is_given_back);
    tcase_add_test(all, test_gate__many_threads_are_never_too_many_inside);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
