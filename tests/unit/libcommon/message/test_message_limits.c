/*
 * The header Message-Limits: what is written, that it can be read again, what a reader overlooks
 * and what it does not.
 */
#include "message_limits.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TEXT "ttl-min=1000, ttl-max=86400000, ttl-default=60000, text-max=4096"

static const struct message_limits limits = {
    .ttl_min_ms = 1000, .ttl_max_ms = 86400000, .ttl_default_ms = 60000, .text_max = 4096};

static void assert_same(const struct message_limits *left, const struct message_limits *right)
{
    ck_assert_uint_eq(left->ttl_min_ms, right->ttl_min_ms);
    ck_assert_uint_eq(left->ttl_max_ms, right->ttl_max_ms);
    ck_assert_uint_eq(left->ttl_default_ms, right->ttl_default_ms);
    ck_assert_uint_eq(left->text_max, right->text_max);
}

/* ---- writing ---- */

START_TEST(test_message_limits__format)
{
    char text[MESSAGE_LIMITS_SIZE];
    message_limits_format(&limits, text, sizeof text);
    ck_assert_str_eq(text, TEXT);
}
END_TEST

START_TEST(test_message_limits__what_is_written_can_be_read)
{
    char text[MESSAGE_LIMITS_SIZE];
    struct message_limits read = {0};
    message_limits_format(&limits, text, sizeof text);
    ck_assert(message_limits_parse(text, &read));
    assert_same(&read, &limits);
}
END_TEST

START_TEST(test_message_limits__the_largest_figures_fit)
{
    char text[MESSAGE_LIMITS_SIZE];
    struct message_limits read = {0};
    const struct message_limits most = {MESSAGE_LIMITS_FIGURE_MAX, MESSAGE_LIMITS_FIGURE_MAX,
                                        MESSAGE_LIMITS_FIGURE_MAX, MESSAGE_LIMITS_FIGURE_MAX};
    message_limits_format(&most, text, sizeof text);
    ck_assert(message_limits_parse(text, &read));
    assert_same(&read, &most);
}
END_TEST

START_TEST(test_message_limits__figures_over_the_maximum_are_told_as_it)
{
    char text[MESSAGE_LIMITS_SIZE];
    struct message_limits read = {0};
    const struct message_limits over = {1, UINT64_MAX, MESSAGE_LIMITS_FIGURE_MAX + 1, SIZE_MAX};
    const struct message_limits told = {1, MESSAGE_LIMITS_FIGURE_MAX, MESSAGE_LIMITS_FIGURE_MAX,
                                        MESSAGE_LIMITS_FIGURE_MAX};
    message_limits_format(&over, text, sizeof text);
    ck_assert(message_limits_parse(text, &read));
    assert_same(&read, &told);
}
END_TEST

START_TEST(test_message_limits__a_size_that_is_exact_is_enough)
{
    char text[sizeof TEXT];
    message_limits_format(&limits, text, sizeof text);
    ck_assert_str_eq(text, TEXT);
}
END_TEST

