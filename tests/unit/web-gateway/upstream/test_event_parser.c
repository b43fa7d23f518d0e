/*
 * The event parser against the rules of the event stream format: what each test feeds is written
 * out again, one event as `name|id|data;`, an id that is not there as `-`.
 */
#include "event_parser.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 64, OUT_MAX = 1024 * 1024 };

static struct buffer out;
static struct event_parser parser;
static bool take_answer;

static bool take(void *context, const char *name, const char *id, const char *data, size_t len)
{
    (void)context;
    buffer_append_format(&out, "%s|%s|", name, id ? id : "-");
    buffer_append(&out, data, len);
    buffer_append_string(&out, ";");
    return take_answer;
}

static void set_up(void)
{
    take_answer = true;
    buffer_init(&out, OUT_MAX);
    event_parser_init(&parser, DATA_MAX, take, NULL);
}

static void tear_down(void)
{
    event_parser_reset(&parser);
    buffer_fini(&out);
}

static bool feed(const char *text)
{
    return event_parser_feed(&parser, text, strlen(text));
}

static void assert_out(const char *expected)
{
    ck_assert_str_eq(out.data ? out.data : "", expected);
}

/* Feeds a stream cut in two at every place, then byte by byte. */
static void assert_reads(const char *stream, size_t len, const char *expected)
{
    for (size_t cut = 0; cut <= len; cut++) {
        event_parser_reset(&parser);
        buffer_clear(&out);
        ck_assert(event_parser_feed(&parser, stream, cut));
        ck_assert(event_parser_feed(&parser, stream + cut, len - cut));
        assert_out(expected);
    }
    event_parser_reset(&parser);
    buffer_clear(&out);
    for (size_t i = 0; i < len; i++) {
        char byte = stream[i]; /* its address tells the sanitizer of reads beyond the piece */
        ck_assert(event_parser_feed(&parser, &byte, 1));
    }
    assert_out(expected);
}

#define ASSERT_READS(stream, expected) assert_reads(stream, sizeof stream - 1, expected)

START_TEST(test_event_parser__reads_name_id_and_data)
{
    ASSERT_READS("event: deleted\nid: 7\ndata: {}\n\n", "deleted|7|{};");
}
END_TEST

