/*
 * The grammar of room names at its edges: length, first byte, every byte there is.
 */
#include "room_name.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_room_name__default_is_valid)
{
    ck_assert(room_name_valid(ROOM_NAME_DEFAULT));
}
END_TEST

START_TEST(test_room_name__one_byte_is_valid)
{
    ck_assert(room_name_valid("a"));
    ck_assert(room_name_valid("0"));
}
END_TEST

START_TEST(test_room_name__empty_is_invalid)
{
    ck_assert(!room_name_valid(""));
}
END_TEST

START_TEST(test_room_name__null_is_invalid)
{
    ck_assert(!room_name_valid(NULL));
}
END_TEST

START_TEST(test_room_name__may_end_but_not_begin_with_a_hyphen)
{
    ck_assert(room_name_valid("a-"));
    ck_assert(room_name_valid("a--b"));
    ck_assert(!room_name_valid("-a"));
}
END_TEST

START_TEST(test_room_name__length_at_below_and_above_the_maximum)
{
    char name[ROOM_NAME_MAX + 2];
    memset(name, 'z', sizeof name);
    name[ROOM_NAME_MAX + 1] = '\0';
    ck_assert(!room_name_valid(name));
    name[ROOM_NAME_MAX] = '\0';
    ck_assert(room_name_valid(name));
    name[ROOM_NAME_MAX - 1] = '\0';
    ck_assert(room_name_valid(name));
}
END_TEST

/* Whether each byte there is, put at `place` of "aa", is taken exactly if it is in `grammar`. */
static void assert_bytes(int place, const char *grammar)
{
    for (int byte = 1; byte < 256; byte++) {
        char name[] = "aa";
        name[place] = (char)byte;
        ck_assert_msg(room_name_valid(name) == (strchr(grammar, byte) != NULL), "byte %d", byte);
    }
}

START_TEST(test_room_name__first_byte_is_of_the_grammar)
{
    assert_bytes(0, "abcdefghijklmnopqrstuvwxyz0123456789");
}
END_TEST

START_TEST(test_room_name__second_byte_is_of_the_grammar)
{
    assert_bytes(1, "abcdefghijklmnopqrstuvwxyz0123456789-");
}
END_TEST

static Suite *room_name_suite(void)
{
    Suite *suite = suite_create("room_name");
    TCase *grammar = tcase_create("grammar");
    tcase_add_test(grammar, test_room_name__default_is_valid);
    tcase_add_test(grammar, test_room_name__one_byte_is_valid);
    tcase_add_test(grammar, test_room_name__empty_is_invalid);
    tcase_add_test(grammar, test_room_name__null_is_invalid);
    tcase_add_test(grammar, test_room_name__may_end_but_not_begin_with_a_hyphen);
    tcase_add_test(grammar, test_room_name__length_at_below_and_above_the_maximum);
    tcase_add_test(grammar, test_room_name__first_byte_is_of_the_grammar);
    tcase_add_test(grammar, test_room_name__second_byte_is_of_the_grammar);
    suite_add_tcase(suite, grammar);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(room_name_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
