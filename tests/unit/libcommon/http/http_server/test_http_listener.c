/*
 * The listening socket of a process that is out of descriptors.
 */
#include "http_listener.h"

#include "cleanup.h"
#include "fixture.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KEPT = 16, REFUSED = 10, WATCHED_MS = 300, CPU_MAX_MS = 100 };

static void assert_answers(int fd)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, 1 << 16);
    fixture_get(fd, "/text");
    ck_assert(fixture_read_until(fd, &text, "\r\n\r\ntext"));
}

static void assert_refused(int fd)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    uint64_t before = http_listener_refused();
    buffer_init(&text, 1 << 16);
    fixture_connect_socket(fd);
    fixture_read_all(fd, &text);
    ck_assert_uint_eq(text.len, 0);
    ck_assert_uint_eq(http_listener_refused(), before + 1);
}

static long cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* With and without connections: libmicrohttpd does not treat both alike. */
START_TEST(test_http_listener__connection_without_a_descriptor_is_refused)
{
    int kept[KEPT];
    int count = _i ? KEPT : 0;
    for (int i = 0; i < count; i++) {
        kept[i] = fixture_connect();
        assert_answers(kept[i]);
    }
    int refused[REFUSED];
    for (int i = 0; i < REFUSED; i++)
        refused[i] = fixture_socket();
    fixture_leave_files(0);
    for (int i = 0; i < REFUSED; i++)
        assert_refused(refused[i]);
    for (int i = 0; i < count; i++)
        assert_answers(kept[i]);
    struct http_server_metrics metrics;
    http_server_metrics(fixture.server, &metrics);
    ck_assert_uint_eq(metrics.refused, REFUSED);
    fixture_give_files_back();
    for (int i = 0; i < REFUSED; i++)
        close(refused[i]);
    for (int i = 0; i < KEPT; i++) {
        int fd = fixture_connect();
        assert_answers(fd);
        close(fd);
    }
    while (count)
        close(kept[--count]);
}
END_TEST

START_TEST(test_http_listener__being_out_of_descriptors_costs_no_time)
{
    int refused = fixture_socket();
    fixture_leave_files(0);
    assert_refused(refused);
    long before = cpu_ms();
    poll(NULL, 0, WATCHED_MS);
    ck_assert_int_lt(cpu_ms() - before, CPU_MAX_MS);
    fixture_give_files_back();
    close(refused);
}
END_TEST

static Suite *http_listener_suite(void)
{
    Suite *suite = suite_create("http_listener");
    TCase *tcase = tcase_create("http_listener");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_add_loop_test(tcase, test_http_listener__connection_without_a_descriptor_is_refused, 0,
                        2);
    tcase_add_test(tcase, test_http_listener__being_out_of_descriptors_costs_no_time);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_listener_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
