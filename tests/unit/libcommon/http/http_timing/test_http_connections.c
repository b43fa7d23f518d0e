/*
 * Deadlines of connections: socket pairs whose one end is looked after, and a clock that is set.
 * What must not be shut down is looked at when a control that is due has been, by the same sweep.
 */
#include "http_connections.h"

#include "set_clock.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WAIT_MS = 20000, /* only a failing test waits so long */
    MARGIN_MS = 5000,
    IDLE_MS = HTTP_CONNECTIONS_IDLE_S * 1000,
};

static struct http_connections *connections;
static unsigned disconnected; /* clients */

static void on_disconnected(void *context, void *client)
{
    ck_assert_ptr_eq(context, &connections);
    ck_assert_ptr_eq(client, &disconnected);
    disconnected++;
}

/* A connection and its peer's end. */
struct pair {
    struct http_connection *connection;
    int fds[2];
};

static struct pair open_pair(void)
{
    struct pair pair;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.fds), 0);
    pair.connection = http_connections_add(connections, pair.fds[0]);
    ck_assert_ptr_nonnull(pair.connection);
    return pair;
}

static void close_pair(struct pair *pair)
{
    http_connections_release(pair->connection);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

static bool is_shut_down(const struct pair *pair, int wait_ms)
{
    struct pollfd polled = {.fd = pair->fds[1], .events = POLLRDHUP};
    return poll(&polled, 1, wait_ms) == 1;
}

static void set_up(void)
{
    connections = http_connections_new(on_disconnected, &connections);
    ck_assert_ptr_nonnull(connections);
}

static void tear_down(void)
{
    ck_assert_uint_eq(http_connections_count(connections), 0);
    http_connections_free(connections);
}

START_TEST(test_http_connections__request_that_is_not_whole_in_time_is_shut_down)
{
    struct pair late = open_pair();
    set_clock_ahead(MARGIN_MS);
    struct pair timely = open_pair();
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS - MARGIN_MS);
    ck_assert(is_shut_down(&late, WAIT_MS));
    ck_assert(!is_shut_down(&timely, 0));
    ck_assert_uint_eq(http_connections_overdue(connections), 1);
    close_pair(&late);
    close_pair(&timely);
}
END_TEST

START_TEST(test_http_connections__is_shut_down_once)
{
    struct pair first = open_pair();
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS);
    ck_assert(is_shut_down(&first, WAIT_MS));
    struct pair second = open_pair();
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS);
    ck_assert(is_shut_down(&second, WAIT_MS));
    ck_assert_uint_eq(http_connections_overdue(connections), 2);
    close_pair(&first);
    close_pair(&second);
}
END_TEST

START_TEST(test_http_connections__whole_request_has_all_the_time)
{
    struct pair whole = open_pair();
    struct pair control = open_pair();
    http_connections_whole(whole.connection);
    set_clock_ahead(100 * HTTP_CONNECTIONS_REQUEST_MS);
    ck_assert(is_shut_down(&control, WAIT_MS));
    ck_assert(!is_shut_down(&whole, 0));
    close_pair(&whole);
    close_pair(&control);
}
END_TEST

START_TEST(test_http_connections__kept_one_has_the_idle_time_and_then_a_request_s)
{
    struct pair kept = open_pair();
    struct pair control = open_pair();
    http_connections_whole(kept.connection);
    http_connections_rest(kept.connection);
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS + IDLE_MS - MARGIN_MS);
    ck_assert(is_shut_down(&control, WAIT_MS));
    ck_assert(!is_shut_down(&kept, 0));
    set_clock_ahead(MARGIN_MS);
    ck_assert(is_shut_down(&kept, WAIT_MS));
    close_pair(&kept);
    close_pair(&control);
}
END_TEST

START_TEST(test_http_connections__later_request_has_its_own_time)
{
    struct pair kept = open_pair();
    http_connections_whole(kept.connection);
    http_connections_rest(kept.connection);
    http_connections_begin(kept.connection);
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS);
    ck_assert(is_shut_down(&kept, WAIT_MS));
    close_pair(&kept);
}
END_TEST

