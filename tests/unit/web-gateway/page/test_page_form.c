/*
 * Forms: what is rendered once, what fills the blanks, and that no value can pass for a blank.
 */
#include "page_form.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_MAX = 4096 };
enum { A, B, NAMES };
static const char *const names[NAMES] = {"a", "b"};

static char dir[64];
static char path[96];
static struct buffer out;
static struct page_form *form;
static struct error err;

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_page_form.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.html", dir);
    buffer_init(&out, OUTPUT_MAX);
    form = NULL;
    err = (struct error){0};
}

static void tear_down(void)
{
    page_form_free(form);
    buffer_fini(&out);
    unlink(path);
    rmdir(dir);
}

static enum error_code make(const char *source, const char *text)
{
    CLEANUP(template_free) struct template *template = NULL;
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(source, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(template_load(dir, "x.html", &template, NULL), ERROR_NONE);
    json_t *context = json_pack("{s:s}", "text", text);
    enum error_code code = page_form_new(template, context, names, NAMES, &form, &err);
    json_decref(context);
    return code;
}

static const char *fill(struct page_form_value a, struct page_form_value b)
{
    const struct page_form_value values[NAMES] = {[A] = a, [B] = b};
    buffer_clear(&out);
    page_form_write(form, 0, SIZE_MAX, values, &out);
    ck_assert(!out.failed);
    return out.data;
}

static void write_part(const void *context, struct buffer *part)
{
    buffer_append_string(part, context);
}

START_TEST(test_page_form__fills_its_blanks)
{
    ck_assert_int_eq(make("{{text}} <{{a}}|{{b}}|{{a}}>\n", "x&y"), ERROR_NONE);
    ck_assert_str_eq(fill(page_form_string("<1>"), page_form_number(UINT64_MAX)),
                     "x&amp;y <&lt;1&gt;|18446744073709551615|&lt;1&gt;>\n");
    struct page_form_value zero = {0};
    ck_assert_str_eq(fill(zero, zero), "x&amp;y <||>\n");
}
END_TEST

START_TEST(test_page_form__kinds_of_values)
{
    ck_assert_int_eq(make("{{a}} {{b}}", ""), ERROR_NONE);
    ck_assert_str_eq(
        fill((struct page_form_value){.kind = PAGE_FORM_PLAIN, .text = "<i>", .len = 2},
             (struct page_form_value){PAGE_FORM_PART, .write = write_part, .context = "<b>"}),
        "<i <b>");
    struct page_form_value count = page_form_string("<{n}>");
    count.kind = PAGE_FORM_COUNT;
    count.number = 7;
    struct page_form_value bare = page_form_string("none");
    bare.kind = PAGE_FORM_COUNT;
    ck_assert_str_eq(fill(count, bare), "&lt;7&gt; none");
}
END_TEST

START_TEST(test_page_form__values_are_no_blanks)
{
    ck_assert_int_eq(make("{{a}}{{b}}", ""), ERROR_NONE);
    ck_assert_str_eq(fill(page_form_string("\x01"
                                           "B{{b}}"),
                          page_form_string("x")),
                     "\x01"
                     "B{{b}}x");
}
END_TEST

START_TEST(test_page_form__is_cut_behind_a_blank)
{
    ck_assert_int_eq(make("1{{a}}2{{text}}3", "-"), ERROR_NONE);
    ck_assert_uint_eq(page_form_behind(form, B), 0);
    size_t middle = page_form_behind(form, A);
    const struct page_form_value values[NAMES] = {[A] = page_form_string("a")};
    page_form_write(form, 0, middle, values, &out);
    ck_assert_str_eq(out.data, "1a");
    page_form_write(form, middle, SIZE_MAX, values, &out);
    ck_assert_str_eq(out.data, "1a2-3");
}
END_TEST

START_TEST(test_page_form__marks_in_the_texts_are_refused)
{
    static const char *const texts[] = {"\x01",
                                        "\x01"
                                        "C",
                                        "\x01"
                                        "@"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_int_eq(make("{{text}}", texts[i]), ERROR_INTERNAL);
        ck_assert_ptr_null(form);
        ck_assert_str_eq(err.cause, "out of memory, or U+0001 in the page's texts");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page_form");
    TCase *tcase = tcase_create("forms");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_page_form__fills_its_blanks);
    tcase_add_test(tcase, test_page_form__kinds_of_values);
    tcase_add_test(tcase, test_page_form__values_are_no_blanks);
    tcase_add_test(tcase, test_page_form__is_cut_behind_a_blank);
    tcase_add_test(tcase, test_page_form__marks_in_the_texts_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
