/*
 * The rules of sending, each at its limits, and bodies made to break the reader.
 */
#include "draft.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

enum { TEXT_MAX = 16, HUGE_BODY = 1 << 20 };

static const struct draft_rules rules = {
    .text_max = TEXT_MAX,
    .ttl_min_ms = 1000,
    .ttl_max_ms = 86400000,
    .ttl_default_ms = 60000,
};

static struct draft draft;
static struct error err;

static void set_up(void)
{
    draft = (struct draft){0};
    err = (struct error){0};
}

static void tear_down(void)
{
    draft_fini(&draft);
}

static enum error_code from_bytes(const char *body, size_t len)
{
    return draft_from_json(body, len, &rules, &draft, &err);
}

static enum error_code from_json(const char *body)
{
    return from_bytes(body, strlen(body));
}

static enum error_code from_text(const char *body, size_t len)
{
    return draft_from_text(body, len, &rules, &draft, &err);
}

/* A body with this ttl, as JSON. */
static enum error_code from_ttl(const char *ttl)
{
    char body[512];
    snprintf(body, sizeof body, "{\"message\":\"hi\",\"ttl\":%s}", ttl);
    return from_json(body);
}

static enum error_code from_author(const char *author)
{
    char body[512];
    snprintf(body, sizeof body, "{\"message\":\"hi\",\"author\":%s}", author);
    return from_json(body);
}

static const char *detail(enum error_code code)
{
    return error_detail(code, &err);
}

START_TEST(test_draft__message_alone_gets_the_defaults)
{
    ck_assert_int_eq(from_json("{\"message\":\"hello\"}"), ERROR_NONE);
    ck_assert_str_eq(draft.text, "hello");
    ck_assert_uint_eq(draft.text_len, 5);
    ck_assert_ptr_null(draft.author);
    ck_assert_uint_eq(draft.ttl_ms, 60000);
}
END_TEST

START_TEST(test_draft__all_members_are_read_and_others_ignored)
{
    ck_assert_int_eq(from_json(" {\"x\":[{}],\"author\":\"Ada\",\"ttl\":5,\"message\":\"hi\"} "),
                     ERROR_NONE);
    ck_assert_str_eq(draft.text, "hi");
    ck_assert_str_eq(draft.author, "Ada");
    ck_assert_uint_eq(draft.ttl_ms, 5000);
}
END_TEST

START_TEST(test_draft__text_is_kept_exactly)
{
    ck_assert_int_eq(from_json("{\"message\":\" \\n\\u00e9\\ud83d\\ude00\\t\\r \"}"), ERROR_NONE);
    ck_assert_str_eq(draft.text, " \n\xC3\xA9\xF0\x9F\x98\x80\t\r ");
    ck_assert_uint_eq(draft.text_len, strlen(draft.text));
}
END_TEST

static const char *const not_json[] = {
    "",
    "hello",
    "{",
    "{\"message\":\"hi\"",
    "{\"message\":\"hi\"}x",
    "{\"message\":\"hi\",}",
    "{'message':'hi'}",
    "{\"message\":\"a\nb\"}",
    "{\"message\":\"\\ud800\"}",
    "{\"message\":\"\xff\"}",
    "{\"message\":\"\xC0\x80\"}",
    "{\"message\":\"\xED\xA0\x80\"}",
    "{\"\xff\":1,\"message\":\"hi\"}",
    "{\"message\":\"hi\",\"ttl\":NaN}",
    "{\"message\":\"hi\",\"ttl\":Infinity}",
    "{\"message\":\"hi\",\"ttl\":0x10}",
    "{\"message\":\"hi\",\"ttl\":01}",
    "{\"message\":\"hi\",\"ttl\":+1}",
    "\xEF\xBB\xBF\xEF\xBB\xBF{\"message\":\"hi\"}",
    "\xEF\xBB\xBF",
    "\xEF\xBB{\"message\":\"hi\"}",
    "[]",
    "[{\"message\":\"hi\"}]",
    "\"message\"",
    "42",
    "null",
    "{\"message\":\"a\",\"message\":\"b\"}",
    "{\"message\":\"a\",\"x\":{\"y\":1,\"y\":1}}",
    "{\"message\":\"a\",\"m\\u0000\":1}",
};

START_TEST(test_draft__what_is_no_json_object_is_invalid_json)
{
    enum error_code code = from_json(not_json[_i]);
    ck_assert_msg(code == ERROR_INVALID_JSON, "%s", not_json[_i]);
    ck_assert_str_eq(detail(code), "JSON payload expected");
}
END_TEST

