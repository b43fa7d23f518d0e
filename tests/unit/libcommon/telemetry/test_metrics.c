/*
 * The text to the letter, what is escaped, which bucket a time falls into, and that nothing is lost
 * where many threads add at once.
 */
#include "metrics.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 10000, TEXT_MAX = 100000 };

static struct buffer text;
static struct metrics_writer writer;

static void set_up(void)
{
    buffer_init(&text, TEXT_MAX);
    writer = (struct metrics_writer){.text = &text};
}

static void tear_down(void)
{
    buffer_fini(&text);
}

static void assert_text(const char *expected)
{
    ck_assert(!text.failed);
    ck_assert_str_eq(text.data, expected);
}

/* ---- the text ---- */

START_TEST(test_metrics__family_and_samples)
{
    metrics_write_family(&writer, "x_total", METRICS_COUNTER, "What x is.");
    metrics_write_number(&writer, NULL, 5);
    metrics_write_number(&writer, METRICS_LABELS({"a", "1"}), 0);
    metrics_write_number(&writer, METRICS_LABELS({"a", "1"}, {"b", "2"}), UINT64_MAX);
    assert_text("# HELP x_total What x is.\n# TYPE x_total counter\n"
                "x_total 5\nx_total{a=\"1\"} 0\nx_total{a=\"1\",b=\"2\"} 18446744073709551615\n");
}
END_TEST

START_TEST(test_metrics__types)
{
    metrics_write_family(&writer, "a", METRICS_COUNTER, "A");
    metrics_write_family(&writer, "b", METRICS_GAUGE, "B");
    metrics_write_family(&writer, "c", METRICS_HISTOGRAM, "C");
    assert_text("# HELP a A\n# TYPE a counter\n# HELP b B\n# TYPE b gauge\n"
                "# HELP c C\n# TYPE c histogram\n");
}
END_TEST

START_TEST(test_metrics__label_values_are_escaped)
{
    static const struct {
        const char *value;
        const char *line;
    } cases[] = {
        {"", "x{a=\"\"} 1\n"},
        {"\"", "x{a=\"\\\"\"} 1\n"},
        {"\\", "x{a=\"\\\\\"} 1\n"},
        {"\n", "x{a=\"\\n\"} 1\n"},
        {"a\\n\"b\"\n\n", "x{a=\"a\\\\n\\\"b\\\"\\n\\n\"} 1\n"},
        {"{},= é", "x{a=\"{},= é\"} 1\n"},
    };
    writer.family = "x";
    metrics_write_number(&writer, METRICS_LABELS({"a", cases[_i].value}), 1);
    assert_text(cases[_i].line);
}
END_TEST

START_TEST(test_metrics__help_is_escaped_but_for_quotes)
{
    metrics_write_family(&writer, "x", METRICS_GAUGE, "a \\ b\nc \"d\"");
    assert_text("# HELP x a \\\\ b\\nc \"d\"\n# TYPE x gauge\n");
}
END_TEST

START_TEST(test_metrics__seconds_are_exact)
{
    static const struct {
        uint64_t us;
        const char *line;
    } cases[] = {
        {0, "x 0\n"},
        {1, "x 0.000001\n"},
        {10, "x 0.00001\n"},
        {999999, "x 0.999999\n"},
        {1000000, "x 1\n"},
        {1500000, "x 1.5\n"},
        {10000000, "x 10\n"},
        {100000000, "x 100\n"},
        {1795366126037534, "x 1795366126.037534\n"},
        {UINT64_MAX, "x 18446744073709.551615\n"},
    };
    writer.family = "x";
    metrics_write_seconds(&writer, NULL, cases[_i].us);
    assert_text(cases[_i].line);
}
END_TEST

START_TEST(test_metrics__too_much_is_a_failure_of_the_buffer)
{
    struct buffer small;
    buffer_init(&small, 10);
    struct metrics_writer to_small = {.text = &small, .family = "x"};
    metrics_write_number(&to_small, METRICS_LABELS({"a", "0123456789"}), 1);
    ck_assert(small.failed);
    buffer_fini(&small);
}
END_TEST

/* ---- histograms ---- */

START_TEST(test_metrics__bounds_grow)
{
    ck_assert_uint_gt(metrics_bounds_us[0], 0);
    for (size_t i = 1; i < METRICS_BOUNDS; i++)
        ck_assert_uint_gt(metrics_bounds_us[i], metrics_bounds_us[i - 1]);
}
END_TEST

