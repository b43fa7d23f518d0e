/*
 * How many handles are lent at one time, who waits and how long, and that a handle comes back with
 * its connection but without its options. The server is a thread of the test's own.
 */
#include "curl_pool.h"

#include "clock.h"

#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 3, THREADS = 6, ROUNDS = 200, LONG_WAIT_MS = 10000, SHORT_WAIT_MS = 20 };

static struct curl_pool *pool;

static void set_up(void)
{
    pool = curl_pool_new(SIZE);
    ck_assert_ptr_nonnull(pool);
}

static void tear_down(void)
{
    curl_pool_free(pool);
}

static void borrow_all(CURL *ret_handles[SIZE])
{
    for (int i = 0; i < SIZE; i++) {
        ret_handles[i] = curl_pool_borrow(pool, 0);
        ck_assert_ptr_nonnull(ret_handles[i]);
    }
}

static void return_all(CURL *handles[SIZE])
{
    for (int i = 0; i < SIZE; i++)
        curl_pool_return(pool, handles[i]);
}

START_TEST(test_curl_pool__free_takes_null_and_a_pool_never_used)
{
    curl_pool_free(NULL);
    curl_pool_free(curl_pool_new(1));
}
END_TEST

START_TEST(test_curl_pool__lends_as_many_as_its_size_and_no_more)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    ck_assert_ptr_null(curl_pool_borrow(pool, 0));
    return_all(handles);
}
END_TEST

START_TEST(test_curl_pool__lends_each_handle_to_one_only)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(handles[i], handles[j]);
    return_all(handles);
}
END_TEST

START_TEST(test_curl_pool__last_given_back_is_lent_first)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    return_all(handles);
    for (int i = SIZE - 1; i >= 0; i--)
        ck_assert_ptr_eq(curl_pool_borrow(pool, 0), handles[i]);
    return_all(handles);
}
END_TEST

START_TEST(test_curl_pool__makes_no_second_handle_while_one_is_free)
{
    CURL *handle = curl_pool_borrow(pool, 0);
    for (int i = 0; i < 10; i++) {
        curl_pool_return(pool, handle);
        ck_assert_ptr_eq(curl_pool_borrow(pool, 0), handle);
    }
    curl_pool_return(pool, handle);
}
END_TEST

START_TEST(test_curl_pool__gives_up_after_the_wait_and_not_before)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    uint64_t started_us = clock_monotonic_us(&clock_system);
    ck_assert_ptr_null(curl_pool_borrow(pool, SHORT_WAIT_MS));
    ck_assert_uint_ge(clock_monotonic_us(&clock_system) - started_us, SHORT_WAIT_MS * 1000);
    return_all(handles);
}
END_TEST

START_TEST(test_curl_pool__lends_again_after_a_wait_in_vain)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    ck_assert_ptr_null(curl_pool_borrow(pool, 1));
    curl_pool_return(pool, handles[0]);
    ck_assert_ptr_eq(curl_pool_borrow(pool, 0), handles[0]);
    return_all(handles);
}
END_TEST

START_TEST(test_curl_pool__discard_makes_room_for_others)
{
    CURL *handles[SIZE];
    borrow_all(handles);
    curl_pool_return(pool, handles[0]);
    curl_pool_discard(pool, handles[1]);
    handles[0] = curl_pool_borrow(pool, 0);
    handles[1] = curl_pool_borrow(pool, 0);
    ck_assert_ptr_nonnull(handles[0]);
    ck_assert_ptr_nonnull(handles[1]);
    ck_assert_ptr_null(curl_pool_borrow(pool, 0));
    return_all(handles);
}
END_TEST

static void *borrow_and_return(void *context)
{
    CURL *handle = curl_pool_borrow(pool, LONG_WAIT_MS);
    *(bool *)context = handle != NULL;
    if (handle)
        curl_pool_return(pool, handle);
    return NULL;
}

START_TEST(test_curl_pool__who_waits_gets_what_is_given_back)
{
    CURL *handles[SIZE];
    pthread_t waiting[THREADS];
    bool lent[THREADS] = {false};
    borrow_all(handles);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&waiting[i], NULL, borrow_and_return, &lent[i]), 0);
    curl_pool_return(pool, handles[0]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(waiting[i], NULL);
        ck_assert(lent[i]);
    }
    curl_pool_return(pool, handles[1]);
    curl_pool_return(pool, handles[2]);
}
END_TEST

static atomic_int lent_now;
static atomic_int lent_too_many;

static void *borrow_often(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        CURL *handle = curl_pool_borrow(pool, LONG_WAIT_MS);
        if (!handle || atomic_fetch_add(&lent_now, 1) >= SIZE)
            atomic_fetch_add(&lent_too_many, 1);
        atomic_fetch_sub(&lent_now, 1);
        if (handle)
            curl_pool_return(pool, handle);
    }
    return NULL;
}

