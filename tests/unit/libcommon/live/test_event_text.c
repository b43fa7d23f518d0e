/*
 * Each event's text, to the letter.
 */
#include "event_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_ID "bf87d4b3fefc49f39b7dd50e6d693ae8"

static const uint64_t now_us = 5000000;

static struct event_id some_id(void)
{
    return (struct event_id){.number = 1795327200123456, .tag = 42};
}

#define SOME_ID "17953272001234560000000042"

static const char *retry_line(uint64_t random, struct buffer *text)
{
    buffer_clear(text);
    event_text_append_retry(text, random);
    return text->data;
}

START_TEST(test_event_text__retry_is_1000_to_3000)
{
    struct buffer text;
    buffer_init(&text, 100);
    ck_assert_str_eq(retry_line(0, &text), "retry: 1000\n");
    ck_assert_str_eq(retry_line(2000, &text), "retry: 3000\n");
    ck_assert_str_eq(retry_line(2001, &text), "retry: 1000\n");
    long ms = strtol(retry_line(UINT64_MAX, &text) + 7, NULL, 10);
    ck_assert_int_ge(ms, 1000);
    ck_assert_int_le(ms, 3000);
    buffer_fini(&text);
}
END_TEST

START_TEST(test_event_text__snapshot)
{
    struct buffer text;
    buffer_init(&text, 1000);
    event_text_append_snapshot_head(&text, some_id());
    buffer_append_string(&text, "[1,2]" EVENT_TEXT_END);
    ck_assert_str_eq(text.data, "id: " SOME_ID "\nevent: snapshot\ndata: [1,2]\n\n");
    buffer_fini(&text);
}
END_TEST

static struct message *make(const char *text)
{
    struct message *message = message_new(&(struct message_fields){
        .number = 7,
        .deadline_us = now_us + 1500,
        .created_at_ms = 1795327200123,
        .expires_at_ms = 1795327260123,
        .id = MESSAGE_ID,
        .room = "lobby",
        .text = text,
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

START_TEST(test_event_text__message)
{
    struct buffer text;
    struct message *message = make("hello");
    buffer_init(&text, 10000);
    event_text_append_message(&text, some_id(), message, now_us);
    ck_assert_str_eq(text.data, "id: " SOME_ID "\nevent: message\n"
                                "data: {\"id\":\"" MESSAGE_ID "\",\"room\":\"lobby\","
                                "\"message\":\"hello\","
                                "\"created_at\":\"2026-11-22T06:00:00.123Z\","
                                "\"expires_at\":\"2026-11-22T06:01:00.123Z\","
                                "\"expires_in\":2}\n\n");
    message_release(message);
    buffer_fini(&text);
}
END_TEST

START_TEST(test_event_text__message_of_many_lines_is_one_line_of_data)
{
    struct buffer text;
    struct message *message = make("a\nb\r\nc\rd\n\ndata: x\n\nevent: deleted");
    buffer_init(&text, 10000);
    event_text_append_message(&text, some_id(), message, now_us);
    ck_assert_ptr_null(strchr(text.data, '\r'));
    const char *data = strstr(text.data, "\ndata: ");
    ck_assert_ptr_nonnull(data);
    ck_assert_ptr_eq(strchr(data + 1, '\n'), text.data + text.len - 2);
    message_release(message);
    buffer_fini(&text);
}
END_TEST

START_TEST(test_event_text__several_make_one_text)
{
    struct buffer text;
    buffer_init(&text, 10000);
    event_text_append_resumed(&text, 0);
    event_text_append_resumed(&text, 12);
    event_text_append_expired(&text, MESSAGE_ID);
    event_text_append_deleted(&text, MESSAGE_ID);
    ck_assert_str_eq(text.data, "event: resumed\ndata: {\"missed\":0}\n\n"
                                "event: resumed\ndata: {\"missed\":12}\n\n"
                                "event: expired\ndata: {\"id\":\"" MESSAGE_ID "\"}\n\n"
                                "event: deleted\ndata: {\"id\":\"" MESSAGE_ID "\"}\n\n");
    buffer_fini(&text);
}
END_TEST

START_TEST(test_event_text__full_says_when_to_try_again)
{
    struct buffer text;
    buffer_init(&text, 1024);
    event_text_append_full(&text, 10);
    ck_assert_str_eq(text.data, "retry: 10000\nevent: full\ndata: {\"retry_after\":10}\n\n");
    buffer_fini(&text);
}
END_TEST

static Suite *event_text_suite(void)
{
    Suite *suite = suite_create("event_text");
    TCase *tests = tcase_create("event_text");
    tcase_add_test(tests, test_event_text__retry_is_1000_to_3000);
    tcase_add_test(tests, test_event_text__full_says_when_to_try_again);
    tcase_add_test(tests, test_event_text__snapshot);
    tcase_add_test(tests, test_event_text__message);
    tcase_add_test(tests, test_event_text__message_of_many_lines_is_one_line_of_data);
    tcase_add_test(tests, test_event_text__several_make_one_text);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(event_text_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
