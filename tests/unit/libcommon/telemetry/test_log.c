/*
 * Lines of the log: both forms, hostile texts, the caps; and, through a file in stderr's place,
 * what is written at which level.
 */
#include "log.h"
#include "log_line.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <yder.h>

/* 2026-11-22T06:00:00.123Z */
#define MOMENT_MS UINT64_C(1795327200123)

#define FIELDS(...)                                                                                \
    (const struct log_field[])                                                                     \
    {                                                                                              \
        __VA_ARGS__, (struct log_field)                                                            \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define NO_FIELDS                                                                                  \
    (const struct log_field[])                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static char rendered[LOG_LINE_MAX + 1];

static const char *render(enum log_format format, const char *message,
                          const struct log_field *fields)
{
    struct log_line line = {MOMENT_MS, LOG_LEVEL_INFO, "web-gateway", message, fields};
    size_t len = log_line_render(format, &line, rendered);
    ck_assert_uint_le(len, LOG_LINE_MAX);
    rendered[len] = '\0';
    ck_assert_ptr_eq(strchr(rendered, '\n'), rendered + len - 1);
    return rendered;
}

static const char *text_of(const char *value)
{
    return strstr(render(LOG_FORMAT_TEXT, "m", FIELDS(LOG_TEXT("k", value))), "k=") + 2;
}

static void assert_json_value(const char *value, const char *expected)
{
    json_t *json = json_loads(render(LOG_FORMAT_JSON, "m", FIELDS(LOG_TEXT("k", value))), 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "k")), expected);
    json_decref(json);
}

/* The log goes to a file in memory in place of stderr; returns what was written since. */
static int captured = -1;

static void capture(void)
{
    captured = memfd_create("log", 0);
    ck_assert_int_ge(captured, 0);
    ck_assert_int_eq(dup2(captured, STDERR_FILENO), STDERR_FILENO);
}

static const char *captured_text(void)
{
    static char text[65536];
    ssize_t len = pread(captured, text, sizeof text - 1, 0);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    return text;
}

START_TEST(test_log__text_line_has_time_level_message_and_fields)
{
    ck_assert_str_eq(render(LOG_FORMAT_TEXT, "Request done",
                            FIELDS(LOG_TEXT("path", "/a"), LOG_NUMBER("status", 200),
                                   LOG_DURATION("duration_ms", 1234U), LOG_TEXT("who", "a b"))),
                     "2026-11-22T06:00:00.123Z info    Request done path=/a status=200 "
                     "duration_ms=1.234 who=\"a b\"\n");
}
END_TEST

START_TEST(test_log__json_line_has_time_level_service_message_and_fields)
{
    ck_assert_str_eq(render(LOG_FORMAT_JSON, "Request done",
                            FIELDS(LOG_TEXT("path", "/a"), LOG_NUMBER("status", 200),
                                   LOG_DURATION("duration_ms", 60U))),
                     "{\"time\":\"2026-11-22T06:00:00.123Z\",\"level\":\"info\","
                     "\"service\":\"web-gateway\",\"message\":\"Request done\",\"path\":\"/a\","
                     "\"status\":200,\"duration_ms\":0.060}\n");
}
END_TEST

START_TEST(test_log__line_without_fields)
{
    ck_assert_str_eq(render(LOG_FORMAT_TEXT, "m", NO_FIELDS),
                     "2026-11-22T06:00:00.123Z info    m\n");
}
END_TEST

START_TEST(test_log__field_without_text_is_left_out)
{
    ck_assert_str_eq(render(LOG_FORMAT_TEXT, "m", FIELDS(LOG_TEXT("a", NULL), LOG_TEXT("b", "x"))),
                     "2026-11-22T06:00:00.123Z info    m b=x\n");
}
END_TEST

START_TEST(test_log__largest_number_is_whole)
{
    ck_assert_ptr_nonnull(strstr(render(LOG_FORMAT_JSON, "m", FIELDS(LOG_NUMBER("n", UINT64_MAX))),
                                 "\"n\":18446744073709551615}"));
}
END_TEST

START_TEST(test_log__text_values_that_look_like_syntax_are_quoted)
{
    ck_assert_str_eq(text_of(""), "\"\"\n");
    ck_assert_str_eq(text_of("a=b"), "\"a=b\"\n");
    ck_assert_str_eq(text_of("\""), "\"\\\"\"\n");
    ck_assert_str_eq(text_of("\\"), "\"\\\\\"\n");
}
END_TEST

