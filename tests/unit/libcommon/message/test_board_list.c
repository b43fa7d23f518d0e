/*
 * A board's messages as JSON: what is in the list, and how long readers share one rendering.
 */
#include "board_list.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t base_ms = 1795327200000;
static const uint64_t now_us = 5000000;
static const uint64_t far_us = UINT64_MAX / 2;

static struct board *board;
static struct board_list list;

static void set_up(void)
{
    board = board_new();
    ck_assert_ptr_nonnull(board);
    list = (struct board_list){0};
}

static void tear_down(void)
{
    board_list_fini(&list);
    board_free(board);
}

static void make_id(unsigned digit, char ret_id[MESSAGE_ID_SIZE])
{
    snprintf(ret_id, MESSAGE_ID_SIZE, "%016u%016u", digit, digit);
}

static enum board_outcome add(unsigned digit, int64_t expires_ms, uint64_t number,
                              uint64_t deadline_us)
{
    char id[MESSAGE_ID_SIZE];
    make_id(digit, id);
    CLEANUP(message_release)
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = deadline_us,
        .created_at_ms = base_ms,
        .expires_at_ms = base_ms + expires_ms,
        .id = id,
        .room = "lobby",
        .text = "x",
    });
    ck_assert_ptr_nonnull(message);
    return board_insert(board, message);
}

/* Takes the message off; whether it was there. */
static bool take(unsigned digit)
{
    char id[MESSAGE_ID_SIZE];
    make_id(digit, id);
    CLEANUP(message_release) struct message *message = board_take(board, id);
    return message != NULL;
}

static void assert_list(uint64_t at_us, const char *expected)
{
    CLEANUP(blob_release) struct blob *json = board_list_get(&list, board, at_us);
    ck_assert_ptr_nonnull(json);
    ck_assert_uint_eq(json->len, strlen(expected));
    ck_assert_mem_eq(json->data, expected, json->len);
}

START_TEST(test_board_list__of_an_empty_board)
{
    assert_list(now_us, "[]");
}
END_TEST

#define ITEM(digit, expires, left)                                                                 \
    "{\"id\":\"000000000000000" digit "000000000000000" digit                                      \
    "\",\"room\":\"lobby\",\"message\":\"x\",\"created_at\":\"2026-11-22T06:00:00.000Z\","         \
    "\"expires_at\":\"2026-11-22T06:00:00." expires "Z\",\"expires_in\":" left "}"

START_TEST(test_board_list__is_in_order_with_what_is_left_rounded_up)
{
    add(1, 200, 1, now_us + 200000);
    add(2, 100, 2, now_us + 100000);
    assert_list(now_us, "[" ITEM("2", "100", "100") "," ITEM("1", "200", "200") "]");
    assert_list(now_us + 1000, "[" ITEM("2", "100", "99") "," ITEM("1", "200", "199") "]");
    assert_list(now_us + 2999, "[" ITEM("2", "100", "98") "," ITEM("1", "200", "198") "]");
}
END_TEST

START_TEST(test_board_list__is_shared_within_a_millisecond)
{
    add(1, 100, 1, far_us);
    CLEANUP(blob_release) struct blob *first = board_list_get(&list, board, now_us);
    CLEANUP(blob_release) struct blob *second = board_list_get(&list, board, now_us + 999);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(first->references, 3);
}
END_TEST

START_TEST(test_board_list__is_rendered_again_in_the_next_millisecond)
{
    add(1, 100, 1, far_us);
    CLEANUP(blob_release) struct blob *first = board_list_get(&list, board, now_us + 999);
    CLEANUP(blob_release) struct blob *second = board_list_get(&list, board, now_us + 1000);
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_eq(first->references, 1);
}
END_TEST

