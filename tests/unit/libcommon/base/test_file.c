/*
 * Whole files: the limit, what cannot be read, and files without a size.
 */
#include "file.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX = 1000 };

static char dir[64];
static char path[80];

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

static void write_file(const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* A file of `len` times the letter a. */
static void write_letters(size_t len)
{
    char letters[MAX + 1];
    ck_assert_uint_le(len, sizeof letters);
    memset(letters, 'a', sizeof letters);
    write_file(letters, len);
}

/* That these bytes are read from `path`, with a NUL behind them. */
static void expect_bytes(const char *bytes, size_t len)
{
    char *data = NULL;
    size_t data_len = MAX + 2;
    struct error err = {0};
    ck_assert_msg(file_read(path, MAX, &data, &data_len, &err) == ERROR_NONE, "%s", err.cause);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(data_len, len);
    ck_assert_int_eq(memcmp(data, bytes, len), 0);
    ck_assert_int_eq(data[len], '\0');
    free(data);
}

static void expect_refused(const char *file, size_t max, enum error_code code, const char *cause)
{
    char *data = NULL;
    size_t len = MAX + 2;
    struct error err = {0};
    ck_assert_int_eq(file_read(file, max, &data, &len, &err), code);
    ck_assert_str_eq(err.cause, cause);
    ck_assert_str_eq(err.detail, "");
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(len, MAX + 2);
}

START_TEST(test_file__is_read_as_it_is)
{
    write_file("a\0b\r\n\xff", 6);
    expect_bytes("a\0b\r\n\xff", 6);
}
END_TEST

START_TEST(test_file__empty_file_has_data)
{
    write_file("", 0);
    expect_bytes("", 0);
}
END_TEST

START_TEST(test_file__size_below_and_at_the_limit_is_read)
{
    char letters[MAX];
    memset(letters, 'a', sizeof letters);
    write_letters(MAX - 1);
    expect_bytes(letters, MAX - 1);
    write_letters(MAX);
    expect_bytes(letters, MAX);
}
END_TEST

START_TEST(test_file__size_above_the_limit_is_too_large)
{
    write_letters(MAX + 1);
    expect_refused(path, MAX, ERROR_TOO_LARGE, "the file is too large");
}
END_TEST

START_TEST(test_file__limit_of_nothing_takes_an_empty_file_only)
{
    char *data = NULL;
    size_t len = 1;
    write_file("", 0);
    ck_assert_int_eq(file_read(path, 0, &data, &len, NULL), ERROR_NONE);
    ck_assert_uint_eq(len, 0);
    free(data);
    write_file("a", 1);
    expect_refused(path, 0, ERROR_TOO_LARGE, "the file is too large");
}
END_TEST

START_TEST(test_file__missing_file_is_refused)
{
    expect_refused(path, MAX, ERROR_INTERNAL, "No such file or directory");
}
END_TEST

START_TEST(test_file__directory_is_refused)
{
    expect_refused(dir, MAX, ERROR_INTERNAL, "Is a directory");
}
END_TEST

START_TEST(test_file__endless_file_is_too_large)
{
    expect_refused("/dev/zero", MAX, ERROR_TOO_LARGE, "the file is too large");
}
END_TEST

START_TEST(test_file__failure_needs_no_error)
{
    char *data = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(path, MAX, &data, &len, NULL), ERROR_INTERNAL);
}
END_TEST

START_TEST(test_file__pipe_is_read_to_its_end)
{
    int ends[2];
    char *data = NULL;
    size_t len = 0;
    struct error err = {0};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(write(ends[1], "secret", 6), 6);
    close(ends[1]);
    ck_assert_int_eq(file_read_fd(ends[0], MAX, &data, &len, &err), ERROR_NONE);
    ck_assert_uint_eq(len, 6);
    ck_assert_str_eq(data, "secret");
    free(data);
    close(ends[0]);
}
END_TEST

START_TEST(test_file__open_file_is_read_from_where_it_stands_and_stays_open)
{
    char *data = NULL;
    size_t len = 0;
    write_file("abcdef", 6);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
    ck_assert_int_eq(file_read_fd(fd, 4, &data, &len, NULL), ERROR_NONE);
    ck_assert_uint_eq(len, 4);
    ck_assert_str_eq(data, "cdef");
    ck_assert_int_eq(close(fd), 0);
    free(data);
}
END_TEST

START_TEST(test_file__open_file_that_cannot_be_read_is_refused)
{
    char *data = NULL;
    size_t len = 0;
    struct error err = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(file_read_fd(fd, MAX, &data, &len, &err), ERROR_INTERNAL);
    ck_assert_str_eq(err.cause, "Bad file descriptor");
    ck_assert_ptr_null(data);
    close(fd);
}
END_TEST

static Suite *file_suite(void)
{
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_file__is_read_as_it_is);
    tcase_add_test(tcase, test_file__empty_file_has_data);
    tcase_add_test(tcase, test_file__size_below_and_at_the_limit_is_read);
    tcase_add_test(tcase, test_file__size_above_the_limit_is_too_large);
    tcase_add_test(tcase, test_file__limit_of_nothing_takes_an_empty_file_only);
    tcase_add_test(tcase, test_file__missing_file_is_refused);
    tcase_add_test(tcase, test_file__directory_is_refused);
    tcase_add_test(tcase, test_file__endless_file_is_too_large);
    tcase_add_test(tcase, test_file__failure_needs_no_error);
    tcase_add_test(tcase, test_file__pipe_is_read_to_its_end);
    tcase_add_test(tcase, test_file__open_file_is_read_from_where_it_stands_and_stays_open);
    tcase_add_test(tcase, test_file__open_file_that_cannot_be_read_is_refused);
    Suite *suite = suite_create("file");
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(file_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
