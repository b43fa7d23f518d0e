/*
 * Which calls are counted as what, which are timed, and what is there before there was any.
 */
#include "call_metrics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"save", "list"};

static const struct call_metrics_family family = {
    .calls_name = "calls_total",
    .calls_help = "Calls.",
    .duration_name = "call_seconds",
    .duration_help = "How long.",
    .kinds = kinds,
    .kind_count = 2,
};

static struct call_metrics calls[2];
static struct buffer text;

static void set_up(void)
{
    memset(calls, 0, sizeof calls);
    buffer_init(&text, METRICS_TEXT_MAX);
}

static void tear_down(void)
{
    buffer_fini(&text);
}

static void write_text(void)
{
    struct metrics_writer writer = {.text = &text};
    struct call_metrics_reading metrics[2];
    for (size_t i = 0; i < 2; i++)
        call_metrics_read(&calls[i], &metrics[i]);
    call_metrics_write(&family, metrics, &writer);
    ck_assert(!text.failed);
}

static void assert_line(const char *line)
{
    ck_assert_msg(strstr(text.data, line), "%s in\n%s", line, text.data);
}

START_TEST(test_call_metrics__outcomes_that_matter_are_there_from_the_beginning)
{
    write_text();
    static const char expected[] = "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
                                   "calls_total{kind=\"save\",outcome=\"ok\"} 0\n"
                                   "calls_total{kind=\"save\",outcome=\"unavailable\"} 0\n"
                                   "calls_total{kind=\"save\",outcome=\"timeout\"} 0\n"
                                   "calls_total{kind=\"list\",outcome=\"ok\"} 0\n"
                                   "calls_total{kind=\"list\",outcome=\"unavailable\"} 0\n"
                                   "calls_total{kind=\"list\",outcome=\"timeout\"} 0\n"
                                   "# HELP call_seconds How long.\n"
                                   "# TYPE call_seconds histogram\n";
    ck_assert_int_eq(strncmp(text.data, expected, sizeof expected - 1), 0);
    assert_line("call_seconds_count{kind=\"save\"} 0\n");
}
END_TEST

START_TEST(test_call_metrics__counts_by_kind_and_outcome)
{
    call_metrics_add(&calls[0], ERROR_NONE, 1000);
    call_metrics_add(&calls[0], ERROR_NONE, 500);
    call_metrics_add(&calls[0], ERROR_ROOM_FULL, 100);
    call_metrics_add(&calls[1], ERROR_TIMEOUT, 2000000);
    write_text();
    assert_line("calls_total{kind=\"save\",outcome=\"ok\"} 2\n");
    assert_line("calls_total{kind=\"save\",outcome=\"room-full\"} 1\n");
    assert_line("calls_total{kind=\"list\",outcome=\"ok\"} 0\n");
    assert_line("calls_total{kind=\"list\",outcome=\"timeout\"} 1\n");
    assert_line("call_seconds_sum{kind=\"save\"} 0.0016\n");
    assert_line("call_seconds_count{kind=\"save\"} 3\n");
    assert_line("call_seconds_sum{kind=\"list\"} 2\n");
}
END_TEST

START_TEST(test_call_metrics__what_was_not_reached_is_counted_and_not_timed)
{
    call_metrics_add(&calls[0], ERROR_UNAVAILABLE, 1000);
    write_text();
    assert_line("calls_total{kind=\"save\",outcome=\"unavailable\"} 1\n");
    assert_line("call_seconds_count{kind=\"save\"} 0\n");
}
END_TEST

START_TEST(test_call_metrics__every_error_has_a_word)
{
    for (enum error_code code = ERROR_NONE; code < ERROR_COUNT; code++)
        call_metrics_add(&calls[0], code, 0);
    write_text();
    size_t count = 0;
    for (const char *at = text.data; (at = strstr(at, "calls_total{kind=\"save\",outcome=\""));
         at++)
        count++;
    ck_assert_uint_eq(count, ERROR_COUNT);
    ck_assert_ptr_null(strstr(text.data, "urn:"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("call_metrics");
    TCase *tests = tcase_create("call_metrics");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_call_metrics__outcomes_that_matter_are_there_from_the_beginning);
    tcase_add_test(tests, test_call_metrics__counts_by_kind_and_outcome);
    tcase_add_test(tests, test_call_metrics__what_was_not_reached_is_counted_and_not_timed);
    tcase_add_test(tests, test_call_metrics__every_error_has_a_word);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
