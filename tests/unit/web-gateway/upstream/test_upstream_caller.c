/*
 * Over which connection the next call goes, depending on how the last one ended. The server is a
 * thread of the test's own: it gives each connection one status for all of its requests.
 */
#include "upstream_caller.h"

#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, SHORT_TIMEOUT_MS = 50, CONNECTIONS = 2, SERVED_MAX = 3 };

static int listener;
static char url[64];
static pthread_t servers[SERVED_MAX];
static int statuses[SERVED_MAX]; /* of the connections, in their order; 0: no answer */
static struct upstream_caller caller;

/* ---- the server ---- */

static void answer(int connection, int status)
{
    char text[128];
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 %d Status\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", status);
    if (status)
        ck_assert_int_eq(send(connection, text, (size_t)len, MSG_NOSIGNAL), len);
}

/* Serves one connection until the caller closes it. A request comes whole: it is small. */
static void *serve(void *status)
{
    char request[1024];
    int connection = accept(listener, NULL, NULL);
    while (connection >= 0 && recv(connection, request, sizeof request, 0) > 0)
        answer(connection, *(const int *)status);
    close(connection);
    return NULL;
}

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, SERVED_MAX), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void tear_down(void)
{
    close(listener);
}

/* The next connection is served with `status`. */
static void serve_next(int index, int status)
{
    statuses[index] = status;
    ck_assert_int_eq(pthread_create(&servers[index], NULL, serve, &statuses[index]), 0);
}

static void begin(uint64_t timeout_ms)
{
    const struct upstream_request_target target = {.url = url};
    ck_assert(upstream_caller_init(&caller, &target, timeout_ms, CONNECTIONS));
}

static void expect_call(enum error_code expected, long status)
{
    const struct upstream_caller_request request = {.path = "/"};
    struct upstream_caller_answer got = {0};
    buffer_init(&got.body, 64);
    ck_assert_int_eq(upstream_caller_call(&caller, &request, &got, NULL), expected);
    ck_assert_int_eq(got.status, status);
    ck_assert_uint_eq(got.retry_after_s, status ? 7 : 0);
    buffer_fini(&got.body);
}

/* ---- the tests ---- */

START_TEST(test_upstream_caller__a_connection_is_kept)
{
    serve_next(0, 200);
    begin(TIMEOUT_MS);
    for (int i = 0; i < 3; i++)
        expect_call(ERROR_NONE, 200);
    upstream_caller_fini(&caller);
    pthread_join(servers[0], NULL);
}
END_TEST

START_TEST(test_upstream_caller__an_error_of_ours_keeps_the_connection)
{
    serve_next(0, 422);
    begin(TIMEOUT_MS);
    expect_call(ERROR_NONE, 422);
    expect_call(ERROR_NONE, 422);
    upstream_caller_fini(&caller);
    pthread_join(servers[0], NULL);
}
END_TEST

static const int sick[] = {502, 503, 504};

/* The server of the first connection ends when the caller closes it, and not before. */
START_TEST(test_upstream_caller__after_a_sick_answer_the_next_call_connects_again)
{
    serve_next(0, sick[_i]);
    begin(TIMEOUT_MS);
    expect_call(ERROR_NONE, sick[_i]);
    pthread_join(servers[0], NULL);
    serve_next(1, 200);
    expect_call(ERROR_NONE, 200);
    expect_call(ERROR_NONE, 200);
    upstream_caller_fini(&caller);
    pthread_join(servers[1], NULL);
}
END_TEST

START_TEST(test_upstream_caller__a_timeout_closes_the_connection)
{
    serve_next(0, 0);
    begin(SHORT_TIMEOUT_MS);
    expect_call(ERROR_TIMEOUT, 0);
    pthread_join(servers[0], NULL);
    ck_assert(!upstream_caller_up(&caller));
    upstream_caller_fini(&caller);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upstream_caller");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 30);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, test_upstream_caller__a_connection_is_kept);
    tcase_add_test(all, test_upstream_caller__an_error_of_ours_keeps_the_connection);
    tcase_add_loop_test(all, test_upstream_caller__after_a_sick_answer_the_next_call_connects_again,
                        0, sizeof sick / sizeof *sick);
    tcase_add_test(all, test_upstream_caller__a_timeout_closes_the_connection);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
