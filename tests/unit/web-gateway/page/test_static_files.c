/*
 * The static files: what is loaded and refused, and that no name gets beyond the table.
 */
#include "static_files.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static int dir_fd;    /* of <dir> */
static int static_fd; /* of <dir>/static */

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_static_files.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
    ck_assert_int_eq(mkdirat(dir_fd, "static", 0700), 0);
    static_fd = openat(dir_fd, "static", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(static_fd, 0);
}

static void remove_file(const char *name)
{
    if (unlinkat(static_fd, name, 0) != 0)
        unlinkat(static_fd, name, AT_REMOVEDIR);
}

static void write_bytes(const char *name, const void *bytes, size_t len)
{
    int fd = openat(static_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* A file of `len` zeros. */
static void write_sparse(const char *name, off_t len)
{
    write_file(name, "");
    int fd = openat(static_fd, name, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, len), 0);
    close(fd);
}

static void count_name(unsigned number, char (*ret_name)[16])
{
    snprintf(*ret_name, sizeof *ret_name, "f%u.js", number);
}

static void tear_down(void)
{
    static const char *const names[] = {"page.js", "a.css",  "z.txt",   "linked.svg",
                                        ".hidden", "bad.js", "empty.js"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove_file(names[i]);
    for (unsigned i = 0; i <= STATIC_FILES_COUNT_MAX; i++) {
        char name[16];
        count_name(i, &name);
        remove_file(name);
    }
    unlinkat(dir_fd, "secret.txt", 0);
    unlinkat(dir_fd, "static", AT_REMOVEDIR);
    close(static_fd);
    close(dir_fd);
    rmdir(dir);
}

static struct static_files *load(void)
{
    struct static_files *files = NULL;
    struct error err = {0};
    ck_assert_msg(static_files_load(dir, &files, &err) == ERROR_NONE, "%s", err.cause);
    return files;
}

static void expect_refused(const char *cause)
{
    struct static_files *files = NULL;
    struct error err = {0};
    ck_assert_int_eq(static_files_load(dir, &files, &err), ERROR_INTERNAL);
    ck_assert_ptr_null(files);
    ck_assert_str_eq(err.cause, cause);
}

static void expect_type(const char *name, const char *type)
{
    write_file(name, "x");
    CLEANUP(static_files_free) struct static_files *files = load();
    const struct static_file *file = static_files_find(files, name);
    ck_assert_ptr_nonnull(file);
    ck_assert_str_eq(file->type, type);
    remove_file(name);
}

static void expect_name_refused(const char *name)
{
    char cause[ERROR_CAUSE_SIZE];
    write_file(name, "x");
    snprintf(cause, sizeof cause,
             "static/%s: a name is 1 to 64 of a-z, 0-9, ., _ and -, and begins with a letter or a "
             "digit",
             name);
    expect_refused(cause);
    remove_file(name);
}

START_TEST(test_static_files__file_is_found_with_all_it_has)
{
    write_bytes("page.js", "a\0b", 3);
    CLEANUP(static_files_free) struct static_files *files = load();
    const struct static_file *file = static_files_find(files, "page.js");
    ck_assert_ptr_nonnull(file);
    ck_assert_str_eq(file->name, "page.js");
    ck_assert_uint_eq(file->len, 3);
    ck_assert_mem_eq(file->data, "a\0b", 3);
}
END_TEST

START_TEST(test_static_files__each_of_several_is_found)
{
    write_file("z.txt", "z");
    write_file("a.css", "a");
    write_file("page.js", "p");
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_int_eq(static_files_find(files, "a.css")->data[0], 'a');
    ck_assert_int_eq(static_files_find(files, "page.js")->data[0], 'p');
    ck_assert_int_eq(static_files_find(files, "z.txt")->data[0], 'z');
}
END_TEST

START_TEST(test_static_files__types)
{
    expect_type("a.js", "text/javascript; charset=utf-8");
    expect_type("a.mjs", "text/javascript; charset=utf-8");
    expect_type("a.css", "text/css; charset=utf-8");
    expect_type("a.svg", "image/svg+xml");
    expect_type("a.png", "image/png");
    expect_type("a.ico", "image/vnd.microsoft.icon");
    expect_type("a.webmanifest", "application/manifest+json");
    expect_type("a.txt", "text/plain; charset=utf-8");
    expect_type("a.min.json", "application/json");
}
END_TEST

START_TEST(test_static_files__etag_is_quoted_fnv_and_length)
{
    write_file("a.css", "a"); /* the published FNV-1a 64 of "a" */
    write_file("empty.js", "");
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_str_eq(static_files_find(files, "a.css")->etag, "\"af63dc4c8601ec8c-1\"");
    ck_assert_str_eq(static_files_find(files, "empty.js")->etag, "\"cbf29ce484222325-0\"");
}
END_TEST

START_TEST(test_static_files__etag_is_that_of_the_content)
{
    write_file("page.js", "one");
    CLEANUP(static_files_free) struct static_files *before = load();
    CLEANUP(static_files_free) struct static_files *same = load();
    write_file("page.js", "two");
    CLEANUP(static_files_free) struct static_files *after = load();
    const char *etag = static_files_find(before, "page.js")->etag;
    ck_assert_str_eq(static_files_find(same, "page.js")->etag, etag);
    ck_assert_str_ne(static_files_find(after, "page.js")->etag, etag);
}
END_TEST

START_TEST(test_static_files__empty_file_has_data)
{
    write_file("empty.js", "");
    CLEANUP(static_files_free) struct static_files *files = load();
    const struct static_file *file = static_files_find(files, "empty.js");
    ck_assert_ptr_nonnull(file->data);
    ck_assert_uint_eq(file->len, 0);
}
END_TEST

START_TEST(test_static_files__names_that_are_not_there_are_not_found)
{
    static const char *const names[] = {"",
                                        ".",
                                        "..",
                                        "/",
                                        "page.jss",
                                        "page.j",
                                        "PAGE.JS",
                                        "./page.js",
                                        "page.js/",
                                        "page.js ",
                                        "../secret.txt",
                                        "../static/page.js",
                                        "%2e%2e/secret.txt",
                                        "/etc/passwd",
                                        "\xff\n"};
    write_file("page.js", "x");
    int fd = openat(dir_fd, "secret.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    CLEANUP(static_files_free) struct static_files *files = load();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_ptr_null(static_files_find(files, names[i]));
}
END_TEST

START_TEST(test_static_files__overlong_name_is_not_found)
{
    char name[100001];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    write_file("a.css", "x");
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_ptr_null(static_files_find(files, name));
}
END_TEST

START_TEST(test_static_files__later_changes_on_disk_are_not_seen)
{
    write_file("page.js", "one");
    CLEANUP(static_files_free) struct static_files *files = load();
    remove_file("page.js");
    ck_assert_str_eq(static_files_find(files, "page.js")->type, "text/javascript; charset=utf-8");
    ck_assert_mem_eq(static_files_find(files, "page.js")->data, "one", 3);
}
END_TEST

START_TEST(test_static_files__empty_directory_holds_nothing)
{
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_ptr_null(static_files_find(files, "page.js"));
}
END_TEST

START_TEST(test_static_files__hidden_entries_are_passed_over)
{
    write_file(".hidden", "x");
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_ptr_null(static_files_find(files, ".hidden"));
}
END_TEST

START_TEST(test_static_files__link_to_a_file_is_loaded)
{
    write_file(".hidden", "x"); /* as a mounted configuration directory does it */
    ck_assert_int_eq(symlinkat(".hidden", static_fd, "linked.svg"), 0);
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_str_eq(static_files_find(files, "linked.svg")->type, "image/svg+xml");
}
END_TEST

START_TEST(test_static_files__missing_directory_is_refused)
{
    unlinkat(dir_fd, "static", AT_REMOVEDIR);
    char cause[128];
    snprintf(cause, sizeof cause, "%s/static: No such file or directory", dir);
    expect_refused(cause);
}
END_TEST

START_TEST(test_static_files__names_out_of_the_grammar_are_refused)
{
    expect_name_refused("Page.js");
    expect_name_refused("_a.js");
    expect_name_refused("-a.js");
    expect_name_refused("a b.js");
    expect_name_refused("page.js~");
    expect_name_refused("\xC3\xA9.js");
}
END_TEST

START_TEST(test_static_files__name_at_the_limit_is_loaded_and_above_refused)
{
    char name[STATIC_FILES_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    snprintf(name + STATIC_FILES_NAME_MAX - 3, 5, ".js");
    expect_type(name, "text/javascript; charset=utf-8");
    snprintf(name + STATIC_FILES_NAME_MAX - 3, 5, "a.js");
    expect_name_refused(name);
}
END_TEST

START_TEST(test_static_files__unknown_extension_is_refused)
{
    static const char *const names[] = {"readme.md", "js", "a.", "a.jsx", "a.js.gz"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char cause[128];
        write_file(names[i], "x");
        snprintf(cause, sizeof cause, "static/%s: no content type is known for its extension",
                 names[i]);
        expect_refused(cause);
        remove_file(names[i]);
    }
}
END_TEST

START_TEST(test_static_files__directory_is_refused)
{
    ck_assert_int_eq(mkdirat(static_fd, "bad.js", 0700), 0);
    expect_refused("static/bad.js: not a regular file");
}
END_TEST

START_TEST(test_static_files__fifo_is_refused_without_waiting)
{
    ck_assert_int_eq(mkfifoat(static_fd, "bad.js", 0600), 0);
    expect_refused("static/bad.js: not a regular file");
}
END_TEST

START_TEST(test_static_files__dangling_link_is_refused)
{
    ck_assert_int_eq(symlinkat("nowhere", static_fd, "bad.js"), 0);
    expect_refused("static/bad.js: No such file or directory");
}
END_TEST

START_TEST(test_static_files__file_at_the_size_limit_is_loaded)
{
    write_sparse("page.js", STATIC_FILES_SIZE_MAX);
    CLEANUP(static_files_free) struct static_files *files = load();
    ck_assert_uint_eq(static_files_find(files, "page.js")->len, STATIC_FILES_SIZE_MAX);
}
END_TEST

START_TEST(test_static_files__file_over_the_size_limit_is_refused)
{
    write_sparse("page.js", STATIC_FILES_SIZE_MAX + 1);
    expect_refused("static/page.js: the file is too large");
}
END_TEST

static void write_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        count_name(i, &name);
        write_file(name, name);
    }
}

START_TEST(test_static_files__as_many_as_may_be_are_all_found)
{
    write_many(STATIC_FILES_COUNT_MAX);
    CLEANUP(static_files_free) struct static_files *files = load();
    for (unsigned i = 0; i < STATIC_FILES_COUNT_MAX; i++) {
        char name[16];
        count_name(i, &name);
        const struct static_file *file = static_files_find(files, name);
        ck_assert_ptr_nonnull(file);
        ck_assert_mem_eq(file->data, name, file->len);
    }
}
END_TEST

START_TEST(test_static_files__one_more_than_may_be_is_refused)
{
    write_many(STATIC_FILES_COUNT_MAX + 1);
    expect_refused("static: more than 64 files");
}
END_TEST

START_TEST(test_static_files__free_takes_null)
{
    static_files_free(NULL);
}
END_TEST

static void add_refusals(TCase *tcase)
{
    tcase_add_test(tcase, test_static_files__missing_directory_is_refused);
    tcase_add_test(tcase, test_static_files__names_out_of_the_grammar_are_refused);
    tcase_add_test(tcase, test_static_files__name_at_the_limit_is_loaded_and_above_refused);
    tcase_add_test(tcase, test_static_files__unknown_extension_is_refused);
    tcase_add_test(tcase, test_static_files__directory_is_refused);
    tcase_add_test(tcase, test_static_files__fifo_is_refused_without_waiting);
    tcase_add_test(tcase, test_static_files__dangling_link_is_refused);
    tcase_add_test(tcase, test_static_files__file_at_the_size_limit_is_loaded);
    tcase_add_test(tcase, test_static_files__file_over_the_size_limit_is_refused);
    tcase_add_test(tcase, test_static_files__as_many_as_may_be_are_all_found);
    tcase_add_test(tcase, test_static_files__one_more_than_may_be_is_refused);
    tcase_add_test(tcase, test_static_files__free_takes_null);
}

static Suite *static_files_suite(void)
{
    TCase *tcase = tcase_create("static_files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_static_files__file_is_found_with_all_it_has);
    tcase_add_test(tcase, test_static_files__each_of_several_is_found);
    tcase_add_test(tcase, test_static_files__types);
    tcase_add_test(tcase, test_static_files__etag_is_quoted_fnv_and_length);
    tcase_add_test(tcase, test_static_files__etag_is_that_of_the_content);
    tcase_add_test(tcase, test_static_files__empty_file_has_data);
    tcase_add_test(tcase, test_static_files__names_that_are_not_there_are_not_found);
    tcase_add_test(tcase, test_static_files__overlong_name_is_not_found);
    tcase_add_test(tcase, test_static_files__later_changes_on_disk_are_not_seen);
    tcase_add_test(tcase, test_static_files__empty_directory_holds_nothing);
    tcase_add_test(tcase, test_static_files__hidden_entries_are_passed_over);
    tcase_add_test(tcase, test_static_files__link_to_a_file_is_loaded);
    add_refusals(tcase);
    Suite *suite = suite_create("static_files");
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(static_files_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