START_TEST(test_draft__bytes_behind_the_object_are_invalid_json)
{
    static const char body[] = "{\"message\":\"hi\"}\0";
    ck_assert_int_eq(from_bytes(body, sizeof body - 1), ERROR_INVALID_JSON);
}
END_TEST

START_TEST(test_draft__nul_behind_a_number_is_invalid_json)
{
    static const char body[] = "{\"message\":\"hi\",\"ttl\":5\0}";
    ck_assert_int_eq(from_bytes(body, sizeof body - 1), ERROR_INVALID_JSON);
}
END_TEST

START_TEST(test_draft__byte_order_mark_may_come_first)
{
    ck_assert_int_eq(from_json("\xEF\xBB\xBF{\"message\":\"hi\"}"), ERROR_NONE);
    ck_assert_str_eq(draft.text, "hi");
}
END_TEST

START_TEST(test_draft__no_body_is_invalid_json)
{
    ck_assert_int_eq(from_bytes(NULL, 0), ERROR_INVALID_JSON);
}
END_TEST

START_TEST(test_draft__cause_says_where_but_not_what)
{
    ck_assert_int_eq(from_json("{\"message\":\"hi\" secret}"), ERROR_INVALID_JSON);
    ck_assert_ptr_null(strstr(err.cause, "secret"));
    ck_assert_str_eq(err.detail, "");
    ck_assert_str_eq(err.cause, "the body: not JSON at byte 16");
}
END_TEST

START_TEST(test_draft__err_may_be_null)
{
    static const char body[] = "{\"message\":\"hi\",\"ttl\":0}";
    ck_assert_int_eq(draft_from_json("{", 1, &rules, &draft, NULL), ERROR_INVALID_JSON);
    ck_assert_int_eq(draft_from_json(body, strlen(body), &rules, &draft, NULL), ERROR_INVALID_TTL);
}
END_TEST

START_TEST(test_draft__failure_leaves_the_draft_as_it_was)
{
    draft.ttl_ms = 7;
    ck_assert_int_eq(from_author("1"), ERROR_INVALID_AUTHOR);
    ck_assert_uint_eq(draft.ttl_ms, 7);
    ck_assert_ptr_null(draft.text);
}
END_TEST

START_TEST(test_draft__deep_nesting_is_invalid_json)
{
    char *body = malloc(HUGE_BODY);
    ck_assert_ptr_nonnull(body);
    memset(body, '[', HUGE_BODY);
    enum error_code code = from_bytes(body, HUGE_BODY);
    free(body);
    ck_assert_int_eq(code, ERROR_INVALID_JSON);
}
END_TEST

START_TEST(test_draft__huge_message_is_too_large)
{
    static const char head[] = "{\"message\":\"";
    char *body = malloc(HUGE_BODY);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', HUGE_BODY);
    memcpy(body, head, strlen(head));
    memcpy(body + HUGE_BODY - 2, "\"}", 2);
    enum error_code code = from_bytes(body, HUGE_BODY);
    free(body);
    ck_assert_int_eq(code, ERROR_TOO_LARGE);
}
END_TEST

START_TEST(test_draft__no_message_member_is_no_message)
{
    enum error_code code = from_json("{\"Message\":\"hi\"}");
    ck_assert_int_eq(code, ERROR_NO_MESSAGE);
    ck_assert_str_eq(detail(code), "No message given");
}
END_TEST

static const char *const invalid_messages[] = {
    "{\"message\":null}",
    "{\"message\":true}",
    "{\"message\":1}",
    "{\"message\":[\"hi\"]}",
    "{\"message\":{}}",
    "{\"message\":\"\"}",
    "{\"message\":\" \\n\\t\"}",
    "{\"message\":\"\\u200b\\ufeff\"}",
    "{\"message\":\"a\\u0000b\"}",
    "{\"message\":\"\\u0000\"}",
};

START_TEST(test_draft__unreadable_message_is_invalid)
{
    enum error_code code = from_json(invalid_messages[_i]);
    ck_assert_msg(code == ERROR_INVALID_MESSAGE, "%s", invalid_messages[_i]);
}
END_TEST

