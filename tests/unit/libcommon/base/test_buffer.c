/*
 * The growing buffer at, below and above its maximum, what a failure leaves, and JSON strings to
 * the letter.
 */
#include "buffer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 1000 };

static struct buffer buffer;

static void set_up(void)
{
    buffer_init(&buffer, MAX);
}

static void tear_down(void)
{
    buffer_fini(&buffer);
}

static void append_many(size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_append(&buffer, "x", 1);
}

static void assert_content(const char *expected)
{
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.len, strlen(expected));
    ck_assert_str_eq(buffer.data, expected);
}

START_TEST(test_buffer__begins_empty_without_memory)
{
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.len, 0);
    ck_assert(!buffer.failed);
}
END_TEST

START_TEST(test_buffer__appends_in_order_with_a_nul_behind)
{
    buffer_append(&buffer, "ab", 2);
    buffer_append_string(&buffer, "");
    buffer_append_string(&buffer, "cd");
    assert_content("abcd");
}
END_TEST

START_TEST(test_buffer__appending_nothing_makes_an_empty_string)
{
    buffer_append(&buffer, NULL, 0);
    assert_content("");
}
END_TEST

START_TEST(test_buffer__keeps_nul_bytes)
{
    buffer_append(&buffer, "a\0b", 3);
    ck_assert_uint_eq(buffer.len, 3);
    ck_assert_mem_eq(buffer.data, "a\0b", 4);
}
END_TEST

START_TEST(test_buffer__grows_byte_by_byte_and_keeps_the_bytes)
{
    for (int i = 0; i < MAX; i++)
        buffer_append(&buffer, &(char){(char)('a' + i % 26)}, 1);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.len, MAX);
    for (int i = 0; i < MAX; i++)
        ck_assert_int_eq(buffer.data[i], 'a' + i % 26);
}
END_TEST

START_TEST(test_buffer__one_append_at_below_and_above_the_maximum)
{
    char bytes[MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    buffer_append(&buffer, bytes, MAX - 1);
    ck_assert(!buffer.failed);
    buffer_clear(&buffer);
    buffer_append(&buffer, bytes, MAX);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.len, MAX);
    buffer_clear(&buffer);
    buffer_append(&buffer, bytes, MAX + 1);
    ck_assert(buffer.failed);
    ck_assert_uint_eq(buffer.len, 0);
}
END_TEST

START_TEST(test_buffer__last_byte_fits_and_one_more_does_not)
{
    append_many(MAX);
    ck_assert(!buffer.failed);
    buffer_append(&buffer, "", 0);
    ck_assert(!buffer.failed);
    append_many(1);
    ck_assert(buffer.failed);
    ck_assert_uint_eq(buffer.len, MAX);
}
END_TEST

START_TEST(test_buffer__length_near_the_end_of_size_t_fails)
{
    append_many(10);
    buffer_append(&buffer, "x", SIZE_MAX);
    ck_assert(buffer.failed);
    buffer_clear(&buffer);
    append_many(10);
    buffer_append(&buffer, "x", SIZE_MAX - 9);
    ck_assert(buffer.failed);
    ck_assert_uint_eq(buffer.len, 10);
}
END_TEST

START_TEST(test_buffer__maximum_of_zero_takes_only_nothing)
{
    struct buffer none;
    buffer_init(&none, 0);
    buffer_append(&none, "", 0);
    ck_assert(!none.failed);
    buffer_append(&none, "x", 1);
    ck_assert(none.failed);
    buffer_fini(&none);
}
END_TEST

START_TEST(test_buffer__failure_sticks)
{
    append_many(MAX - 1);
    buffer_append(&buffer, "xx", 2);
    ck_assert(buffer.failed);
    buffer_append(&buffer, "y", 1);
    buffer_append_string(&buffer, "");
    buffer_append_u64(&buffer, 1);
    buffer_append_format(&buffer, "%d", 1);
    buffer_append_json_string(&buffer, "", 0);
    ck_assert(buffer.failed);
    ck_assert_uint_eq(buffer.len, MAX - 1);
    ck_assert_int_eq(buffer.data[MAX - 2], 'x');
}
END_TEST