START_TEST(test_log__controls_are_escaped)
{
    ck_assert_str_eq(text_of("a\nb\r\t\x1b[2J\x7f"), "\"a\\nb\\r\\t\\u001b[2J\\u007f\"\n");
    assert_json_value("a\nb\r\t\x1b[2J\x7f", "a\nb\r\t\x1b[2J\x7f");
}
END_TEST

START_TEST(test_log__a_message_cannot_forge_a_line)
{
    ck_assert_str_eq(render(LOG_FORMAT_TEXT, "a\n2026 error forged", NO_FIELDS),
                     "2026-11-22T06:00:00.123Z info    a\\n2026 error forged\n");
    render(LOG_FORMAT_JSON, "a\"}\n{\"level\":\"error", NO_FIELDS);
    json_t *json = json_loads(rendered, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "message")),
                     "a\"}\n{\"level\":\"error");
    json_decref(json);
}
END_TEST

START_TEST(test_log__separators_and_directions_are_escaped)
{
    ck_assert_str_eq(text_of("\xc2\x85\u2028\u202e\u2066\ufeff"),
                     "\"\\u0085\\u2028\\u202e\\u2066\\ufeff\"\n");
}
END_TEST

START_TEST(test_log__other_characters_go_through)
{
    ck_assert_str_eq(text_of("grüße 今日は 😀"), "\"grüße 今日は 😀\"\n");
    assert_json_value("grüße 今日は 😀", "grüße 今日は 😀");
}
END_TEST

