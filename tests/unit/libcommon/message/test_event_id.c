/*
 * Ids there and back, at their limits, and what tells them apart: the room and the epoch.
 */
#include "event_id.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t epoch = 1795327200000000;
static const uint64_t number = 1795327200123456;

START_TEST(test_event_id__goes_there_and_back)
{
    char text[EVENT_ID_SIZE];
    struct event_id id = event_id_make("lobby", epoch, number);
    struct event_id again = {0};
    event_id_format(id, text);
    ck_assert_uint_eq(strlen(text), EVENT_ID_LEN);
    ck_assert(event_id_parse(text, &again));
    ck_assert_uint_eq(again.number, number);
    ck_assert_uint_eq(again.tag, id.tag);
}
END_TEST

static void assert_number_survives(uint64_t that)
{
    char text[EVENT_ID_SIZE];
    struct event_id again = {0};
    event_id_format(event_id_make("lobby", epoch, that), text);
    ck_assert_uint_eq(strlen(text), EVENT_ID_LEN);
    ck_assert(event_id_parse(text, &again));
    ck_assert_uint_eq(again.number, that);
}

START_TEST(test_event_id__holds_the_least_and_the_greatest_number)
{
    assert_number_survives(0);
    assert_number_survives(1);
    assert_number_survives(EVENT_NUMBER_MAX - 1);
    assert_number_survives(EVENT_NUMBER_MAX);
}
END_TEST

START_TEST(test_event_id__text_of_a_greater_number_is_greater)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 999, 1795327200123456, EVENT_NUMBER_MAX};
    char before[EVENT_ID_SIZE];
    char after[EVENT_ID_SIZE];
    for (size_t i = 1; i < sizeof numbers / sizeof *numbers; i++) {
        event_id_format(event_id_make("lobby", epoch, numbers[i - 1]), before);
        event_id_format(event_id_make("lobby", epoch, numbers[i]), after);
        ck_assert_int_lt(strcmp(before, after), 0);
    }
}
END_TEST

START_TEST(test_event_id__is_the_same_wherever_it_is_made)
{
    struct event_id here = event_id_make("lobby", epoch, number);
    struct event_id there = event_id_make("lobby", epoch, number);
    ck_assert_uint_eq(here.tag, there.tag);
    ck_assert_uint_eq(here.number, there.number);
}
END_TEST

START_TEST(test_event_id__tag_does_not_depend_on_the_number)
{
    ck_assert_uint_eq(event_id_make("lobby", epoch, 1).tag, event_id_make("lobby", epoch, 2).tag);
}
END_TEST

START_TEST(test_event_id__tag_tells_rooms_apart)
{
    ck_assert_uint_ne(event_id_make("lobby", epoch, number).tag,
                      event_id_make("lobbx", epoch, number).tag);
    ck_assert_uint_ne(event_id_make("a", epoch, number).tag,
                      event_id_make("aa", epoch, number).tag);
}
END_TEST

START_TEST(test_event_id__tag_tells_epochs_apart)
{
    ck_assert_uint_ne(event_id_make("lobby", epoch, number).tag,
                      event_id_make("lobby", epoch + 1, number).tag);
    ck_assert_uint_ne(event_id_make("room-1", 1, number).tag,
                      event_id_make("room-", 11, number).tag);
}
END_TEST

START_TEST(test_event_id__nothing_is_epoch_0_and_number_0)
{
    struct event_id nothing = event_id_nothing("lobby");
    ck_assert_uint_eq(nothing.number, 0);
    ck_assert_uint_eq(nothing.tag, event_id_make("lobby", 0, 0).tag);
}
END_TEST

static const char *const malformed[] = {
    "",
    "0",
    "1795327200123456123456789",   /* 25 digits */
    "179532720012345612345678901", /* 27 digits */
    "-7953272001234561234567890",
    "-17953272001234561234567890",
    "+7953272001234561234567890",
    " 17953272001234561234567890",
    "17953272001234561234567890 ",
    "17953272001234561234567890\n",
    "1795327200123456 234567890",
    "1795327200123456-1234567890",
    "0x953272001234561234567890",
    "1795327200123456123456789a",
    "1795327200123456123456789\xd9\xa3",
    "abc",
};

START_TEST(test_event_id__malformed_text_is_none)
{
    struct event_id id = {.number = 7, .tag = 8};
    ck_assert(!event_id_parse(malformed[_i], &id));
    ck_assert_uint_eq(id.number, 7);
    ck_assert_uint_eq(id.tag, 8);
}
END_TEST

START_TEST(test_event_id__very_long_text_is_none)
{
    char text[100001];
    struct event_id id;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert(!event_id_parse(text, &id));
}
END_TEST

static Suite *event_id_suite(void)
{
    Suite *suite = suite_create("event_id");
    TCase *tests = tcase_create("event_id");
    tcase_add_test(tests, test_event_id__goes_there_and_back);
    tcase_add_test(tests, test_event_id__holds_the_least_and_the_greatest_number);
    tcase_add_test(tests, test_event_id__text_of_a_greater_number_is_greater);
    tcase_add_test(tests, test_event_id__is_the_same_wherever_it_is_made);
    tcase_add_test(tests, test_event_id__tag_does_not_depend_on_the_number);
    tcase_add_test(tests, test_event_id__tag_tells_rooms_apart);
    tcase_add_test(tests, test_event_id__tag_tells_epochs_apart);
    tcase_add_test(tests, test_event_id__nothing_is_epoch_0_and_number_0);
    tcase_add_loop_test(tests, test_event_id__malformed_text_is_none, 0,
                        sizeof malformed / sizeof *malformed);
    tcase_add_test(tests, test_event_id__very_long_text_is_none);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(event_id_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