static const struct {
    const char *body;
    enum error_code code;
    const char *detail;
} refused[] = {
    {"{\"message\":\"a\\u0000b\"}", ERROR_INVALID_MESSAGE,
     "The message may not contain U+0000 (character 2)"},
    {"{\"message\":\"\\u00e9\\ud83d\\ude00\\u001b[2J\\u0007\"}", ERROR_INVALID_MESSAGE,
     "The message may not contain U+001B (character 3)"},
    {"{\"message\":\"\\u007f\"}", ERROR_INVALID_MESSAGE,
     "The message may not contain U+007F (character 1)"},
    {"{\"message\":\"a\\u009f\",\"ttl\":0}", ERROR_INVALID_MESSAGE,
     "The message may not contain U+009F (character 2)"},
    {"{\"message\":\"a\",\"author\":\"A\\tb\"}", ERROR_INVALID_AUTHOR,
     "The author may not contain U+0009 (character 2)"},
    {"{\"message\":\"a\",\"author\":\"Ab\\n\"}", ERROR_INVALID_AUTHOR,
     "The author may not contain U+000A (character 3)"},
    {"{\"message\":\"a\",\"author\":\"\\u0000\"}", ERROR_INVALID_AUTHOR,
     "The author may not contain U+0000 (character 1)"},
    {"{\"message\":\"a\",\"author\":\"gnp\\u202e\"}", ERROR_INVALID_AUTHOR,
     "The author may not contain U+202E (character 4)"},
};

START_TEST(test_draft__refused_character_is_named_with_its_place)
{
    enum error_code code = from_json(refused[_i].body);
    ck_assert_int_eq(code, refused[_i].code);
    ck_assert_str_eq(detail(code), refused[_i].detail);
}
END_TEST

START_TEST(test_draft__message_may_turn_direction_and_break_lines)
{
    ck_assert_int_eq(from_json("{\"message\":\"\\u202ea\\t\\r\\n\\u00a0b\"}"), ERROR_NONE);
    ck_assert_str_eq(draft.text, "\xE2\x80\xAE\x61\t\r\n\xC2\xA0\x62");
}
END_TEST

START_TEST(test_draft__message_below_and_at_the_limit_is_taken)
{
    ck_assert_int_eq(from_json("{\"message\":\"0123456789abcde\"}"), ERROR_NONE);
    draft_fini(&draft);
    ck_assert_int_eq(from_json("{\"message\":\"0123456789abcdef\"}"), ERROR_NONE);
    ck_assert_uint_eq(draft.text_len, TEXT_MAX);
}
END_TEST

START_TEST(test_draft__message_above_the_limit_is_too_large)
{
    enum error_code code = from_json("{\"message\":\"0123456789abcdefg\"}");
    ck_assert_int_eq(code, ERROR_TOO_LARGE);
    ck_assert_str_eq(detail(code), "The message must have at most 16 bytes");
}
END_TEST

START_TEST(test_draft__limit_counts_bytes_not_characters)
{
    ck_assert_int_eq(from_json("{\"message\":\"0123456789abcde\\u00e9\"}"), ERROR_TOO_LARGE);
}
END_TEST

struct ttl_case {
    const char *ttl;
    uint64_t ms;
};

static const struct ttl_case ttls[] = {
    {"1", 1000},         {"1.0", 1000},
    {"1e0", 1000},       {"1.001", 1001},
    {"1.5", 1500},       {"1.0004", 1000},
    {"1.0006", 1001},    {"60", 60000},
    {"86399", 86399000}, {"86399.9994", 86399999},
    {"86400", 86400000}, {"8.64e4", 86400000},
};

START_TEST(test_draft__ttl_within_the_limits_is_taken)
{
    ck_assert_msg(from_ttl(ttls[_i].ttl) == ERROR_NONE, "%s", ttls[_i].ttl);
    ck_assert_uint_eq(draft.ttl_ms, ttls[_i].ms);
}
END_TEST

static const char *const invalid_ttls[] = {
    "0",
    "-0.0",
    "-1",
    "0.999",
    "0.9999",
    "86400.0001",
    "86401",
    "1e18",
    "1e308",
    "1e999",
    "-1e999",
    "1e-999",
    "null",
    "true",
    "false",
    "\"60\"",
    "[60]",
    "{}",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
};

START_TEST(test_draft__ttl_outside_the_rule_is_invalid)
{
    enum error_code code = from_ttl(invalid_ttls[_i]);
    ck_assert_msg(code == ERROR_INVALID_TTL, "%s", invalid_ttls[_i]);
    ck_assert_str_eq(detail(code), "The ttl must be a number of seconds from 1 to 86400");
}
END_TEST

