#include "host_lookup.h"

#include "clock.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LONG_US = 10 * 1000 * 1000, THREADS = 16 };

static enum error_code look_up(const char *host, int stop_fd, struct host_lookup **ret_lookup,
                               struct error *err)
{
    uint64_t deadline_us = clock_now_us() + LONG_US;
    return host_lookup(host, 6379, deadline_us, stop_fd, ret_lookup, err);
}

START_TEST(test_host_lookup__address_is_itself)
{
    struct host_lookup *lookup = NULL;
    ck_assert_int_eq(look_up("127.0.0.1", -1, &lookup, NULL), ERROR_NONE);
    struct sockaddr_in address;
    ck_assert_int_eq(host_lookup_addresses(lookup)->ai_family, AF_INET);
    memcpy(&address, host_lookup_addresses(lookup)->ai_addr, sizeof address);
    ck_assert_uint_eq(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
    ck_assert_uint_eq(ntohs(address.sin_port), 6379);
    host_lookup_release(lookup);
    ck_assert_int_eq(look_up("::1", -1, &lookup, NULL), ERROR_NONE);
    ck_assert_int_eq(host_lookup_addresses(lookup)->ai_family, AF_INET6);
    host_lookup_release(lookup);
}
END_TEST

START_TEST(test_host_lookup__localhost_is_known)
{
    struct host_lookup *lookup = NULL;
    ck_assert_int_eq(look_up("localhost", -1, &lookup, NULL), ERROR_NONE);
    ck_assert_ptr_nonnull(host_lookup_addresses(lookup));
    host_lookup_release(lookup);
}
END_TEST

START_TEST(test_host_lookup__what_is_no_name_is_unavailable)
{
    struct host_lookup *lookup = NULL;
    struct error err = {0};
    ck_assert_int_eq(look_up("a..b", -1, &lookup, &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(lookup);
    ck_assert_ptr_nonnull(strstr(err.cause, "a..b"));
}
END_TEST

START_TEST(test_host_lookup__stop_ends_the_waiting)
{
    struct host_lookup *lookup = NULL;
    int stop_fd = eventfd(1, EFD_CLOEXEC);
    ck_assert_int_eq(look_up("localhost", stop_fd, &lookup, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(lookup);
    close(stop_fd);
}
END_TEST

static void *look_up_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 50; i++) {
        struct host_lookup *lookup = NULL;
        ck_assert_int_eq(look_up("localhost", -1, &lookup, NULL), ERROR_NONE);
        ck_assert_ptr_nonnull(host_lookup_addresses(lookup));
        host_lookup_release(lookup);
    }
    return NULL;
}

START_TEST(test_host_lookup__many_threads_ask_for_one_name)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look_up_often, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

static Suite *host_lookup_suite(void)
{
    Suite *suite = suite_create("host_lookup");
    TCase *tests = tcase_create("host_lookup");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_host_lookup__address_is_itself);
    tcase_add_test(tests, test_host_lookup__localhost_is_known);
    tcase_add_test(tests, test_host_lookup__what_is_no_name_is_unavailable);
    tcase_add_test(tests, test_host_lookup__stop_ends_the_waiting);
    tcase_add_test(tests, test_host_lookup__many_threads_ask_for_one_name);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(host_lookup_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
