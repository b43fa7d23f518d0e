/*
 * The Idempotency-Key header at its edges: length, quotes, every byte there is.
 */
#include "idempotency_key.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char key[IDEMPOTENCY_KEY_SIZE];

static void assert_key(const char *value, const char *expected)
{
    ck_assert_msg(idempotency_key_parse(value, key), "refused: %s", value);
    ck_assert_str_eq(key, expected);
}

static void assert_no_key(const char *value)
{
    memset(key, 'x', sizeof key);
    ck_assert_msg(!idempotency_key_parse(value, key), "taken: %s", value);
}

START_TEST(test_idempotency_key__unquoted_is_taken_as_it_is)
{
    assert_key("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324");
    assert_key("a", "a");
}
END_TEST

START_TEST(test_idempotency_key__quotes_are_taken_off)
{
    assert_key("\"a\"", "a");
    assert_key("\"one-two\"", "one-two");
}
END_TEST

START_TEST(test_idempotency_key__a_lone_quote_is_a_character)
{
    assert_key("\"", "\"");
    assert_key("\"a", "\"a");
    assert_key("a\"", "a\"");
    assert_key("\"\"\"", "\"");
}
END_TEST

START_TEST(test_idempotency_key__what_is_quoted_is_not_interpreted)
{
    assert_key("\"a\\\"b\"", "a\\\"b");
    assert_key("\"a\\\\b\"", "a\\\\b");
}
END_TEST

START_TEST(test_idempotency_key__empty_is_none)
{
    assert_no_key("");
    assert_no_key("\"\"");
}
END_TEST

START_TEST(test_idempotency_key__length_at_below_and_above_the_maximum)
{
    char value[IDEMPOTENCY_KEY_MAX + 2];
    memset(value, 'k', sizeof value);
    value[IDEMPOTENCY_KEY_MAX + 1] = '\0';
    assert_no_key(value);
    value[IDEMPOTENCY_KEY_MAX] = '\0';
    assert_key(value, value);
    value[IDEMPOTENCY_KEY_MAX - 1] = '\0';
    assert_key(value, value);
}
END_TEST

START_TEST(test_idempotency_key__quotes_do_not_count_in_the_length)
{
    char value[IDEMPOTENCY_KEY_MAX + 4];
    memset(value, 'k', sizeof value);
    value[0] = '"';
    value[IDEMPOTENCY_KEY_MAX + 1] = '"';
    value[IDEMPOTENCY_KEY_MAX + 2] = '\0';
    ck_assert(idempotency_key_parse(value, key));
    ck_assert_uint_eq(strlen(key), IDEMPOTENCY_KEY_MAX);
    value[IDEMPOTENCY_KEY_MAX + 1] = 'k';
    value[IDEMPOTENCY_KEY_MAX + 2] = '"';
    value[IDEMPOTENCY_KEY_MAX + 3] = '\0';
    assert_no_key(value);
}
END_TEST

START_TEST(test_idempotency_key__every_byte_but_visible_ascii_is_refused)
{
    for (int byte = 1; byte < 256; byte++) {
        char value[] = {'a', (char)byte, 'b', '\0'};
        char quoted[] = {'"', 'a', (char)byte, '"', '\0'};
        bool visible = byte > ' ' && byte < 0x7F;
        ck_assert_msg(idempotency_key_parse(value, key) == visible, "byte %d", byte);
        ck_assert_msg(idempotency_key_parse(quoted, key) == visible, "quoted byte %d", byte);
    }
}
END_TEST

START_TEST(test_idempotency_key__very_long_value_is_refused)
{
    enum { LONG = 1024 * 1024 };
    char *value = malloc(LONG + 1);
    memset(value, 'k', LONG);
    value[LONG] = '\0';
    assert_no_key(value);
    free(value);
}
END_TEST

static Suite *idempotency_key_suite(void)
{
    Suite *suite = suite_create("idempotency_key");
    TCase *grammar = tcase_create("grammar");
    tcase_add_test(grammar, test_idempotency_key__unquoted_is_taken_as_it_is);
    tcase_add_test(grammar, test_idempotency_key__quotes_are_taken_off);
    tcase_add_test(grammar, test_idempotency_key__a_lone_quote_is_a_character);
    tcase_add_test(grammar, test_idempotency_key__what_is_quoted_is_not_interpreted);
    tcase_add_test(grammar, test_idempotency_key__empty_is_none);
    tcase_add_test(grammar, test_idempotency_key__length_at_below_and_above_the_maximum);
    tcase_add_test(grammar, test_idempotency_key__quotes_do_not_count_in_the_length);
    tcase_add_test(grammar, test_idempotency_key__every_byte_but_visible_ascii_is_refused);
    tcase_add_test(grammar, test_idempotency_key__very_long_value_is_refused);
    suite_add_tcase(suite, grammar);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(idempotency_key_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
