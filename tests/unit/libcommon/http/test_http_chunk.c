/*
 * Chunks as RFC 9112, 7.1, has them.
 */
#include "http_chunk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_http_chunk__has_its_length_in_hexadecimal_before_it)
{
    static const struct {
        size_t len;
        const char *head;
    } rows[] = {{1, "1\r\n"}, {15, "F\r\n"}, {16, "10\r\n"}, {70000, "11170\r\n"}};
    char *bytes = malloc(rows[3].len);
    memset(bytes, 'x', rows[3].len);
    size_t head_len = strlen(rows[_i].head);
    struct blob *chunk = http_chunk_new(bytes, rows[_i].len);
    ck_assert_uint_eq(chunk->len, head_len + rows[_i].len + HTTP_CHUNK_END_LEN);
    ck_assert_mem_eq(chunk->data, rows[_i].head, head_len);
    ck_assert_mem_eq(chunk->data + head_len, bytes, rows[_i].len);
    ck_assert_mem_eq(chunk->data + chunk->len - 2, "\r\n", 2);
    blob_release(chunk);
    free(bytes);
}
END_TEST

START_TEST(test_http_chunk__keeps_bytes_that_are_no_text)
{
    struct blob *chunk = http_chunk_new("\r\n\0\xff", 4);
    ck_assert_uint_eq(chunk->len, 9);
    ck_assert_mem_eq(chunk->data, "4\r\n\r\n\0\xff\r\n", 9);
    blob_release(chunk);
}
END_TEST

START_TEST(test_http_chunk__of_nothing_is_the_last)
{
    struct blob *chunk = http_chunk_new("", 0);
    ck_assert_uint_eq(chunk->len, 5);
    ck_assert_mem_eq(chunk->data, "0\r\n\r\n", 5);
    blob_release(chunk);
}
END_TEST

static Suite *http_chunk_suite(void)
{
    Suite *suite = suite_create("http_chunk");
    TCase *tcase = tcase_create("http_chunk");
    tcase_add_loop_test(tcase, test_http_chunk__has_its_length_in_hexadecimal_before_it, 0, 4);
    tcase_add_test(tcase, test_http_chunk__keeps_bytes_that_are_no_text);
    tcase_add_test(tcase, test_http_chunk__of_nothing_is_the_last);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_chunk_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
