/*
 * Under which labels an answer counts, that there are no more of them than there may be, and that
 * the text stays within its limit with every one in use.
 */
#include "http_metrics.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTES = 3, ROUTES_MANY = 24, THREADS = 8, ROUNDS = 5000 };

static const struct http_route routes[ROUTES] = {
    {.path = "/messages"},
    {.path = "/messages/:id"},
    {.path = "/events"},
};

static struct http_metrics *metrics;
static struct buffer text;

static void set_up(void)
{
    metrics = http_metrics_new(routes, ROUTES);
    ck_assert_ptr_nonnull(metrics);
    buffer_init(&text, METRICS_TEXT_MAX);
}

static void tear_down(void)
{
    http_metrics_free(metrics);
    buffer_fini(&text);
}

static void add(const struct http_route *route, const char *method, int status)
{
    struct http_metrics_answer answer = {
        .route = route, .method = http_method_of(method), .status = status, .took_us = 1500};
    http_metrics_add(metrics, &answer);
}

static const char *written(void)
{
    struct metrics_writer writer = {.text = &text};
    buffer_clear(&text);
    http_metrics_write(metrics, &writer);
    ck_assert(!text.failed);
    return text.data;
}

static size_t lines_with(const char *part)
{
    size_t count = 0;
    for (const char *at = written(); (at = strstr(at, part)); at++)
        count++;
    return count;
}

START_TEST(test_http_stats__nothing_is_two_families_without_samples)
{
    ck_assert_uint_eq(lines_with("# TYPE "), 2);
    ck_assert_uint_eq(lines_with("{"), 0);
}
END_TEST

START_TEST(test_http_stats__counts_by_route_method_and_status)
{
    add(&routes[0], "GET", 200);
    add(&routes[0], "GET", 200);
    add(&routes[0], "POST", 201);
    add(&routes[1], "HEAD", 404);
    written();
    static const char *const lines[] = {
        "_total{route=\"/messages\",method=\"GET\",status=\"200\"} 2\n",
        "_total{route=\"/messages\",method=\"POST\",status=\"201\"} 1\n",
        "_total{route=\"/messages/:id\",method=\"HEAD\",status=\"404\"} 1\n",
        "_seconds_count{route=\"/messages\",method=\"GET\"} 2\n",
        "_seconds_sum{route=\"/messages\",method=\"GET\"} 0.003\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(text.data, lines[i]), "%s in\n%s", lines[i], text.data);
    ck_assert_uint_eq(lines_with("_requests_total{"), 3);
}
END_TEST

START_TEST(test_http_stats__what_has_no_route_shares_one_label)
{
    add(NULL, "GET", 404);
    add(NULL, "GET", 404);
    ck_assert_uint_eq(lines_with("_total{route=\"none\",method=\"GET\",status=\"404\"} 2\n"), 1);
}
END_TEST

START_TEST(test_http_stats__foreign_methods_and_statuses_share_one_label)
{
    static const char *const methods[] = {"", "get", "GETX", "BREW", "other", "\"}\n"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        add(&routes[0], methods[i], 405);
    add(&routes[0], "GET", 299);
    add(&routes[0], "GET", 0);
    add(&routes[0], "GET", -1);
    ck_assert_uint_eq(lines_with("_total{route=\"/messages\",method=\"other\",status=\"405\"} 6\n"),
                      1);
    ck_assert_uint_eq(lines_with("_total{route=\"/messages\",method=\"GET\",status=\"other\"} 3\n"),
                      1);
    ck_assert_uint_eq(lines_with("_requests_total{"), 2);
}
END_TEST

START_TEST(test_http_stats__every_error_has_a_status_of_its_own)
{
    for (enum error_code code = ERROR_NONE + 1; code < ERROR_COUNT; code++)
        add(&routes[0], "GET", error_status(code));
    ck_assert_uint_eq(lines_with("status=\"other\""), 0);
}
END_TEST

START_TEST(test_http_stats__stream_is_counted_and_not_timed)
{
    struct http_metrics_answer answer = {
        .route = &routes[2], .method = HTTP_GET, .status = 200, .is_stream = true, .took_us = 5};
    http_metrics_add(metrics, &answer);
    ck_assert_uint_eq(lines_with("_total{route=\"/events\",method=\"GET\",status=\"200\"} 1\n"), 1);
    ck_assert_uint_eq(lines_with("_seconds_count{"), 0);
}
END_TEST

START_TEST(test_http_stats__all_of_it_stays_far_below_the_limit)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "BREW"};
    struct http_route many[ROUTES_MANY];
    for (size_t i = 0; i < ROUTES_MANY; i++)
        many[i] = (struct http_route){.path = "/rooms/:room/messages/:id"};
    struct http_metrics *small = metrics;
    metrics = http_metrics_new(many, ROUTES_MANY);
    for (size_t route = 0; route <= ROUTES_MANY; route++)
        for (size_t method = 0; method < sizeof methods / sizeof methods[0]; method++)
            for (int status = 99; status < 600; status++)
                add(route < ROUTES_MANY ? &many[route] : NULL, methods[method], status);
    written();
    ck_assert_uint_lt(text.len, METRICS_TEXT_MAX / 2);
    http_metrics_free(metrics);
    metrics = small;
}
END_TEST

static void *add_many(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++)
        add(i % 2 ? &routes[0] : NULL, "GET", 200);
    return NULL;
}

START_TEST(test_http_stats__many_threads_lose_nothing)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    written();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(lines_with("_requests_total{"), 2);
    ck_assert_uint_eq(lines_with("\"} 20000\n"), 2 + 2 + 2 * (METRICS_BOUNDS + 1 - 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_metrics");
    TCase *tests = tcase_create("http_metrics");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_http_stats__nothing_is_two_families_without_samples);
    tcase_add_test(tests, test_http_stats__counts_by_route_method_and_status);
    tcase_add_test(tests, test_http_stats__what_has_no_route_shares_one_label);
    tcase_add_test(tests, test_http_stats__foreign_methods_and_statuses_share_one_label);
    tcase_add_test(tests, test_http_stats__every_error_has_a_status_of_its_own);
    tcase_add_test(tests, test_http_stats__stream_is_counted_and_not_timed);
    tcase_add_test(tests, test_http_stats__all_of_it_stays_far_below_the_limit);
    tcase_add_test(tests, test_http_stats__many_threads_lose_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
