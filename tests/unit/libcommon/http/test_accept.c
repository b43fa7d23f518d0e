/*
 * When plain text wins: each header with the answer it must get.
 */
#include "accept.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const char *const plain[] = {
    "text/plain",
    "TEXT/Plain",
    "text/*",
    " \ttext/plain\t ",
    "text/plain;q=0.001",
    "text/plain;q=1.000",
    "text/plain;Q=0.5",
    "text/plain ; q=0.5",
    "text/plain;charset=utf-8",
    "text/plain; charset=\"UTF-8\"; q=0.3",
    "text/plain;",
    ",, text/plain ,,",
    "text/plain, */*;q=0.5",
    "text/plain;q=0.8, application/json;q=0.799, application/problem+json;q=0.7",
    "text/html, text/plain;q=0.9, */*;q=0.1",
    "*/*, application/*;q=0.5",
    "*/*, application/json;q=0, application/problem+json;q=0",
    "text/plain;q=0.1, application/*;q=0, */*",
    "text/*;q=0.2, text/plain;q=0.9, */*;q=0.5",
    "text/plain;q=0.2, text/plain;charset=utf-8;q=0.9, */*;q=0.5",
    "text/plain;q=0.2, text/plain;q=0.9, */*;q=0.5",
    "text/html;level=\"a,b\\\"c;q=0\", text/plain",
    "application/json;version=2, text/plain;q=0.1",
};

static const char *const not_plain[] = {
    "",
    " , ,",
    "*/*",
    "application/json",
    "application/problem+json",
    "text/html",
    "text/plainer",
    "text/plain;q=0",
    "text/plain;q=0.000",
    "text/plain, */*",
    "text/plain, application/json",
    "text/plain;q=0.5, application/json;q=0.5",
    "text/plain;q=0.5, application/json;q=0.501",
    "text/plain;q=0.5, application/json;q=0.1, application/problem+json;q=0.6",
    "text/plain;q=0.5, application/*;q=0.6",
    "text/*, text/plain;q=0.1, */*;q=0.5",
    "text/plain;format=flowed",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
};

static const char *const malformed[] = {
    "text",
    "text/",
    "/plain",
    "text/plain/x",
    "text / plain",
    "text/plain text/plain",
    "*/plain",
    "text/plain;q",
    "text/plain;q=",
    "text/plain;q=2",
    "text/plain;q=1.001",
    "text/plain;q=0.1234",
    "text/plain;q=.5",
    "text/plain;q=-1",
    "text/plain;q=0,5",
    "text/plain;q=0x1",
    "text/plain;q=nan",
    "text/plain;charset=\"utf-8",
    "text/plain;charset=\"utf-8\\",
    "text/plain;charset=\"utf-8\"x",
    "text/plain;=x",
    "text/plain, (comment)",
    "text/plain, \x80\xff/x",
    "text/plain\n",
};

START_TEST(test_accept__plain_text_wins)
{
    ck_assert_msg(accept_prefers_plain_text(plain[_i]), "%s", plain[_i]);
}
END_TEST

START_TEST(test_accept__plain_text_does_not_win)
{
    ck_assert_msg(!accept_prefers_plain_text(not_plain[_i]), "%s", not_plain[_i]);
}
END_TEST

START_TEST(test_accept__malformed_is_false)
{
    ck_assert_msg(!accept_prefers_plain_text(malformed[_i]), "%s", malformed[_i]);
}
END_TEST

START_TEST(test_accept__null_is_false)
{
    ck_assert(!accept_prefers_plain_text(NULL));
}
END_TEST

/* text/plain with empty list members behind it, `len` bytes in all. */
static bool prefers_with_length(size_t len)
{
    char *header = malloc(len + 1);
    ck_assert_ptr_nonnull(header);
    memset(header, ',', len);
    memcpy(header, "text/plain", strlen("text/plain"));
    header[len] = '\0';
    bool prefers = accept_prefers_plain_text(header);
    free(header);
    return prefers;
}

START_TEST(test_accept__length_at_below_and_above_the_maximum)
{
    ck_assert(prefers_with_length(ACCEPT_MAX - 1));
    ck_assert(prefers_with_length(ACCEPT_MAX));
    ck_assert(!prefers_with_length(ACCEPT_MAX + 1));
}
END_TEST

static const char *const streams[] = {
    "text/event-stream",
    "TEXT/Event-Stream",
    "text/event-stream;q=0.001",
    "*/*, text/event-stream",
    "application/json, text/event-stream;q=0.5, */*;q=0",
    "text/event-stream;charset=utf-8",
};

static const char *const no_streams[] = {
    "",
    "*/*",
    "text/*",
    "text/plain",
    "text/event-stream;q=0",
    "text/event-stream;version=2",
    "text/event-stream2",
    "text/event-stream, nonsense",
};

START_TEST(test_accept__an_event_stream_is_named)
{
    ck_assert_msg(accept_names_event_stream(streams[_i]), "%s", streams[_i]);
}
END_TEST

START_TEST(test_accept__an_event_stream_is_not_named)
{
    ck_assert_msg(!accept_names_event_stream(no_streams[_i]), "%s", no_streams[_i]);
    ck_assert(!accept_names_event_stream(NULL));
}
END_TEST

static Suite *accept_suite(void)
{
    Suite *suite = suite_create("accept");
    TCase *headers = tcase_create("headers");
    tcase_add_loop_test(headers, test_accept__plain_text_wins, 0, COUNT(plain));
    tcase_add_loop_test(headers, test_accept__plain_text_does_not_win, 0, COUNT(not_plain));
    tcase_add_loop_test(headers, test_accept__malformed_is_false, 0, COUNT(malformed));
    tcase_add_loop_test(headers, test_accept__an_event_stream_is_named, 0, COUNT(streams));
    tcase_add_loop_test(headers, test_accept__an_event_stream_is_not_named, 0, COUNT(no_streams));
    tcase_add_test(headers, test_accept__null_is_false);
    tcase_add_test(headers, test_accept__length_at_below_and_above_the_maximum);
    suite_add_tcase(suite, headers);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(accept_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
