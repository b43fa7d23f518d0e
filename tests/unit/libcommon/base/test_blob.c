/*
 * Counted bytes: what they hold, and that the last release, on whatever thread, is the one that
 * frees (the leak check of the sanitizer build is the judge of that).
 */
#include "blob.h"

#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 10000 };

START_TEST(test_blob__holds_a_copy_of_the_bytes)
{
    char bytes[] = "a\0b";
    struct blob *blob = blob_new(bytes, 3);
    ck_assert_ptr_nonnull(blob);
    memset(bytes, 'x', sizeof bytes);
    ck_assert_uint_eq(blob->len, 3);
    ck_assert_mem_eq(blob->data, "a\0b", 3);
    blob_release(blob);
}
END_TEST

START_TEST(test_blob__may_be_empty)
{
    struct blob *blob = blob_new(NULL, 0);
    ck_assert_ptr_nonnull(blob);
    ck_assert_uint_eq(blob->len, 0);
    blob_release(blob);
}
END_TEST

START_TEST(test_blob__begins_with_one_reference)
{
    struct blob *blob = blob_new("x", 1);
    ck_assert_uint_eq(blob->references, 1);
    blob_release(blob);
}
END_TEST

START_TEST(test_blob__retain_returns_the_same_blob)
{
    struct blob *blob = blob_new("x", 1);
    ck_assert_ptr_eq(blob_retain(blob), blob);
    ck_assert_uint_eq(blob->references, 2);
    blob_release(blob);
    blob_release(blob);
}
END_TEST

START_TEST(test_blob__lives_until_the_last_release)
{
    struct blob *blob = blob_new("still here", 10);
    blob_retain(blob);
    blob_release(blob);
    ck_assert_uint_eq(blob->references, 1);
    ck_assert_mem_eq(blob->data, "still here", 10);
    blob_release(blob);
}
END_TEST

START_TEST(test_blob__release_takes_null)
{
    blob_release(NULL);
}
END_TEST

static void *retain_and_release(void *context)
{
    struct blob *blob = context;
    for (int i = 0; i < ROUNDS; i++)
        blob_release(blob_retain(blob));
    blob_release(blob);
    return NULL;
}

START_TEST(test_blob__is_counted_across_threads)
{
    struct blob *blob = blob_new("shared", 6);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, retain_and_release, blob_retain(blob)),
                         0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(blob->references, 1);
    ck_assert_mem_eq(blob->data, "shared", 6);
    blob_release(blob);
}
END_TEST

static Suite *blob_suite(void)
{
    Suite *suite = suite_create("blob");
    TCase *blob = tcase_create("blob");
    tcase_add_test(blob, test_blob__holds_a_copy_of_the_bytes);
    tcase_add_test(blob, test_blob__may_be_empty);
    tcase_add_test(blob, test_blob__begins_with_one_reference);
    tcase_add_test(blob, test_blob__retain_returns_the_same_blob);
    tcase_add_test(blob, test_blob__lives_until_the_last_release);
    tcase_add_test(blob, test_blob__release_takes_null);
    tcase_add_test(blob, test_blob__is_counted_across_threads);
    suite_add_tcase(suite, blob);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(blob_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
