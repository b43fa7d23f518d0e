/*
 * The form decoder, against the URL standard's rules and against garbage.
 */
#include "form.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body is copied to memory of its exact size, so that a read beyond it is seen. */
static enum error_code find(const char *body, size_t len, const char *name, char **ret_value,
                            size_t *ret_len)
{
    char *exact = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body, len);
    enum error_code code = form_field(exact, len, name, ret_value, ret_len);
    free(exact);
    return code;
}

static void expect_bytes(const char *body, size_t len, const char *expected, size_t expected_len)
{
    char *value = NULL;
    size_t value_len = 0;
    ck_assert_int_eq(find(body, len, "message", &value, &value_len), ERROR_NONE);
    ck_assert_ptr_nonnull(value);
    ck_assert_uint_eq(value_len, expected_len);
    ck_assert_mem_eq(value, expected, expected_len + 1); /* the NUL behind it included */
    free(value);
}

static void expect(const char *body, const char *expected)
{
    expect_bytes(body, strlen(body), expected, strlen(expected));
}

static void expect_absent(const char *body)
{
    char *value = NULL;
    size_t value_len = 1;
    ck_assert_int_eq(find(body, strlen(body), "message", &value, &value_len), ERROR_NONE);
    ck_assert_ptr_null(value);
    ck_assert_uint_eq(value_len, 0);
}

START_TEST(test_form__value_of_a_field_is_found)
{
    expect("author=Ada&message=hello&ttl=60", "hello");
}
END_TEST

START_TEST(test_form__plus_is_a_space)
{
    expect("message=+two++words+", " two  words ");
}
END_TEST

START_TEST(test_form__percent_gives_a_byte)
{
    expect("message=%C3%a9+%2B%26%3D%25", "\xC3\xA9 +&=%");
}
END_TEST

START_TEST(test_form__decoded_percent_is_not_decoded_again)
{
    expect("message=%2541", "%41");
}
END_TEST

START_TEST(test_form__bad_percent_sequences_stand_for_themselves)
{
    expect("message=%zz%4%", "%zz%4%");
    expect("message=%%41%4g%g4", "%A%4g%g4");
}
END_TEST

START_TEST(test_form__percent_does_not_reach_into_the_next_field)
{
    expect("message=%4&41=x", "%4");
    expect("message=%&41", "%");
}
END_TEST

START_TEST(test_form__line_breaks_stay_crlf)
{
    expect("message=a%0D%0Ab", "a\r\nb");
}
END_TEST

START_TEST(test_form__nul_and_broken_utf8_are_handed_over)
{
    static const char body[] = "message=a%00b%ff\0\xfe";
    expect_bytes(body, sizeof body - 1, "a\0b\xff\0\xfe", 6);
}
END_TEST

START_TEST(test_form__name_is_decoded)
{
    expect("%6Des%73age=x", "x");
}
END_TEST

START_TEST(test_form__name_must_match_whole)
{
    expect_absent("messag=a&messages=b&Message=c&message%00=d&=e&+message=f");
}
END_TEST

START_TEST(test_form__first_occurrence_wins)
{
    expect("message=&message=late", "");
    expect("message=one&message=two", "one");
}
END_TEST

START_TEST(test_form__equals_sign_in_a_value_stays)
{
    expect("message==a=b", "=a=b");
}
END_TEST

START_TEST(test_form__field_without_equals_sign_is_empty)
{
    expect("a&message&b", "");
}
END_TEST

START_TEST(test_form__field_is_absent)
{
    expect_absent("");
    expect_absent("&");
    expect_absent("=");
    expect_absent("&&author=Ada&&");
    expect_absent("author=message");
}
END_TEST

START_TEST(test_form__null_body_of_no_length_has_no_field)
{
    char *value = NULL;
    size_t len = 1;
    ck_assert_int_eq(form_field(NULL, 0, "message", &value, &len), ERROR_NONE);
    ck_assert_ptr_null(value);
}
END_TEST

/* `others` fields, then the message. */
static enum error_code find_behind(size_t others, char **ret_value)
{
    char body[FORM_FIELDS_MAX * 4 + 32];
    size_t len = 0;
    for (size_t i = 0; i < others; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "&&a=");
    len += (size_t)snprintf(body + len, sizeof body - len, "&message=x");
    size_t value_len;
    return find(body, len, "message", ret_value, &value_len);
}

START_TEST(test_form__last_field_within_the_limit_is_found)
{
    char *value = NULL;
    ck_assert_int_eq(find_behind(FORM_FIELDS_MAX - 1, &value), ERROR_NONE);
    ck_assert_ptr_nonnull(value);
    free(value);
}
END_TEST

START_TEST(test_form__field_over_the_limit_is_too_large)
{
    char *value = NULL;
    ck_assert_int_eq(find_behind(FORM_FIELDS_MAX, &value), ERROR_TOO_LARGE);
    ck_assert_ptr_null(value);
}
END_TEST

START_TEST(test_form__as_many_other_fields_as_may_be_are_no_error)
{
    char body[FORM_FIELDS_MAX * 2];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = i % 2 ? '&' : 'a';
    char *value = NULL;
    size_t len;
    ck_assert_int_eq(find(body, sizeof body, "message", &value, &len), ERROR_NONE);
    ck_assert_ptr_null(value);
}
END_TEST

START_TEST(test_form__garbage_never_gives_more_than_it_holds)
{
    static const char alphabet[] = "%%%&&==+m0aF\0\xff";
    uint64_t state = 42;
    for (unsigned round = 0; round < 20000; round++) {
        char body[48];
        size_t len = round % sizeof body;
        for (size_t i = 0; i < len; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            body[i] = alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        char *value = NULL;
        size_t value_len = 0;
        ck_assert_int_eq(find(body, len, "m", &value, &value_len), ERROR_NONE);
        ck_assert_uint_le(value_len, len);
        free(value);
    }
}
END_TEST

static Suite *form_suite(void)
{
    TCase *tcase = tcase_create("form");
    tcase_add_test(tcase, test_form__value_of_a_field_is_found);
    tcase_add_test(tcase, test_form__plus_is_a_space);
    tcase_add_test(tcase, test_form__percent_gives_a_byte);
    tcase_add_test(tcase, test_form__decoded_percent_is_not_decoded_again);
    tcase_add_test(tcase, test_form__bad_percent_sequences_stand_for_themselves);
    tcase_add_test(tcase, test_form__percent_does_not_reach_into_the_next_field);
    tcase_add_test(tcase, test_form__line_breaks_stay_crlf);
    tcase_add_test(tcase, test_form__nul_and_broken_utf8_are_handed_over);
    tcase_add_test(tcase, test_form__name_is_decoded);
    tcase_add_test(tcase, test_form__name_must_match_whole);
    tcase_add_test(tcase, test_form__first_occurrence_wins);
    tcase_add_test(tcase, test_form__equals_sign_in_a_value_stays);
    tcase_add_test(tcase, test_form__field_without_equals_sign_is_empty);
    tcase_add_test(tcase, test_form__field_is_absent);
    tcase_add_test(tcase, test_form__null_body_of_no_length_has_no_field);
    tcase_add_test(tcase, test_form__last_field_within_the_limit_is_found);
    tcase_add_test(tcase, test_form__field_over_the_limit_is_too_large);
    tcase_add_test(tcase, test_form__as_many_other_fields_as_may_be_are_no_error);
    tcase_add_test(tcase, test_form__garbage_never_gives_more_than_it_holds);
    Suite *suite = suite_create("form");
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(form_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
