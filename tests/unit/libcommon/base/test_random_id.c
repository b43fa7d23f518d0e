/*
 * The form of random ids, and that nothing about them repeats. That the bits are the kernel's is
 * not for a test to show; that all of them are used is.
 */
#include "random_id.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 1000 };

START_TEST(test_random_id__is_lower_case_hex_of_its_length)
{
    char id[RANDOM_ID_SIZE];
    for (int i = 0; i < IDS; i++) {
        memset(id, '!', sizeof id);
        ck_assert(random_id_make(id));
        ck_assert_uint_eq(strspn(id, "0123456789abcdef"), RANDOM_ID_LEN);
        ck_assert_int_eq(id[RANDOM_ID_LEN], '\0');
    }
}
END_TEST

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

START_TEST(test_random_id__does_not_repeat)
{
    static char ids[IDS][RANDOM_ID_SIZE];
    for (int i = 0; i < IDS; i++)
        ck_assert(random_id_make(ids[i]));
    qsort(ids, IDS, sizeof ids[0], compare);
    for (int i = 1; i < IDS; i++)
        ck_assert_str_ne(ids[i - 1], ids[i]);
}
END_TEST

/* By luck one would be missing in less than one of 10^25 runs: 512 times (15/16)^1000. */
START_TEST(test_random_id__every_digit_comes_at_every_place)
{
    bool seen[RANDOM_ID_LEN][128] = {0};
    for (int i = 0; i < IDS; i++) {
        char id[RANDOM_ID_SIZE];
        ck_assert(random_id_make(id));
        for (int place = 0; place < RANDOM_ID_LEN; place++)
            seen[place][(unsigned char)id[place]] = true;
    }
    for (int place = 0; place < RANDOM_ID_LEN; place++)
        for (const char *digit = "0123456789abcdef"; *digit; digit++)
            ck_assert_msg(seen[place][(unsigned char)*digit], "no %c at %d", *digit, place);
}
END_TEST

static Suite *random_id_suite(void)
{
    Suite *suite = suite_create("random_id");
    TCase *form = tcase_create("form");
    tcase_add_test(form, test_random_id__is_lower_case_hex_of_its_length);
    tcase_add_test(form, test_random_id__does_not_repeat);
    tcase_add_test(form, test_random_id__every_digit_comes_at_every_place);
    suite_add_tcase(suite, form);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(random_id_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