static struct metrics_distribution observe(uint64_t took_us)
{
    struct metrics_histogram histogram = {0};
    struct metrics_distribution distribution;
    metrics_observe(&histogram, took_us);
    metrics_observed(&histogram, &distribution);
    ck_assert_uint_eq(distribution.count, 1);
    ck_assert_uint_eq(distribution.sum_us, took_us);
    return distribution;
}

START_TEST(test_metrics__bound_belongs_to_its_bucket)
{
    uint64_t bound_us = metrics_bounds_us[_i];
    ck_assert_uint_eq(observe(bound_us - 1).buckets[_i], 1);
    ck_assert_uint_eq(observe(bound_us).buckets[_i], 1);
    ck_assert_uint_eq(observe(bound_us + 1).buckets[_i + 1], 1);
}
END_TEST

START_TEST(test_metrics__all_times_have_a_bucket)
{
    ck_assert_uint_eq(observe(0).buckets[0], 1);
    ck_assert_uint_eq(observe(UINT64_MAX).buckets[METRICS_BOUNDS], 1);
}
END_TEST

START_TEST(test_metrics__histogram_is_written_cumulative)
{
    static const char *const bounds[] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
                                         "0.01",   "0.025",   "0.05",   "0.1",   "0.25",   "0.5",
                                         "1",      "2.5",     "5",      "10"};
    struct metrics_histogram histogram = {0};
    struct metrics_distribution distribution;
    metrics_observe(&histogram, 1);
    metrics_observe(&histogram, 1000);
    metrics_observe(&histogram, 11000000);
    metrics_observed(&histogram, &distribution);
    writer.family = "x";
    metrics_write_distribution(&writer, METRICS_LABELS({"a", "b"}), &distribution);

    struct buffer expected;
    buffer_init(&expected, TEXT_MAX);
    for (size_t i = 0; i < METRICS_BOUNDS; i++)
        buffer_append_format(&expected, "x_bucket{a=\"b\",le=\"%s\"} %d\n", bounds[i],
                             i < 3 ? 1 : 2);
    buffer_append_string(&expected, "x_bucket{a=\"b\",le=\"+Inf\"} 3\n"
                                    "x_sum{a=\"b\"} 11.001001\nx_count{a=\"b\"} 3\n");
    assert_text(expected.data);
    buffer_fini(&expected);
}
END_TEST

START_TEST(test_metrics__histogram_without_labels)
{
    struct metrics_distribution nothing = {0};
    writer.family = "x";
    metrics_write_distribution(&writer, NULL, &nothing);
    ck_assert_ptr_nonnull(strstr(text.data, "x_bucket{le=\"0.0001\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "x_bucket{le=\"+Inf\"} 0\nx_sum 0\nx_count 0\n"));
}
END_TEST

/* ---- threads ---- */

static struct metrics_counter counter;
static struct metrics_histogram shared;

static void *add_many(void *context)
{
    (void)context;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        metrics_count(&counter);
        metrics_observe(&shared, i % 2 ? 1 : 20000000);
    }
    return NULL;
}

START_TEST(test_metrics__many_threads_lose_nothing)
{
    pthread_t threads[THREADS];
    struct metrics_distribution distribution;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    metrics_observed(&shared, &distribution); /* while they add */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    metrics_observed(&shared, &distribution);
    uint64_t all = (uint64_t)THREADS * ROUNDS;
    ck_assert_uint_eq(metrics_counted(&counter), all);
    ck_assert_uint_eq(distribution.count, all);
    ck_assert_uint_eq(distribution.buckets[0], all / 2);
    ck_assert_uint_eq(distribution.buckets[METRICS_BOUNDS], all / 2);
    ck_assert_uint_eq(distribution.sum_us, all / 2 * 20000001);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_metrics__family_and_samples);
    tcase_add_test(tests, test_metrics__types);
    tcase_add_loop_test(tests, test_metrics__label_values_are_escaped, 0, 6);
    tcase_add_test(tests, test_metrics__help_is_escaped_but_for_quotes);
    tcase_add_loop_test(tests, test_metrics__seconds_are_exact, 0, 10);
    tcase_add_test(tests, test_metrics__too_much_is_a_failure_of_the_buffer);
    tcase_add_test(tests, test_metrics__bounds_grow);
    tcase_add_loop_test(tests, test_metrics__bound_belongs_to_its_bucket, 0, METRICS_BOUNDS);
    tcase_add_test(tests, test_metrics__all_times_have_a_bucket);
    tcase_add_test(tests, test_metrics__histogram_is_written_cumulative);
    tcase_add_test(tests, test_metrics__histogram_without_labels);
    tcase_add_test(tests, test_metrics__many_threads_lose_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