START_TEST(test_board_list__is_rendered_again_after_a_change)
{
    add(1, 100, 0, far_us);
    CLEANUP(blob_release) struct blob *first = board_list_get(&list, board, now_us);
    add(2, 100, 2, far_us);
    CLEANUP(blob_release) struct blob *inserted = board_list_get(&list, board, now_us);
    ck_assert_ptr_ne(first, inserted);
    add(1, 100, 1, far_us);
    CLEANUP(blob_release) struct blob *numbered = board_list_get(&list, board, now_us);
    ck_assert_ptr_ne(inserted, numbered);
    ck_assert(take(1));
    CLEANUP(blob_release) struct blob *taken = board_list_get(&list, board, now_us);
    ck_assert_ptr_ne(numbered, taken);
    ck_assert_int_eq(add(2, 100, 2, far_us), BOARD_KNOWN);
    CLEANUP(blob_release) struct blob *known = board_list_get(&list, board, now_us);
    ck_assert_ptr_eq(taken, known);
}
END_TEST

START_TEST(test_board_list__outlives_the_board)
{
    add(1, 100, 1, far_us);
    CLEANUP(blob_release) struct blob *json = board_list_get(&list, board, now_us);
    board_list_fini(&list);
    board_free(board);
    board = NULL;
    ck_assert_int_eq(json->data[0], '[');
    ck_assert_int_eq(json->data[json->len - 1], ']');
}
END_TEST

START_TEST(test_board_list__of_the_numbered_leaves_the_others_out)
{
    add(1, 100, 0, now_us + 100000);
    add(2, 200, 2, now_us + 200000);
    add(3, 300, 0, now_us + 300000);
    CLEANUP(blob_release) struct blob *json = board_list_get_numbered(&list, board, now_us);
    const char *expected = "[" ITEM("2", "200", "200") "]";
    ck_assert_uint_eq(json->len, strlen(expected));
    ck_assert_mem_eq(json->data, expected, json->len);
    assert_list(now_us, "[" ITEM("1", "100", "100") "," ITEM("2", "200", "200") "," ITEM(
                            "3", "300", "300") "]");
}
END_TEST

START_TEST(test_board_list__of_the_numbered_is_the_shared_one_where_all_are)
{
    add(1, 100, 0, far_us);
    add(2, 100, 0, far_us);
    ck_assert_int_eq(add(1, 100, 1, far_us), BOARD_NUMBERED);
    ck_assert(take(2));
    CLEANUP(blob_release) struct blob *all = board_list_get(&list, board, now_us);
    CLEANUP(blob_release) struct blob *numbered = board_list_get_numbered(&list, board, now_us);
    ck_assert_ptr_eq(all, numbered);
}
END_TEST

START_TEST(test_board_list__render_is_the_list_and_is_not_shared)
{
    add(1, 100, 1, now_us + 100000);
    CLEANUP(blob_release) struct blob *kept = board_list_get(&list, board, now_us);
    CLEANUP(blob_release) struct blob *rendered = board_list_render(board, now_us);
    ck_assert_ptr_ne(kept, rendered);
    ck_assert_uint_eq(rendered->references, 1);
    ck_assert_uint_eq(rendered->len, kept->len);
    ck_assert_mem_eq(rendered->data, kept->data, kept->len);
}
END_TEST

int main(void)
{
    TCase *lists = tcase_create("list");
    tcase_add_checked_fixture(lists, set_up, tear_down);
    tcase_add_test(lists, test_board_list__of_an_empty_board);
    tcase_add_test(lists, test_board_list__is_in_order_with_what_is_left_rounded_up);
    tcase_add_test(lists, test_board_list__is_shared_within_a_millisecond);
    tcase_add_test(lists, test_board_list__is_rendered_again_in_the_next_millisecond);
    tcase_add_test(lists, test_board_list__is_rendered_again_after_a_change);
    tcase_add_test(lists, test_board_list__outlives_the_board);
    tcase_add_test(lists, test_board_list__of_the_numbered_leaves_the_others_out);
    tcase_add_test(lists, test_board_list__of_the_numbered_is_the_shared_one_where_all_are);
    tcase_add_test(lists, test_board_list__render_is_the_list_and_is_not_shared);
    Suite *suite = suite_create("board_list");
    suite_add_tcase(suite, lists);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
