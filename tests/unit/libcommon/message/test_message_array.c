/*
 * What is taken of a board, and in which order. The board is in the order of ends; here messages
 * are accepted in another one: a letter a message, each told by its id's last character.
 */
#include "message_array.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t base_ms = 1795327200000;

static struct board *board;

/* `order`: of acceptance, by time; `number` may be 0. */
static void add(char letter, int64_t order, uint64_t number, int64_t ends_ms)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%031d%c", 0, letter);
    CLEANUP(message_release)
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = UINT64_MAX / 2,
        .created_at_ms = base_ms + order,
        .expires_at_ms = base_ms + ends_ms,
        .id = id,
        .room = "lobby",
        .text = "x",
    });
    ck_assert_int_eq(board_insert(board, message), BOARD_ADDED);
}

static struct message *message_called(char letter)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%031d%c", 0, letter);
    return board_find(board, id);
}

static void set_up(void)
{
    board = board_new();
    add('a', 1, 10, 400);
    add('b', 2, 20, 100);
    add('c', 3, 30, 300);
    add('d', 4, 0, 200); /* just accepted: its number is not known yet */
}

static void tear_down(void)
{
    board_free(board);
}

static void assert_is(const struct message_array *array, const char *letters)
{
    ck_assert_uint_eq(array->count, strlen(letters));
    for (size_t i = 0; i < array->count; i++)
        ck_assert_int_eq(array->messages[i]->id[MESSAGE_ID_SIZE - 2], letters[i]);
}

static void assert_taken(struct message_array_filter filter, const char *letters)
{
    CLEANUP(message_array_free) struct message_array *array = message_array_of(board, &filter);
    ck_assert_ptr_nonnull(array);
    assert_is(array, letters);
}

START_TEST(test_message_array__takes_all_in_the_board_s_order)
{
    assert_taken((struct message_array_filter){0}, "bdca");
}
END_TEST

START_TEST(test_message_array__takes_only_those_with_a_number)
{
    assert_taken((struct message_array_filter){.numbered = true}, "bca");
}
END_TEST

START_TEST(test_message_array__takes_only_those_above_a_number)
{
    assert_taken((struct message_array_filter){.numbered = true, .above = 9}, "bca");
    assert_taken((struct message_array_filter){.numbered = true, .above = 10}, "bc");
    assert_taken((struct message_array_filter){.numbered = true, .above = 30}, "");
}
END_TEST

START_TEST(test_message_array__takes_only_those_accepted_before_one)
{
    assert_taken((struct message_array_filter){.before = message_called('c')}, "ba");
    assert_taken((struct message_array_filter){.before = message_called('d')}, "bca");
    assert_taken((struct message_array_filter){.before = message_called('a')}, "");
}
END_TEST

START_TEST(test_message_array__takes_the_newest)
{
    static const char *const newest[] = {"bdca", "d", "dc", "bdc", "bdca", "bdca"};
    assert_taken((struct message_array_filter){.newest = (size_t)_i}, newest[_i]);
}
END_TEST

START_TEST(test_message_array__takes_the_newest_of_those_before_one)
{
    assert_taken((struct message_array_filter){.before = message_called('d'), .newest = 2}, "bc");
}
END_TEST

START_TEST(test_message_array__is_sorted_by_acceptance)
{
    struct message_array_filter filter = {0};
    CLEANUP(message_array_free) struct message_array *array = message_array_of(board, &filter);
    message_array_sort(array);
    assert_is(array, "abcd");
}
END_TEST

START_TEST(test_message_array__messages_without_a_number_are_sorted_by_time_and_id)
{
    add('f', 6, 0, 10);
    add('e', 5, 0, 20);
    add('g', 6, 0, 5);
    struct message_array_filter filter = {0};
    CLEANUP(message_array_free) struct message_array *array = message_array_of(board, &filter);
    message_array_sort(array);
    assert_is(array, "abcdefg");
}
END_TEST

START_TEST(test_message_array__keeps_what_the_board_has_lost)
{
    struct message_array_filter filter = {.numbered = true};
    CLEANUP(message_array_free) struct message_array *array = message_array_of(board, &filter);
    board_free(board);
    board = NULL;
    assert_is(array, "bca");
}
END_TEST

START_TEST(test_message_array__of_an_empty_board_is_empty)
{
    CLEANUP(board_free) struct board *empty = board_new();
    struct message_array_filter filter = {.newest = 1};
    CLEANUP(message_array_free) struct message_array *array = message_array_of(empty, &filter);
    assert_is(array, "");
    message_array_free(NULL);
}
END_TEST

static Suite *message_array_suite(void)
{
    Suite *suite = suite_create("message_array");
    TCase *tcase = tcase_create("message_array");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_message_array__takes_all_in_the_board_s_order);
    tcase_add_test(tcase, test_message_array__takes_only_those_with_a_number);
    tcase_add_test(tcase, test_message_array__takes_only_those_above_a_number);
    tcase_add_test(tcase, test_message_array__takes_only_those_accepted_before_one);
    tcase_add_loop_test(tcase, test_message_array__takes_the_newest, 0, 6);
    tcase_add_test(tcase, test_message_array__takes_the_newest_of_those_before_one);
    tcase_add_test(tcase, test_message_array__is_sorted_by_acceptance);
    tcase_add_test(tcase, test_message_array__messages_without_a_number_are_sorted_by_time_and_id);
    tcase_add_test(tcase, test_message_array__keeps_what_the_board_has_lost);
    tcase_add_test(tcase, test_message_array__of_an_empty_board_is_empty);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(message_array_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