START_TEST(test_message_limits__too_small_a_size_gives_an_empty_text)
{
    char text[sizeof TEXT - 1] = "before";
    message_limits_format(&limits, text, sizeof text);
    ck_assert_str_eq(text, "");
    message_limits_format(&limits, text, 1);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(test_message_limits__no_size_writes_nothing)
{
    char text[] = "before";
    message_limits_format(&limits, text, 0);
    ck_assert_str_eq(text, "before");
}
END_TEST

/* ---- reading ---- */

/* All say the same. */
static const char *const valid[] = {
    TEXT,
    "text-max=4096, ttl-default=60000, ttl-max=86400000, ttl-min=1000",
    "ttl-min=1000,ttl-max=86400000,ttl-default=60000,text-max=4096",
    " \tttl-min=1000\t ,\t ttl-max=86400000 , ttl-default=60000 ,text-max=4096 \t",
    "ttl-min=000000000001000, ttl-max=86400000, ttl-default=60000, text-max=4096",
    "rooms=10, " TEXT ", new",
    TEXT ", ttl=1, ttl-min2=1, xttl-min=1, TTL-MIN=1",
    TEXT ", a=\"x, ttl-min=5\", b=(1 \"),\" 2), c=?1, d=:AA==:, e=-1.5, f=token",
    TEXT ", a=\"x\\\", ttl-min=5\"",
    TEXT ";unit=ms;x=\"a, text-max=1\"",
    "ttl-min=1000 ;unit=ms, ttl-max=86400000;a, ttl-default=60000; b=2, text-max=4096",
    "ttl-min=5, " TEXT,
    TEXT ",",
    ", , " TEXT,
    TEXT ", a=\"never closed, ttl-min=5",
    TEXT ", a=\"never closed \\",
};

START_TEST(test_message_limits__reads)
{
    struct message_limits read = {0};
    ck_assert_msg(message_limits_parse(valid[_i], &read), "%s", valid[_i]);
    assert_same(&read, &limits);
}
END_TEST

static const char *const invalid[] = {
    "",
    " ",
    ",",
    "nonsense",
    "\xFF\xFE",
    "ttl-max=86400000, ttl-default=60000, text-max=4096",
    "ttl-min=1000, ttl-default=60000, text-max=4096",
    "ttl-min=1000, ttl-max=86400000, text-max=4096",
    "ttl-min=1000, ttl-max=86400000, ttl-default=60000",
    TEXT ", ttl-min",
    TEXT ", ttl-min=",
    TEXT ", ttl-min =1000",
    TEXT ", ttl-min= 1000",
    TEXT ", ttl-min;a=1000",
    TEXT ", ttl-min=?1",
    TEXT ", ttl-min=\"1000\"",
    TEXT ", ttl-min=-1",
    TEXT ", ttl-min=+1",
    TEXT ", ttl-min=1.0",
    TEXT ", ttl-min=1e3",
    TEXT ", ttl-min=0x10",
    TEXT ", ttl-min=1000ms",
    TEXT ", ttl-min=1000 ms",
    TEXT ", ttl-min=(1000)",
    "ttl-min=1000; ttl-max=86400000; ttl-default=60000; text-max=4096",
    /* nothing may be nothing */
    TEXT ", ttl-min=0",
    TEXT ", ttl-max=0",
    TEXT ", ttl-default=0",
    TEXT ", text-max=0",
    /* 16 digits, and a number of no type */
    TEXT ", text-max=1000000000000000",
    TEXT ", text-max=99999999999999999999999999",
    /* contradictions */
    TEXT ", ttl-default=999",
    TEXT ", ttl-default=86400001",
    TEXT ", ttl-max=999",
};

START_TEST(test_message_limits__refuses_and_leaves_what_there_was)
{
    struct message_limits read = {1, 2, 3, 4};
    const struct message_limits before = read;
    ck_assert_msg(!message_limits_parse(invalid[_i], &read), "%s", invalid[_i]);
    assert_same(&read, &before);
}
END_TEST

START_TEST(test_message_limits__reads_the_smallest_figures)
{
    struct message_limits read = {0};
    const struct message_limits least = {1, 1, 1, 1};
    ck_assert(message_limits_parse("ttl-min=1, ttl-max=1, ttl-default=1, text-max=1", &read));
    assert_same(&read, &least);
}
END_TEST

/* Each beginning of a valid text is read as far as it goes, and never beyond: the copies end where
 * their memory does. */
START_TEST(test_message_limits__reads_no_further_than_the_text)
{
    for (size_t len = 0; len < sizeof TEXT - 1; len++) {
        struct message_limits read = {0};
        char *text = strndup(TEXT, len);
        ck_assert_ptr_nonnull(text);
        /* The last figure is one that may be cut short. */
        bool complete = len > sizeof TEXT - 1 - strlen("4096");
        ck_assert_msg(message_limits_parse(text, &read) == complete, "%s", text);
        free(text);
    }
}
END_TEST

/* ---- the suite ---- */

#define COUNT_OF(array) (int)(sizeof(array) / sizeof(array)[0])

static Suite *message_limits_suite(void)
{
    Suite *suite = suite_create("message_limits");
    TCase *writing = tcase_create("writing");
    TCase *reading = tcase_create("reading");
    tcase_add_test(writing, test_message_limits__format);
    tcase_add_test(writing, test_message_limits__what_is_written_can_be_read);
    tcase_add_test(writing, test_message_limits__the_largest_figures_fit);
    tcase_add_test(writing, test_message_limits__figures_over_the_maximum_are_told_as_it);
    tcase_add_test(writing, test_message_limits__a_size_that_is_exact_is_enough);
    tcase_add_test(writing, test_message_limits__too_small_a_size_gives_an_empty_text);
    tcase_add_test(writing, test_message_limits__no_size_writes_nothing);
    tcase_add_loop_test(reading, test_message_limits__reads, 0, COUNT_OF(valid));
    tcase_add_loop_test(reading, test_message_limits__refuses_and_leaves_what_there_was, 0,
                        COUNT_OF(invalid));
    tcase_add_test(reading, test_message_limits__reads_the_smallest_figures);
    tcase_add_test(reading, test_message_limits__reads_no_further_than_the_text);
    suite_add_tcase(suite, writing);
    suite_add_tcase(suite, reading);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(message_limits_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