START_TEST(test_log__bytes_that_are_not_utf8_are_escaped)
{
    ck_assert_str_eq(text_of("a\xff"), "\"a\\xff\"\n");
    ck_assert_str_eq(text_of("\xc3"), "\"\\xc3\"\n");                   /* cut short */
    ck_assert_str_eq(text_of("\xc0\xaf"), "\"\\xc0\\xaf\"\n");          /* longer than it need be */
    ck_assert_str_eq(text_of("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"\n"); /* a surrogate */
    ck_assert_str_eq(text_of("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\"\n");
    assert_json_value("a\xff", "a\xef\xbf\xbd");
}
END_TEST

START_TEST(test_log__value_at_and_above_its_maximum)
{
    static char value[LOG_VALUE_MAX + 2];
    memset(value, 'x', LOG_VALUE_MAX);
    ck_assert_uint_eq(strlen(text_of(value)), LOG_VALUE_MAX + 1);
    value[LOG_VALUE_MAX] = 'x';
    const char *shown = text_of(value);
    ck_assert_uint_eq(strlen(shown), LOG_VALUE_MAX + sizeof "\"\"\n" - 1);
    ck_assert_ptr_nonnull(strstr(shown, "x…\"\n"));
}
END_TEST

START_TEST(test_log__quoted_value_at_its_maximum_is_whole)
{
    static char value[LOG_VALUE_MAX + 1];
    memset(value, ' ', LOG_VALUE_MAX);
    ck_assert_ptr_null(strstr(text_of(value), "…"));
}
END_TEST

START_TEST(test_log__full_line_is_cut_between_fields)
{
    static char value[LOG_VALUE_MAX + 1];
    memset(value, '\n', LOG_VALUE_MAX);
    const struct log_field *fields =
        FIELDS(LOG_TEXT("a", value), LOG_TEXT("b", value), LOG_TEXT("c", value),
               LOG_TEXT("d", value), LOG_TEXT("e", value));
    json_t *json = json_loads(render(LOG_FORMAT_JSON, "m", fields), 0, NULL);
    ck_assert_ptr_nonnull(json_object_get(json, "c"));
    ck_assert_ptr_null(json_object_get(json, "d"));
    ck_assert(json_is_true(json_object_get(json, "truncated")));
    json_decref(json);
    render(LOG_FORMAT_TEXT, "m", fields);
    ck_assert_ptr_nonnull(strstr(rendered, " truncated=true\n"));
}
END_TEST

START_TEST(test_log__writes_nothing_before_it_is_open)
{
    capture();
    ck_assert(!log_enabled(LOG_LEVEL_ERROR));
    log_write(LOG_LEVEL_ERROR, "m");
    ck_assert_str_eq(captured_text(), "");
}
END_TEST

START_TEST(test_log__writes_its_level_and_what_is_worse)
{
    capture();
    log_open("subject", LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
    ck_assert(log_enabled(LOG_LEVEL_ERROR));
    ck_assert(log_enabled(LOG_LEVEL_WARNING));
    ck_assert(!log_enabled(LOG_LEVEL_INFO));
    log_write(LOG_LEVEL_ERROR, "one", LOG_NUMBER("n", 1));
    log_write(LOG_LEVEL_WARNING, "two");
    log_write(LOG_LEVEL_INFO, "three");
    ck_assert_ptr_nonnull(strstr(captured_text(), "Z error   one n=1\n"));
    ck_assert_ptr_nonnull(strstr(captured_text(), "Z warning two\n"));
    ck_assert_ptr_null(strstr(captured_text(), "three"));
    log_close();
}
END_TEST

static unsigned evaluations;

static uint64_t evaluate(void)
{
    return ++evaluations;
}

START_TEST(test_log__fields_of_a_level_that_is_off_are_not_evaluated)
{
    capture();
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_write(LOG_LEVEL_DEBUG, "m", LOG_NUMBER("n", evaluate()));
    ck_assert_uint_eq(evaluations, 0);
    log_close();
}
END_TEST

START_TEST(test_log__automatic_form_off_a_terminal_is_json)
{
    capture();
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    log_write(LOG_LEVEL_INFO, "m");
    json_t *json = json_loads(captured_text(), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "service")), "subject");
    json_decref(json);
    log_close();
}
END_TEST

START_TEST(test_log__percent_signs_are_no_formats)
{
    capture();
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_write(LOG_LEVEL_INFO, "%s%n", LOG_TEXT("k", "%s%n"));
    ck_assert_ptr_nonnull(strstr(captured_text(), " %s%n k=%s%n\n"));
    log_close();
}
END_TEST

START_TEST(test_log__messages_of_libraries_come_out_in_our_form)
{
    capture();
    log_open("subject", LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
    y_log_message(Y_LOG_LEVEL_ERROR, "Ulfius - %s", "bad\nthing");
    y_log_message(Y_LOG_LEVEL_WARNING, "Ulfius - so so");
    y_log_message(Y_LOG_LEVEL_INFO, "Ulfius - fine");
    ck_assert_ptr_nonnull(strstr(captured_text(), "Z error   Ulfius - bad\\nthing\n"));
    ck_assert_ptr_nonnull(strstr(captured_text(), "Z warning Ulfius - so so\n"));
    ck_assert_ptr_null(strstr(captured_text(), "fine"));
    log_close();
}
END_TEST

START_TEST(test_log__is_silent_when_closed_and_may_be_opened_again)
{
    capture();
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_close();
    log_write(LOG_LEVEL_ERROR, "ours");
    y_log_message(Y_LOG_LEVEL_ERROR, "theirs");
    ck_assert_str_eq(captured_text(), "");
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    y_log_message(Y_LOG_LEVEL_ERROR, "again");
    ck_assert_ptr_nonnull(strstr(captured_text(), " again\n"));
    log_close();
}
END_TEST

START_TEST(test_log__errno_is_kept)
{
    captured = -1;
    close(STDERR_FILENO);
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    errno = ENOENT;
    log_write(LOG_LEVEL_INFO, "m");
    ck_assert_int_eq(errno, ENOENT);
    log_close();
}
END_TEST

enum { THREADS = 4, LINES_EACH = 50 };

static void *write_lines(void *context)
{
    (void)context;
    for (unsigned i = 0; i < LINES_EACH; i++)
        log_write(LOG_LEVEL_INFO, "line", LOG_NUMBER("i", i));
    return NULL;
}

START_TEST(test_log__lines_of_threads_do_not_mix)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_close();
    close(ends[1]);
    close(STDERR_FILENO);
    FILE *lines = fdopen(ends[0], "r");
    char line[128];
    unsigned count = 0;
    for (; fgets(line, sizeof line, lines); count++)
        ck_assert_ptr_eq(strstr(line, " info    line i="), line + 24);
    ck_assert_uint_eq(count, THREADS * LINES_EACH);
    fclose(lines);
}
END_TEST

/* A full pipe in stderr's place, the end that is read in *ret_reader; returns how much is in it. */
static size_t fill_a_pipe(int *ret_reader)
{
    int ends[2];
    static const char filling[LOG_LINE_MAX];
    size_t filled = 0;
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    for (ssize_t len; (len = write(ends[1], filling, sizeof filling)) > 0;)
        filled += (size_t)len;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0); /* from here on a write would block */
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    *ret_reader = ends[0];
    return filled;
}

START_TEST(test_log__full_pipe_drops_lines_and_goes_on_when_it_is_read)
{
    int reader;
    char bytes[LOG_LINE_MAX];
    size_t filled = fill_a_pipe(&reader);
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_write(LOG_LEVEL_INFO, "dropped");
    log_write(LOG_LEVEL_INFO, "dropped too");
    ck_assert_uint_eq(log_dropped(), 2);
    for (size_t taken = 0; taken < filled;)
        taken += (size_t)read(reader, bytes, sizeof bytes);
    log_write(LOG_LEVEL_INFO, "written");
    ck_assert_uint_eq(log_dropped(), 2);
    ssize_t len = read(reader, bytes, sizeof bytes - 1);
    ck_assert_int_gt(len, 0);
    bytes[len] = '\0';
    ck_assert_str_eq(bytes + 24, " info    written\n");
    log_close();
    close(reader);
}
END_TEST

START_TEST(test_log__pipe_without_a_reader_drops_lines)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    signal(SIGPIPE, SIG_IGN); /* as the services do */
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_write(LOG_LEVEL_INFO, "dropped");
    ck_assert_uint_eq(log_dropped(), 1);
    log_close();
}
END_TEST

