/*
 * The order in which deadlines come out, however they were added, moved and removed.
 */
#include "timer_heap.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

enum { NODES = 200, STEPS = 20000 };

static struct timer_heap heap;
static struct timer_heap_node nodes[NODES];

/* The least deadline of those that are in the heap; UINT64_MAX: there is none. */
static uint64_t least_due_us(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < NODES; i++)
        if (nodes[i].link && nodes[i].due_us < least)
            least = nodes[i].due_us;
    return least;
}

static void expect_least_first(void)
{
    ck_assert_uint_eq(heap.first ? heap.first->due_us : UINT64_MAX, least_due_us());
}

START_TEST(test_timer_heap__an_empty_one_has_no_first)
{
    ck_assert_ptr_null(heap.first);
}
END_TEST

START_TEST(test_timer_heap__the_first_is_due_first)
{
    timer_heap_set(&heap, &nodes[0], 20);
    timer_heap_set(&heap, &nodes[1], 10);
    timer_heap_set(&heap, &nodes[2], 30);
    ck_assert_ptr_eq(heap.first, &nodes[1]);
    ck_assert_uint_eq(nodes[1].due_us, 10);
}
END_TEST

START_TEST(test_timer_heap__a_node_is_moved)
{
    timer_heap_set(&heap, &nodes[0], 10);
    timer_heap_set(&heap, &nodes[1], 20);
    timer_heap_set(&heap, &nodes[0], 30);
    ck_assert_ptr_eq(heap.first, &nodes[1]);
    timer_heap_set(&heap, &nodes[0], 15);
    ck_assert_ptr_eq(heap.first, &nodes[0]);
}
END_TEST

START_TEST(test_timer_heap__remove_of_a_node_that_is_in_no_heap_does_nothing)
{
    timer_heap_set(&heap, &nodes[0], 10);
    timer_heap_remove(&heap, &nodes[1]);
    timer_heap_remove(&heap, &nodes[0]);
    timer_heap_remove(&heap, &nodes[0]);
    ck_assert_ptr_null(heap.first);
}
END_TEST

START_TEST(test_timer_heap__comes_out_in_order)
{
    uint64_t last_us = 0;
    srand(1);
    for (int i = 0; i < NODES; i++)
        timer_heap_set(&heap, &nodes[i], (uint64_t)rand() % 100);
    for (int i = 0; i < NODES; i++) {
        ck_assert_uint_ge(heap.first->due_us, last_us);
        last_us = heap.first->due_us;
        timer_heap_remove(&heap, heap.first);
    }
    ck_assert_ptr_null(heap.first);
}
END_TEST

START_TEST(test_timer_heap__stays_in_order_while_nodes_come_move_and_go)
{
    srand(2);
    for (int i = 0; i < STEPS; i++) {
        struct timer_heap_node *node = &nodes[rand() % NODES];
        if (rand() % 3)
            timer_heap_set(&heap, node, (uint64_t)rand() % 1000);
        else
            timer_heap_remove(&heap, node);
        expect_least_first();
        if (rand() % 5 == 0 && heap.first)
            timer_heap_remove(&heap, heap.first);
        expect_least_first();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timer_heap");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_timer_heap__an_empty_one_has_no_first);
    tcase_add_test(all, test_timer_heap__the_first_is_due_first);
    tcase_add_test(all, test_timer_heap__a_node_is_moved);
    tcase_add_test(all, test_timer_heap__remove_of_a_node_that_is_in_no_heap_does_nothing);
    tcase_add_test(all, test_timer_heap__comes_out_in_order);
    tcase_add_test(all, test_timer_heap__stays_in_order_while_nodes_come_move_and_go);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
