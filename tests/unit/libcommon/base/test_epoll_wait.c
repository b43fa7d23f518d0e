/*
 * The program's own epoll_wait: the C library's, but that it does not wait after a full array.
 */
#include "clock.h"
#include "epoll_wait.h"

#include <check.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FILES = 4, LONG_MS = 30 * 1000, SHORT_MS = 30, US_PER_MS = 1000 };

static int epoll_fd, files[FILES];

static void setup(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ck_assert_int_ge(epoll_fd, 0);
    for (int i = 0; i < FILES; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
        files[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(files[i], 0);
        ck_assert_int_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, files[i], &event), 0);
    }
}

static void teardown(void)
{
    for (int i = 0; i < FILES; i++)
        close(files[i]);
    close(epoll_fd);
}

/* A call that is expected to wait its time and come back with nothing. */
static void assert_waits(void)
{
    struct epoll_event events[FILES];
    uint64_t begin_us = clock_monotonic_us(&clock_system);
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES, SHORT_MS), 0);
    ck_assert_uint_ge(clock_monotonic_us(&clock_system) - begin_us, (SHORT_MS - 1) * US_PER_MS);
}

START_TEST(test_epoll_wait__is_what_libraries_find)
{
    ck_assert(epoll_wait_is_ours());
}
END_TEST

START_TEST(test_epoll_wait__does_not_wait_after_a_full_array)
{
    struct epoll_event events[FILES];
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES, LONG_MS), FILES);
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES, LONG_MS), 0);
    assert_waits();
}
END_TEST

START_TEST(test_epoll_wait__brings_what_a_full_array_left_over)
{
    struct epoll_event events[FILES];
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES - 1, LONG_MS), FILES - 1);
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES - 1, LONG_MS), 1);
    assert_waits();
}
END_TEST

START_TEST(test_epoll_wait__waits_after_an_array_that_is_not_full)
{
    struct epoll_event events[FILES + 1];
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES + 1, LONG_MS), FILES);
    assert_waits();
}
END_TEST

START_TEST(test_epoll_wait__failure_is_not_a_full_array)
{
    struct epoll_event events[FILES];
    ck_assert_int_eq(epoll_wait(epoll_fd, events, FILES, LONG_MS), FILES);
    ck_assert_int_eq(epoll_wait(-1, events, FILES, LONG_MS), -1);
    assert_waits();
}
END_TEST

static Suite *epoll_wait_suite(void)
{
    Suite *suite = suite_create("epoll_wait");
    TCase *tcase = tcase_create("waiting");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_epoll_wait__is_what_libraries_find);
    tcase_add_test(tcase, test_epoll_wait__does_not_wait_after_a_full_array);
    tcase_add_test(tcase, test_epoll_wait__brings_what_a_full_array_left_over);
    tcase_add_test(tcase, test_epoll_wait__waits_after_an_array_that_is_not_full);
    tcase_add_test(tcase, test_epoll_wait__failure_is_not_a_full_array);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(epoll_wait_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