START_TEST(test_log__closed_stderr_drops_lines)
{
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    close(STDERR_FILENO);
    log_write(LOG_LEVEL_INFO, "dropped");
    ck_assert_uint_eq(log_dropped(), 1);
    log_close();
}
END_TEST

/* A file or socket that is opened later would get the log otherwise. */
START_TEST(test_log__stderr_that_was_closed_is_held_from_the_start)
{
    close(STDERR_FILENO);
    log_open("subject", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    int next = memfd_create("next", 0);
    ck_assert_int_gt(next, STDERR_FILENO);
    log_write(LOG_LEVEL_INFO, "to nobody");
    ck_assert_uint_eq(log_dropped(), 0);
    close(next);
    log_close();
}
END_TEST

static Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_log__text_line_has_time_level_message_and_fields);
    tcase_add_test(all, test_log__json_line_has_time_level_service_message_and_fields);
    tcase_add_test(all, test_log__line_without_fields);
    tcase_add_test(all, test_log__field_without_text_is_left_out);
    tcase_add_test(all, test_log__largest_number_is_whole);
    tcase_add_test(all, test_log__text_values_that_look_like_syntax_are_quoted);
    tcase_add_test(all, test_log__controls_are_escaped);
    tcase_add_test(all, test_log__a_message_cannot_forge_a_line);
    tcase_add_test(all, test_log__separators_and_directions_are_escaped);
    tcase_add_test(all, test_log__other_characters_go_through);
    tcase_add_test(all, test_log__bytes_that_are_not_utf8_are_escaped);
    tcase_add_test(all, test_log__value_at_and_above_its_maximum);
    tcase_add_test(all, test_log__quoted_value_at_its_maximum_is_whole);
    tcase_add_test(all, test_log__full_line_is_cut_between_fields);
    tcase_add_test(all, test_log__writes_nothing_before_it_is_open);
    tcase_add_test(all, test_log__writes_its_level_and_what_is_worse);
    tcase_add_test(all, test_log__fields_of_a_level_that_is_off_are_not_evaluated);
    tcase_add_test(all, test_log__automatic_form_off_a_terminal_is_json);
    tcase_add_test(all, test_log__percent_signs_are_no_formats);
    tcase_add_test(all, test_log__messages_of_libraries_come_out_in_our_form);
    tcase_add_test(all, test_log__is_silent_when_closed_and_may_be_opened_again);
    tcase_add_test(all, test_log__errno_is_kept);
    tcase_add_test(all, test_log__lines_of_threads_do_not_mix);
    tcase_add_test(all, test_log__full_pipe_drops_lines_and_goes_on_when_it_is_read);
    tcase_add_test(all, test_log__pipe_without_a_reader_drops_lines);
    tcase_add_test(all, test_log__closed_stderr_drops_lines);
    tcase_add_test(all, test_log__stderr_that_was_closed_is_held_from_the_start);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(log_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