START_TEST(test_http_connections__beginning_late_gives_no_more_time)
{
    struct pair slow = open_pair();
    set_clock_ahead(HTTP_CONNECTIONS_REQUEST_MS - MARGIN_MS);
    http_connections_begin(slow.connection);
    set_clock_ahead(MARGIN_MS);
    ck_assert(is_shut_down(&slow, WAIT_MS));
    close_pair(&slow);
}
END_TEST

START_TEST(test_http_connections__is_counted_until_its_last_owner_releases_it)
{
    struct pair pair = open_pair();
    ck_assert_uint_eq(http_connections_count(connections), 1);
    http_connections_take(pair.connection, dup(pair.fds[0]));
    int taken = pair.connection->fd;
    http_connections_release(pair.connection);
    close(pair.fds[0]);
    ck_assert_uint_eq(http_connections_count(connections), 1);
    http_connections_shutdown(connections);
    ck_assert(is_shut_down(&pair, 0));
    pair.fds[0] = taken;
    close_pair(&pair);
    ck_assert_uint_eq(http_connections_count(connections), 0);
}
END_TEST

START_TEST(test_http_connections__client_is_told_of_with_the_last_owner)
{
    struct pair pair = open_pair();
    struct pair of_nobody = open_pair();
    pair.connection->client = &disconnected;
    http_connections_take(pair.connection, pair.fds[0]);
    http_connections_release(pair.connection);
    ck_assert_uint_eq(disconnected, 0);
    close_pair(&pair);
    close_pair(&of_nobody);
    ck_assert_uint_eq(disconnected, 1);
}
END_TEST

START_TEST(test_http_connections__refused_one_is_shut_down)
{
    struct pair refused = open_pair();
    struct pair other = open_pair();
    http_connections_refuse(refused.connection);
    ck_assert(is_shut_down(&refused, 0));
    ck_assert(!is_shut_down(&other, 0));
    ck_assert_uint_eq(http_connections_overdue(connections), 0);
    close_pair(&refused);
    close_pair(&other);
}
END_TEST

START_TEST(test_http_connections__shutdown_reaches_all)
{
    struct pair pairs[3];
    for (int i = 0; i < 3; i++)
        pairs[i] = open_pair();
    http_connections_whole(pairs[1].connection);
    http_connections_shutdown(connections);
    for (int i = 0; i < 3; i++) {
        ck_assert(is_shut_down(&pairs[i], 0));
        close_pair(&pairs[i]);
    }
    ck_assert_uint_eq(http_connections_overdue(connections), 0);
}
END_TEST

START_TEST(test_http_connections__nothing_is_nothing)
{
    http_connections_release(NULL);
    http_connections_free(NULL);
}
END_TEST

static Suite *http_connections_suite(void)
{
    Suite *suite = suite_create("http_connections");
    TCase *tcase = tcase_create("http_connections");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_http_connections__request_that_is_not_whole_in_time_is_shut_down);
    tcase_add_test(tcase, test_http_connections__is_shut_down_once);
    tcase_add_test(tcase, test_http_connections__whole_request_has_all_the_time);
    tcase_add_test(tcase, test_http_connections__kept_one_has_the_idle_time_and_then_a_request_s);
    tcase_add_test(tcase, test_http_connections__later_request_has_its_own_time);
    tcase_add_test(tcase, test_http_connections__beginning_late_gives_no_more_time);
    tcase_add_test(tcase, test_http_connections__is_counted_until_its_last_owner_releases_it);
    tcase_add_test(tcase, test_http_connections__client_is_told_of_with_the_last_owner);
    tcase_add_test(tcase, test_http_connections__refused_one_is_shut_down);
    tcase_add_test(tcase, test_http_connections__shutdown_reaches_all);
    tcase_add_test(tcase, test_http_connections__nothing_is_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_connections_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
