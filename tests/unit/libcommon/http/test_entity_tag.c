/*
 * Entity tags: their form, and that they tell contents apart.
 */
#include "entity_tag.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

static void assert_tag(const void *bytes, size_t len, const char *expected)
{
    char tag[ENTITY_TAG_SIZE];
    entity_tag_make(bytes, len, tag);
    ck_assert_str_eq(tag, expected);
}

/* The values are those of FNV-1a's own table of tests. */
START_TEST(test_entity_tag__is_quoted_fnv_and_length)
{
    assert_tag("", 0, "\"cbf29ce484222325-0\"");
    assert_tag("a", 1, "\"af63dc4c8601ec8c-1\"");
    assert_tag("foobar", 6, "\"85944171f73967e8-6\"");
}
END_TEST

START_TEST(test_entity_tag__of_no_bytes_needs_no_place)
{
    assert_tag(NULL, 0, "\"cbf29ce484222325-0\"");
}
END_TEST

START_TEST(test_entity_tag__counts_bytes_above_127_as_such)
{
    assert_tag("\xff", 1, "\"af64724c8602eb6e-1\"");
}
END_TEST

START_TEST(test_entity_tag__tells_contents_of_one_length_apart)
{
    char one[ENTITY_TAG_SIZE];
    char other[ENTITY_TAG_SIZE];
    entity_tag_make("a\0b", 3, one);
    entity_tag_make("a\0c", 3, other);
    ck_assert_str_ne(one, other);
}
END_TEST

static Suite *entity_tag_suite(void)
{
    Suite *suite = suite_create("entity_tag");
    TCase *tcase = tcase_create("make");
    tcase_add_test(tcase, test_entity_tag__is_quoted_fnv_and_length);
    tcase_add_test(tcase, test_entity_tag__of_no_bytes_needs_no_place);
    tcase_add_test(tcase, test_entity_tag__counts_bytes_above_127_as_such);
    tcase_add_test(tcase, test_entity_tag__tells_contents_of_one_length_apart);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(entity_tag_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