START_TEST(test_draft__ttl_limits_may_be_fractions)
{
    const struct draft_rules odd = {.text_max = TEXT_MAX, .ttl_min_ms = 50, .ttl_max_ms = 1003};
    static const char at_min[] = "{\"message\":\"hi\",\"ttl\":0.05}";
    static const char at_max[] = "{\"message\":\"hi\",\"ttl\":1.003}";
    static const char above[] = "{\"message\":\"hi\",\"ttl\":1.004}";
    ck_assert_int_eq(draft_from_json(at_min, strlen(at_min), &odd, &draft, &err), ERROR_NONE);
    ck_assert_uint_eq(draft.ttl_ms, 50);
    draft_fini(&draft);
    ck_assert_int_eq(draft_from_json(at_max, strlen(at_max), &odd, &draft, &err), ERROR_NONE);
    ck_assert_uint_eq(draft.ttl_ms, 1003);
    ck_assert_int_eq(draft_from_json(above, strlen(above), &odd, &draft, &err), ERROR_INVALID_TTL);
    ck_assert_str_eq(err.detail, "The ttl must be a number of seconds from 0.05 to 1.003");
}
END_TEST

START_TEST(test_draft__author_below_and_at_the_limit_is_taken)
{
    ck_assert_int_eq(from_author("\"0123456789012345678901234567890123456 8\""), ERROR_NONE);
    draft_fini(&draft);
    ck_assert_int_eq(from_author("\"0123456789012345678901234567890123456789\""), ERROR_NONE);
    ck_assert_uint_eq(strlen(draft.author), AUTHOR_MAX_CHARACTERS);
}
END_TEST

START_TEST(test_draft__author_is_counted_in_characters)
{
    char name[AUTHOR_MAX_CHARACTERS * 4 + 3] = "\"";
    for (int i = 0; i < AUTHOR_MAX_CHARACTERS; i++)
        memcpy(name + 1 + i * 4, "\xF0\x9F\x98\x80", 4);
    name[sizeof name - 2] = '"';
    ck_assert_int_eq(from_author(name), ERROR_NONE);
    ck_assert_uint_eq(strlen(draft.author), AUTHOR_MAX_CHARACTERS * 4);
}
END_TEST

static const char *const invalid_authors[] = {
    "null",  "1",           "true",
    "[]",    "{}",          "\"\"",
    "\" \"", "\"\\u3164\"", "\"01234567890123456789012345678901234567890\"",
};

START_TEST(test_draft__author_outside_the_rule_is_invalid)
{
    enum error_code code = from_author(invalid_authors[_i]);
    ck_assert_msg(code == ERROR_INVALID_AUTHOR, "%s", invalid_authors[_i]);
    ck_assert_ptr_nonnull(strstr(detail(code), "1 to 40 characters"));
}
END_TEST

START_TEST(test_draft__faults_are_told_in_the_contracts_order)
{
    ck_assert_int_eq(from_json("{\"ttl\":0,\"author\":1}"), ERROR_NO_MESSAGE);
    ck_assert_int_eq(from_json("{\"ttl\":0,\"author\":1,\"message\":\"\"}"), ERROR_INVALID_MESSAGE);
    ck_assert_int_eq(from_json("{\"message\":\"                 \"}"), ERROR_TOO_LARGE);
    ck_assert_int_eq(from_json("{\"ttl\":0,\"author\":1,\"message\":\"hi\"}"), ERROR_INVALID_TTL);
}
END_TEST

START_TEST(test_draft__text_body_is_the_message)
{
    ck_assert_int_eq(from_text("{\"ttl\":1}\n", 10), ERROR_NONE);
    ck_assert_str_eq(draft.text, "{\"ttl\":1}\n");
    ck_assert_uint_eq(draft.text_len, 10);
    ck_assert_ptr_null(draft.author);
    ck_assert_uint_eq(draft.ttl_ms, 60000);
}
END_TEST

START_TEST(test_draft__text_body_that_is_not_utf8_is_invalid_json)
{
    ck_assert_int_eq(from_text("hi\xff", 3), ERROR_INVALID_JSON);
    ck_assert_str_eq(detail(ERROR_INVALID_JSON), "JSON payload expected");
}
END_TEST