START_TEST(test_buffer__clear_forgets_bytes_and_failure)
{
    append_many(MAX + 1);
    buffer_clear(&buffer);
    assert_content("");
    buffer_append_string(&buffer, "again");
    assert_content("again");
}
END_TEST

START_TEST(test_buffer__clear_keeps_the_maximum)
{
    buffer_clear(&buffer);
    append_many(MAX + 1);
    ck_assert(buffer.failed);
}
END_TEST

START_TEST(test_buffer__fini_takes_a_zeroed_struct)
{
    struct buffer zeroed = {0};
    buffer_fini(&zeroed);
    ck_assert_ptr_null(zeroed.data);
}
END_TEST

START_TEST(test_buffer__fini_leaves_an_empty_buffer_with_its_maximum)
{
    append_many(MAX + 1);
    buffer_fini(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert(!buffer.failed);
    append_many(MAX);
    ck_assert(!buffer.failed);
}
END_TEST

START_TEST(test_buffer__u64_in_decimal)
{
    buffer_append_u64(&buffer, 0);
    buffer_append_string(&buffer, " ");
    buffer_append_u64(&buffer, 10);
    buffer_append_string(&buffer, " ");
    buffer_append_u64(&buffer, UINT64_MAX);
    assert_content("0 10 18446744073709551615");
}
END_TEST

START_TEST(test_buffer__format_appends)
{
    buffer_append_format(&buffer, "%s-%03d", "a", 7);
    buffer_append_format(&buffer, "%s", "");
    buffer_append_format(&buffer, "!");
    assert_content("a-007!");
}
END_TEST

START_TEST(test_buffer__format_at_below_and_above_the_maximum)
{
    buffer_append_format(&buffer, "%0*d", MAX - 1, 0);
    ck_assert(!buffer.failed);
    buffer_clear(&buffer);
    buffer_append_format(&buffer, "%0*d", MAX, 0);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(strlen(buffer.data), MAX);
    buffer_clear(&buffer);
    buffer_append_format(&buffer, "%0*d", MAX + 1, 0);
    ck_assert(buffer.failed);
    ck_assert_str_eq(buffer.data, "");
}
END_TEST

static void assert_json(const char *text, size_t len, const char *expected)
{
    buffer_clear(&buffer);
    buffer_append_json_string(&buffer, text, len);
    assert_content(expected);
}

START_TEST(test_buffer__json_of_plain_text)
{
    assert_json("", 0, "\"\"");
    assert_json("hello, world", 12, "\"hello, world\"");
}
END_TEST

START_TEST(test_buffer__json_of_each_control_character)
{
    for (unsigned byte = 0; byte < 0x20; byte++) {
        char expected[16];
        const char *after = byte == '\n' ? "n" : byte == '\r' ? "r" : byte == '\t' ? "t" : NULL;
        if (after)
            snprintf(expected, sizeof expected, "\"a\\%sb\"", after);
        else
            snprintf(expected, sizeof expected, "\"a\\u%04xb\"", byte);
        assert_json((char[]){'a', (char)byte, 'b'}, 3, expected);
    }
}
END_TEST

START_TEST(test_buffer__json_of_quote_and_backslash)
{
    assert_json("\"", 1, "\"\\\"\"");
    assert_json("\\", 1, "\"\\\\\"");
    assert_json("\\\"\\n", 4, "\"\\\\\\\"\\\\n\"");
}
END_TEST

START_TEST(test_buffer__json_escapes_no_other_ascii)
{
    for (int byte = 0x20; byte < 0x80; byte++) {
        if (byte == '"' || byte == '\\')
            continue;
        char expected[] = {'"', (char)byte, '"', '\0'};
        assert_json(&(char){(char)byte}, 1, expected);
    }
}
END_TEST

START_TEST(test_buffer__json_leaves_utf8_as_it_is)
{
    const char *text = "\xC2\x80\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xF0\x9F\x98\x80";
    char expected[64];
    snprintf(expected, sizeof expected, "\"%s\"", text);
    assert_json(text, strlen(text), expected);
}
END_TEST

START_TEST(test_buffer__json_of_escapes_in_a_row_and_at_the_ends)
{
    assert_json("\n\n", 2, "\"\\n\\n\"");
    assert_json("\nab\n", 4, "\"\\nab\\n\"");
}
END_TEST

START_TEST(test_buffer__json_at_and_above_the_maximum)
{
    char text[MAX / 6 + 1];
    memset(text, '\1', sizeof text);
    buffer_init(&buffer, 6 * (MAX / 6) + 2);
    buffer_append_json_string(&buffer, text, MAX / 6);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.len, buffer.max);
    buffer_clear(&buffer);
    buffer_append_json_string(&buffer, text, MAX / 6 + 1);
    ck_assert(buffer.failed);
}
END_TEST