START_TEST(test_curl_pool__who_waits_gets_the_place_of_what_is_discarded)
{
    CURL *handles[SIZE];
    pthread_t waiting;
    bool lent = false;
    borrow_all(handles);
    ck_assert_int_eq(pthread_create(&waiting, NULL, borrow_and_return, &lent), 0);
    curl_pool_discard(pool, handles[0]);
    pthread_join(waiting, NULL);
    ck_assert(lent);
    curl_pool_return(pool, handles[1]);
    curl_pool_return(pool, handles[2]);
}
END_TEST

START_TEST(test_curl_pool__threads_share_it)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, borrow_often, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(lent_too_many, 0);
}
END_TEST

START_TEST(test_curl_pool__forgets_the_options)
{
    char mine;
    char *private = NULL;
    CURL *handle = curl_pool_borrow(pool, 0);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, &mine);
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &private);
    ck_assert_ptr_eq(private, &mine);
    curl_pool_return(pool, handle);
    ck_assert_ptr_eq(curl_pool_borrow(pool, 0), handle);
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &private);
    ck_assert_ptr_null(private);
    curl_pool_return(pool, handle);
}
END_TEST

/* Reads to the end of a request's head; false where the client has gone. */
static bool read_head(int connection)
{
    unsigned newlines = 0;
    char byte;
    while (newlines < 2) {
        if (read(connection, &byte, 1) != 1)
            return false;
        if (byte == '\n')
            newlines++;
        else if (byte != '\r')
            newlines = 0;
    }
    return true;
}

/* Answers every request on one connection, and takes no second. */
static void *serve_one_connection(void *context)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    int connection = accept(*(const int *)context, NULL, NULL);
    while (connection >= 0 && read_head(connection))
        if (write(connection, answer, sizeof answer - 1) < 0)
            break;
    close(connection);
    return NULL;
}

static int listen_on_free_port(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return listener;
}

/* Gets the root of the server at `port`; how many connections had to be made for it. */
static long get_root(uint16_t port)
{
    char url[64];
    long connects = -1;
    CURL *handle = curl_pool_borrow(pool, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)LONG_WAIT_MS);
    ck_assert_int_eq(curl_easy_perform(handle), CURLE_OK);
    curl_easy_getinfo(handle, CURLINFO_NUM_CONNECTS, &connects);
    curl_pool_return(pool, handle);
    return connects;
}

/* The server ends when its one connection is closed. */
START_TEST(test_curl_pool__discard_closes_the_connections_that_nobody_uses)
{
    pthread_t server;
    uint16_t port;
    CURL *handles[SIZE];
    int listener = listen_on_free_port(&port);
    ck_assert_int_eq(pthread_create(&server, NULL, serve_one_connection, &listener), 0);
    ck_assert_int_eq(get_root(port), 1);
    borrow_all(handles);
    curl_pool_return(pool, handles[0]);
    curl_pool_discard(pool, handles[1]);
    pthread_join(server, NULL);
    curl_pool_return(pool, handles[2]);
    close(listener);
}
END_TEST

START_TEST(test_curl_pool__keeps_the_connection)
{
    pthread_t server;
    uint16_t port;
    int listener = listen_on_free_port(&port);
    ck_assert_int_eq(pthread_create(&server, NULL, serve_one_connection, &listener), 0);
    ck_assert_int_eq(get_root(port), 1);
    ck_assert_int_eq(get_root(port), 0);
    ck_assert_int_eq(get_root(port), 0);
    curl_pool_free(pool);
    pool = NULL;
    pthread_join(server, NULL);
    close(listener);
}
END_TEST

static Suite *curl_pool_suite(void)
{
    Suite *suite = suite_create("curl_pool");
    TCase *lending = tcase_create("lending");
    tcase_set_timeout(lending, 30);
    tcase_add_checked_fixture(lending, set_up, tear_down);
    tcase_add_test(lending, test_curl_pool__free_takes_null_and_a_pool_never_used);
    tcase_add_test(lending, test_curl_pool__lends_as_many_as_its_size_and_no_more);
    tcase_add_test(lending, test_curl_pool__lends_each_handle_to_one_only);
    tcase_add_test(lending, test_curl_pool__last_given_back_is_lent_first);
    tcase_add_test(lending, test_curl_pool__makes_no_second_handle_while_one_is_free);
    tcase_add_test(lending, test_curl_pool__gives_up_after_the_wait_and_not_before);
    tcase_add_test(lending, test_curl_pool__lends_again_after_a_wait_in_vain);
    tcase_add_test(lending, test_curl_pool__who_waits_gets_what_is_given_back);
    tcase_add_test(lending, test_curl_pool__discard_makes_room_for_others);
    tcase_add_test(lending, test_curl_pool__who_waits_gets_the_place_of_what_is_discarded);
    tcase_add_test(lending, test_curl_pool__discard_closes_the_connections_that_nobody_uses);
    tcase_add_test(lending, test_curl_pool__threads_share_it);
    tcase_add_test(lending, test_curl_pool__forgets_the_options);
    tcase_add_test(lending, test_curl_pool__keeps_the_connection);
    suite_add_tcase(suite, lending);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(curl_pool_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
