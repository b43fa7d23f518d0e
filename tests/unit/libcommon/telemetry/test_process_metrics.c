/*
 * What the kernel says of this very process, against what the test knows of it; and lines that are
 * awkward or broken.
 */
#include "process_metrics.h"

#include "clock.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES = 10, MANY_US = 600 * 1000000 };

/* Fields 4 to 24 hold their own number. */
#define FIELDS "4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26\n"

static struct process_metrics read_metrics(void)
{
    struct process_metrics metrics;
    ck_assert(process_metrics_read(&metrics));
    return metrics;
}

START_TEST(test_process_metrics__fields_are_those_of_proc)
{
    static const char *const lines[] = {
        "1 (web-gateway) S " FIELDS,   "1 () S " FIELDS,     "1 (a b) c) R " FIELDS,
        "1 (((4 5)) 6 7 8) S " FIELDS, "1 (a\nb) S " FIELDS,
    };
    uint64_t pages, threads, start;
    ck_assert(process_metrics_parse(lines[_i], &pages, &threads, &start));
    ck_assert_uint_eq(pages, 24);
    ck_assert_uint_eq(threads, 20);
    ck_assert_uint_eq(start, 22);
}
END_TEST

START_TEST(test_process_metrics__broken_lines_are_refused)
{
    static const char *const lines[] = {
        "",
        "1",
        "1 (a",
        "1 (a)",
        "1 (a) S",
        "1 (a) S 4 5 6 7 8 9 10",
        "1 (a) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23",
        "1 (a) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 x 21 22 23 24",
    };
    uint64_t pages, threads, start;
    ck_assert(!process_metrics_parse(lines[_i], &pages, &threads, &start));
}
END_TEST

START_TEST(test_process_metrics__start_is_a_while_ago_and_stays)
{
    uint64_t now_us = clock_wall_us(&clock_system);
    struct process_metrics metrics = read_metrics();
    ck_assert_uint_le(metrics.started_us, now_us + 1000000);
    ck_assert_uint_ge(metrics.started_us, now_us - MANY_US);
    ck_assert_uint_eq(read_metrics().started_us, metrics.started_us);
}
END_TEST

START_TEST(test_process_metrics__open_files_are_counted)
{
    int files[FILES];
    uint64_t before = read_metrics().open_files;
    ck_assert_uint_ge(before, 1);
    for (int i = 0; i < FILES; i++)
        ck_assert_int_ge(files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    ck_assert_uint_eq(read_metrics().open_files, before + FILES);
    for (int i = 0; i < FILES; i++)
        close(files[i]);
    ck_assert_uint_eq(read_metrics().open_files, before);
}
END_TEST

START_TEST(test_process_metrics__open_files_may_be_as_many_as_the_limit)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(read_metrics().open_files_max, limit.rlim_cur);
}
END_TEST

static void *wait_for(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

START_TEST(test_process_metrics__threads_are_counted)
{
    enum { MORE = 3 };
    pthread_t first, more[MORE];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, MORE + 2);
    /* With a first thread a sanitizer may start one of its own. */
    ck_assert_int_eq(pthread_create(&first, NULL, wait_for, &barrier), 0);
    uint64_t before = read_metrics().threads;
    for (int i = 0; i < MORE; i++)
        ck_assert_int_eq(pthread_create(&more[i], NULL, wait_for, &barrier), 0);
    uint64_t after = read_metrics().threads;
    pthread_barrier_wait(&barrier);
    pthread_join(first, NULL);
    for (int i = 0; i < MORE; i++)
        pthread_join(more[i], NULL);
    pthread_barrier_destroy(&barrier);
    ck_assert_uint_eq(after, before + MORE);
}
END_TEST

START_TEST(test_process_metrics__processor_time_and_memory_are_read)
{
    struct process_metrics metrics = read_metrics();
    uint64_t cpu_us = metrics.cpu_us;
    ck_assert_uint_ge(metrics.resident_bytes, 100 * 1024);
    ck_assert_uint_lt(cpu_us, MANY_US);
    while (read_metrics().cpu_us == cpu_us)
        continue;
}
END_TEST

START_TEST(test_process_metrics__families_have_the_usual_names)
{
    static const char *const names[] = {
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
        "process_max_fds",           "process_start_time_seconds",    "process_threads",
    };
    struct buffer text;
    buffer_init(&text, METRICS_TEXT_MAX);
    struct metrics_writer writer = {.text = &text};
    process_metrics_write(&writer);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char sample[64] = "\n";
        memcpy(sample + 1, names[i], strlen(names[i]));
        ck_assert_msg(strstr(text.data, sample), "%s in\n%s", names[i], text.data);
    }
    buffer_fini(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process_metrics");
    TCase *tests = tcase_create("process_metrics");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_process_metrics__fields_are_those_of_proc, 0, 5);
    tcase_add_loop_test(tests, test_process_metrics__broken_lines_are_refused, 0, 8);
    tcase_add_test(tests, test_process_metrics__start_is_a_while_ago_and_stays);
    tcase_add_test(tests, test_process_metrics__open_files_are_counted);
    tcase_add_test(tests, test_process_metrics__open_files_may_be_as_many_as_the_limit);
    tcase_add_test(tests, test_process_metrics__threads_are_counted);
    tcase_add_test(tests, test_process_metrics__processor_time_and_memory_are_read);
    tcase_add_test(tests, test_process_metrics__families_have_the_usual_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