START_TEST(test_draft__text_body_without_anything_readable_is_invalid)
{
    ck_assert_int_eq(from_text(NULL, 0), ERROR_INVALID_MESSAGE);
    ck_assert_int_eq(from_text("", 0), ERROR_INVALID_MESSAGE);
    ck_assert_int_eq(from_text(" \r\n", 3), ERROR_INVALID_MESSAGE);
    ck_assert_int_eq(from_text("a\0b", 3), ERROR_INVALID_MESSAGE);
}
END_TEST

START_TEST(test_draft__text_body_at_and_above_the_limit)
{
    ck_assert_int_eq(from_text("0123456789abcdefg", TEXT_MAX + 1), ERROR_TOO_LARGE);
    ck_assert_str_eq(detail(ERROR_TOO_LARGE), "The message must have at most 16 bytes");
    ck_assert_int_eq(from_text("0123456789abcdefg", TEXT_MAX), ERROR_NONE);
    ck_assert_str_eq(draft.text, "0123456789abcdef");
}
END_TEST

START_TEST(test_draft__fini_takes_a_zeroed_draft)
{
    struct draft zeroed = {0};
    draft_fini(&zeroed);
    ck_assert_ptr_null(zeroed.text);
}
END_TEST

static TCase *with_draft(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_json_tests(Suite *suite)
{
    TCase *json = with_draft(suite, "json");
    tcase_add_test(json, test_draft__message_alone_gets_the_defaults);
    tcase_add_test(json, test_draft__all_members_are_read_and_others_ignored);
    tcase_add_test(json, test_draft__text_is_kept_exactly);
    tcase_add_loop_test(json, test_draft__what_is_no_json_object_is_invalid_json, 0,
                        COUNT(not_json));
    tcase_add_test(json, test_draft__bytes_behind_the_object_are_invalid_json);
    tcase_add_test(json, test_draft__nul_behind_a_number_is_invalid_json);
    tcase_add_test(json, test_draft__byte_order_mark_may_come_first);
    tcase_add_test(json, test_draft__no_body_is_invalid_json);
    tcase_add_test(json, test_draft__cause_says_where_but_not_what);
    tcase_add_test(json, test_draft__err_may_be_null);
    tcase_add_test(json, test_draft__failure_leaves_the_draft_as_it_was);
    tcase_add_test(json, test_draft__deep_nesting_is_invalid_json);
    tcase_add_test(json, test_draft__huge_message_is_too_large);
    tcase_add_test(json, test_draft__faults_are_told_in_the_contracts_order);
    tcase_add_test(json, test_draft__fini_takes_a_zeroed_draft);
}

static void add_member_tests(Suite *suite)
{
    TCase *members = with_draft(suite, "members");
    tcase_add_test(members, test_draft__no_message_member_is_no_message);
    tcase_add_loop_test(members, test_draft__unreadable_message_is_invalid, 0,
                        COUNT(invalid_messages));
    tcase_add_loop_test(members, test_draft__refused_character_is_named_with_its_place, 0,
                        COUNT(refused));
    tcase_add_test(members, test_draft__message_may_turn_direction_and_break_lines);
    tcase_add_test(members, test_draft__message_below_and_at_the_limit_is_taken);
    tcase_add_test(members, test_draft__message_above_the_limit_is_too_large);
    tcase_add_test(members, test_draft__limit_counts_bytes_not_characters);
    tcase_add_loop_test(members, test_draft__ttl_within_the_limits_is_taken, 0, COUNT(ttls));
    tcase_add_loop_test(members, test_draft__ttl_outside_the_rule_is_invalid, 0,
                        COUNT(invalid_ttls));
    tcase_add_test(members, test_draft__ttl_limits_may_be_fractions);
    tcase_add_test(members, test_draft__author_below_and_at_the_limit_is_taken);
    tcase_add_test(members, test_draft__author_is_counted_in_characters);
    tcase_add_loop_test(members, test_draft__author_outside_the_rule_is_invalid, 0,
                        COUNT(invalid_authors));
}

static void add_text_tests(Suite *suite)
{
    TCase *text = with_draft(suite, "text");
    tcase_add_test(text, test_draft__text_body_is_the_message);
    tcase_add_test(text, test_draft__text_body_that_is_not_utf8_is_invalid_json);
    tcase_add_test(text, test_draft__text_body_without_anything_readable_is_invalid);
    tcase_add_test(text, test_draft__text_body_at_and_above_the_limit);
}

int main(void)
{
    Suite *suite = suite_create("draft");
    add_json_tests(suite);
    add_member_tests(suite);
    add_text_tests(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