static TCase *content_case(void)
{
    TCase *content = tcase_create("content");
    tcase_add_checked_fixture(content, set_up, tear_down);
    tcase_add_test(content, test_buffer__begins_empty_without_memory);
    tcase_add_test(content, test_buffer__appends_in_order_with_a_nul_behind);
    tcase_add_test(content, test_buffer__appending_nothing_makes_an_empty_string);
    tcase_add_test(content, test_buffer__keeps_nul_bytes);
    tcase_add_test(content, test_buffer__grows_byte_by_byte_and_keeps_the_bytes);
    tcase_add_test(content, test_buffer__u64_in_decimal);
    tcase_add_test(content, test_buffer__format_appends);
    tcase_add_test(content, test_buffer__fini_takes_a_zeroed_struct);
    return content;
}

static TCase *limit_case(void)
{
    TCase *limit = tcase_create("limit");
    tcase_add_checked_fixture(limit, set_up, tear_down);
    tcase_add_test(limit, test_buffer__one_append_at_below_and_above_the_maximum);
    tcase_add_test(limit, test_buffer__last_byte_fits_and_one_more_does_not);
    tcase_add_test(limit, test_buffer__length_near_the_end_of_size_t_fails);
    tcase_add_test(limit, test_buffer__maximum_of_zero_takes_only_nothing);
    tcase_add_test(limit, test_buffer__failure_sticks);
    tcase_add_test(limit, test_buffer__clear_forgets_bytes_and_failure);
    tcase_add_test(limit, test_buffer__clear_keeps_the_maximum);
    tcase_add_test(limit, test_buffer__fini_leaves_an_empty_buffer_with_its_maximum);
    tcase_add_test(limit, test_buffer__format_at_below_and_above_the_maximum);
    return limit;
}

static TCase *json_case(void)
{
    TCase *json = tcase_create("json");
    tcase_add_checked_fixture(json, set_up, tear_down);
    tcase_add_test(json, test_buffer__json_of_plain_text);
    tcase_add_test(json, test_buffer__json_of_each_control_character);
    tcase_add_test(json, test_buffer__json_of_quote_and_backslash);
    tcase_add_test(json, test_buffer__json_escapes_no_other_ascii);
    tcase_add_test(json, test_buffer__json_leaves_utf8_as_it_is);
    tcase_add_test(json, test_buffer__json_of_escapes_in_a_row_and_at_the_ends);
    tcase_add_test(json, test_buffer__json_at_and_above_the_maximum);
    return json;
}

int main(void)
{
    Suite *suite = suite_create("buffer");
    suite_add_tcase(suite, content_case());
    suite_add_tcase(suite, limit_case());
    suite_add_tcase(suite, json_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