START_TEST(test_event_parser__an_event_without_a_name_is_a_message)
{
    ASSERT_READS("data: a\n\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__nothing_of_an_event_stays_for_the_next)
{
    ASSERT_READS("event: x\nid: 1\ndata: a\n\ndata: b\n\n", "x|1|a;message|-|b;");
}
END_TEST

START_TEST(test_event_parser__lines_end_with_cr)
{
    ASSERT_READS("id: 1\rdata: a\r\rdata: b\r\r", "message|1|a;message|-|b;");
}
END_TEST

START_TEST(test_event_parser__lines_end_with_crlf)
{
    ASSERT_READS("id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", "message|1|a;message|-|b;");
}
END_TEST

START_TEST(test_event_parser__line_ends_may_be_mixed)
{
    ASSERT_READS("data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\n\rdata: e\n\r", "message|-|a\nb\nc;"
                                                                              "message|-|d;"
                                                                              "message|-|e;");
}
END_TEST

START_TEST(test_event_parser__a_cr_ends_the_event_at_once)
{
    ck_assert(feed("data: a\r\r"));
    assert_out("message|-|a;");
    ck_assert(feed("\n\ndata: b\r\r"));
    assert_out("message|-|a;message|-|b;");
}
END_TEST

START_TEST(test_event_parser__a_byte_order_mark_at_the_beginning_is_skipped)
{
    ASSERT_READS("\xEF\xBB\xBF"
                 "data: a\n\n",
                 "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__a_second_byte_order_mark_is_of_the_field)
{
    ASSERT_READS("\xEF\xBB\xBF\xEF\xBB\xBF"
                 "data: a\n\n\xEF\xBB\xBF"
                 "data: b\n\n",
                 "");
}
END_TEST

START_TEST(test_event_parser__a_byte_order_mark_alone_is_an_empty_line)
{
    ASSERT_READS("\xEF\xBB\xBF\ndata: a\n\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__comments_are_passed_over)
{
    ASSERT_READS(": hello\n:\ndata: a\n:data: b\n\n:\n\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__a_comment_needs_no_empty_line)
{
    ASSERT_READS(":\n:\nevent: x\ndata: a\n\n:\ndata: b\n\n", "x|-|a;message|-|b;");
}
END_TEST

START_TEST(test_event_parser__retry_may_be_a_line_of_an_event_or_a_block_of_its_own)
{
    ASSERT_READS("retry: 1000\nevent: x\nid: 1\ndata: a\n\n", "x|1|a;");
    ASSERT_READS("retry: 1000\n\nevent: x\nid: 1\ndata: a\n\n", "x|1|a;");
}
END_TEST

START_TEST(test_event_parser__unknown_fields_and_retry_are_passed_over)
{
    ASSERT_READS("retry: 1000\ndatum: x\nDATA: y\n data: z\nx\ndata: a\n\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__data_lines_are_joined_by_lf)
{
    ASSERT_READS("data: a\ndata: b\ndata\ndata: c\n\n", "message|-|a\nb\n\nc;");
}
END_TEST

START_TEST(test_event_parser__one_space_after_the_colon_is_skipped)
{
    ASSERT_READS("data:  a\nevent:x\nid: \n\n", "x|| a;");
}
END_TEST

START_TEST(test_event_parser__a_value_may_hold_colons)
{
    ASSERT_READS("data: {\"a\": 1}\nid: 1:2\n\n", "message|1:2|{\"a\": 1};");
}
END_TEST

START_TEST(test_event_parser__empty_data_is_data)
{
    ASSERT_READS("event: stopping\ndata\n\nevent: x\ndata:\ndata:\n\n", "stopping|-|;x|-|\n;");
}
END_TEST

START_TEST(test_event_parser__without_data_there_is_no_event)
{
    ASSERT_READS("event: x\nid: 1\n\ndata: a\n\n\n\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__an_event_without_its_empty_line_does_not_happen)
{
    ASSERT_READS("data: a\n\ndata: b\n", "message|-|a;");
}
END_TEST

START_TEST(test_event_parser__the_last_name_and_id_count)
{
    ASSERT_READS("event: x\nid: 1\nid: 2\nevent: y\ndata: a\n\n", "y|2|a;");
}
END_TEST

START_TEST(test_event_parser__an_id_with_a_nul_is_passed_over)
{
    ASSERT_READS("id: 1\nid: 2\0\ndata: a\n\n", "message|1|a;");
}
END_TEST

START_TEST(test_event_parser__a_name_with_a_nul_fails)
{
    ck_assert(!event_parser_feed(&parser, "event: a\0b\n", 11));
}
END_TEST

START_TEST(test_event_parser__data_is_handed_on_as_it_came)
{
    ck_assert(event_parser_feed(&parser, "data: \0\xFF\n\n", 10));
    ck_assert_uint_eq(out.len, strlen("message|-|") + 3);
    ck_assert_mem_eq(out.data, "message|-|\0\xFF;", out.len);
}
END_TEST

START_TEST(test_event_parser__false_from_the_taker_fails_for_good)
{
    take_answer = false;
    ck_assert(!feed("data: a\n\ndata: b\n\n"));
    take_answer = true;
    ck_assert(!feed("data: c\n\n"));
    ck_assert(!feed(""));
    assert_out("message|-|a;");
}
END_TEST

START_TEST(test_event_parser__reset_begins_a_new_stream)
{
    ck_assert(feed("id: 1\nevent: x\ndata: a\r"));
    event_parser_reset(&parser);
    ck_assert(feed("\n\xEF\xBB\xBF"));
    event_parser_reset(&parser);
    ck_assert(feed("\xEF\xBB\xBF"
                   "data: b\n\n"));
    assert_out("message|-|b;");
}
END_TEST

/* ---- limits ---- */

/* Feeds `head`, `count` times `byte` and `tail`, whole (`piece` 0) or in pieces. */
static bool feed_long(const char *head, char byte, size_t count, const char *tail, size_t piece)
{
    struct buffer stream;
    buffer_init(&stream, OUT_MAX);
    buffer_append_string(&stream, head);
    for (size_t i = 0; i < count; i++)
        buffer_append(&stream, &byte, 1);
    buffer_append_string(&stream, tail);
    event_parser_reset(&parser);
    bool good = true;
    if (!piece)
        piece = stream.len;
    for (size_t at = 0; good && at < stream.len; at += piece)
        good = event_parser_feed(&parser, stream.data + at,
                                 stream.len - at < piece ? stream.len - at : piece);
    buffer_fini(&stream);
    return good;
}

static const size_t pieces[] = {0, 1, 7};

START_TEST(test_event_parser__data_up_to_its_maximum)
{
    size_t piece = pieces[_i];
    ck_assert(feed_long("data: ", 'a', DATA_MAX - 1, "\n\n", piece));
    ck_assert(feed_long("\xEF\xBB\xBF"
                        "data: ",
                        'a', DATA_MAX, "\n\n", piece));
    ck_assert_uint_eq(out.len, 2 * strlen("message|-|;") + 2 * DATA_MAX - 1);
    ck_assert(!feed_long("data: ", 'a', DATA_MAX + 1, "\n\n", piece));
    ck_assert_uint_eq(out.len, 2 * strlen("message|-|;") + 2 * DATA_MAX - 1);
}
END_TEST

START_TEST(test_event_parser__the_lf_between_data_lines_counts)
{
    size_t piece = pieces[_i];
    ck_assert(feed_long("data: b\ndata: ", 'a', DATA_MAX - 3, "\n\n", piece));
    ck_assert(feed_long("data: b\ndata: ", 'a', DATA_MAX - 2, "\n\n", piece));
    ck_assert(!feed_long("data: b\ndata: ", 'a', DATA_MAX - 1, "\n\n", piece));
}
END_TEST

START_TEST(test_event_parser__name_up_to_its_maximum)
{
    size_t piece = pieces[_i];
    ck_assert(feed_long("event: ", 'a', EVENT_PARSER_NAME_MAX - 1, "\n", piece));
    ck_assert(feed_long("event: ", 'a', EVENT_PARSER_NAME_MAX, "\n", piece));
    ck_assert(!feed_long("event: ", 'a', EVENT_PARSER_NAME_MAX + 1, "\n", piece));
}
END_TEST

START_TEST(test_event_parser__id_up_to_its_maximum)
{
    size_t piece = pieces[_i];
    ck_assert(feed_long("id: ", 'a', EVENT_PARSER_ID_MAX - 1, "\n", piece));
    ck_assert(feed_long("id: ", 'a', EVENT_PARSER_ID_MAX, "\n", piece));
    ck_assert(!feed_long("id: ", 'a', EVENT_PARSER_ID_MAX + 1, "\n", piece));
}
END_TEST

START_TEST(test_event_parser__line_up_to_its_maximum)
{
    size_t piece = pieces[_i];
    ck_assert(feed_long(":", 'a', EVENT_PARSER_LINE_MAX - 2, "\n", piece));
    ck_assert(feed_long(":", 'a', EVENT_PARSER_LINE_MAX - 1, "\n", piece));
    ck_assert(!feed_long(":", 'a', EVENT_PARSER_LINE_MAX, "\n", piece));
}
END_TEST

START_TEST(test_event_parser__a_line_without_an_end_fails)
{
    ck_assert(feed_long("datum:", 'a', EVENT_PARSER_LINE_MAX - 6, "", 100));
    ck_assert(!feed_long("datum:", 'a', EVENT_PARSER_LINE_MAX - 5, "", 100));
}
END_TEST

START_TEST(test_event_parser__a_large_event_in_pieces)
{
    enum { LARGE = 300 * 1000 };
    event_parser_init(&parser, LARGE, take, NULL);
    ck_assert(feed_long("id: 5\ndata: ", 'a', LARGE, "\n\ndata: b\n\n", 1000));
    ck_assert_uint_eq(out.len, strlen("message|5|;message|-|b;") + LARGE);
    ck_assert(!memcmp(out.data, "message|5|aaa", 13));
    ck_assert_str_eq(out.data + out.len - 13, ";message|-|b;");
}
END_TEST

START_TEST(test_event_parser__the_memory_of_a_large_event_is_given_back)
{
    enum { LARGE = 300 * 1000 };
    event_parser_init(&parser, LARGE, take, NULL);
    ck_assert(feed_long("data: ", 'a', LARGE, "\n\n", 1000));
    ck_assert_uint_lt(parser.line.capacity + parser.data.capacity, LARGE);
}
END_TEST

static void add_limits(TCase *tests)
{
    int count = (int)(sizeof pieces / sizeof pieces[0]);
    tcase_add_loop_test(tests, test_event_parser__data_up_to_its_maximum, 0, count);
    tcase_add_loop_test(tests, test_event_parser__the_lf_between_data_lines_counts, 0, count);
    tcase_add_loop_test(tests, test_event_parser__name_up_to_its_maximum, 0, count);
    tcase_add_loop_test(tests, test_event_parser__id_up_to_its_maximum, 0, count);
    tcase_add_loop_test(tests, test_event_parser__line_up_to_its_maximum, 0, count);
    tcase_add_test(tests, test_event_parser__a_line_without_an_end_fails);
    tcase_add_test(tests, test_event_parser__a_large_event_in_pieces);
    tcase_add_test(tests, test_event_parser__the_memory_of_a_large_event_is_given_back);
}

static void add_format(TCase *tests)
{
    tcase_add_test(tests, test_event_parser__reads_name_id_and_data);
    tcase_add_test(tests, test_event_parser__an_event_without_a_name_is_a_message);
    tcase_add_test(tests, test_event_parser__nothing_of_an_event_stays_for_the_next);
    tcase_add_test(tests, test_event_parser__lines_end_with_cr);
    tcase_add_test(tests, test_event_parser__lines_end_with_crlf);
    tcase_add_test(tests, test_event_parser__line_ends_may_be_mixed);
    tcase_add_test(tests, test_event_parser__a_cr_ends_the_event_at_once);
    tcase_add_test(tests, test_event_parser__a_byte_order_mark_at_the_beginning_is_skipped);
    tcase_add_test(tests, test_event_parser__a_second_byte_order_mark_is_of_the_field);
    tcase_add_test(tests, test_event_parser__a_byte_order_mark_alone_is_an_empty_line);
    tcase_add_test(tests, test_event_parser__comments_are_passed_over);
    tcase_add_test(tests, test_event_parser__a_comment_needs_no_empty_line);
    tcase_add_test(tests, test_event_parser__retry_may_be_a_line_of_an_event_or_a_block_of_its_own);
    tcase_add_test(tests, test_event_parser__unknown_fields_and_retry_are_passed_over);
    tcase_add_test(tests, test_event_parser__data_lines_are_joined_by_lf);
    tcase_add_test(tests, test_event_parser__one_space_after_the_colon_is_skipped);
    tcase_add_test(tests, test_event_parser__a_value_may_hold_colons);
    tcase_add_test(tests, test_event_parser__empty_data_is_data);
    tcase_add_test(tests, test_event_parser__without_data_there_is_no_event);
    tcase_add_test(tests, test_event_parser__an_event_without_its_empty_line_does_not_happen);
    tcase_add_test(tests, test_event_parser__the_last_name_and_id_count);
    tcase_add_test(tests, test_event_parser__an_id_with_a_nul_is_passed_over);
    tcase_add_test(tests, test_event_parser__a_name_with_a_nul_fails);
    tcase_add_test(tests, test_event_parser__data_is_handed_on_as_it_came);
    tcase_add_test(tests, test_event_parser__false_from_the_taker_fails_for_good);
    tcase_add_test(tests, test_event_parser__reset_begins_a_new_stream);
}

static Suite *event_parser_suite(void)
{
    Suite *suite = suite_create("event_parser");
    TCase *format = tcase_create("format");
    TCase *limits = tcase_create("limits");
    tcase_add_checked_fixture(format, set_up, tear_down);
    tcase_add_checked_fixture(limits, set_up, tear_down);
    add_format(format);
    add_limits(limits);
    suite_add_tcase(suite, format);
    suite_add_tcase(suite, limits);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(event_parser_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
