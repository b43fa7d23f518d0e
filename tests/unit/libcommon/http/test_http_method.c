/*
 * Methods by name, and which of them change something.
 */
#include "http_method.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_http_method__is_found_by_the_name_that_it_has)
{
    for (enum http_method method = 0; method < HTTP_METHODS; method++)
        ck_assert_int_eq(http_method_of(http_method_name(method)), method);
    ck_assert_str_eq(http_method_name(HTTP_DELETE), "DELETE");
}
END_TEST

START_TEST(test_http_method__name_is_matched_to_the_letter)
{
    static const char *const names[] = {"get", "Get", "GE", "GETS", "", " GET", "PATCH", "other"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(http_method_of(names[i]), HTTP_OTHER);
    ck_assert_str_eq(http_method_name(HTTP_OTHER), "other");
}
END_TEST

/* Senders of these are checked: one that is missing lets anyone change something. */
START_TEST(test_http_method__post_put_and_delete_change_something)
{
    ck_assert(http_method_changes(HTTP_POST));
    ck_assert(http_method_changes(HTTP_PUT));
    ck_assert(http_method_changes(HTTP_DELETE));
    ck_assert(!http_method_changes(HTTP_GET));
    ck_assert(!http_method_changes(HTTP_HEAD));
    ck_assert(!http_method_changes(HTTP_OPTIONS));
    ck_assert(!http_method_changes(HTTP_OTHER));
}
END_TEST

static Suite *http_method_suite(void)
{
    Suite *suite = suite_create("http_method");
    TCase *tcase = tcase_create("http_method");
    tcase_add_test(tcase, test_http_method__is_found_by_the_name_that_it_has);
    tcase_add_test(tcase, test_http_method__name_is_matched_to_the_letter);
    tcase_add_test(tcase, test_http_method__post_put_and_delete_change_something);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_method_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
