/*
 * The template engine: the parts of the Mustache specification that it has, the refusal of those
 * that it has not, its limits, and garbage.
 */
#include "template.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 };

static char dir[64];
static int dir_fd;

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_template.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
}

static void number_name(unsigned number, char (*ret_name)[16])
{
    snprintf(*ret_name, sizeof *ret_name, "p%u.html", number);
}

static void tear_down(void)
{
    static const char *const names[] = {"home.html", "p.html", "q.html", "node.html"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlinkat(dir_fd, names[i], 0);
    for (unsigned i = 0; i <= TEMPLATE_FILES_MAX; i++) {
        char name[16];
        number_name(i, &name);
        unlinkat(dir_fd, name, 0);
    }
    close(dir_fd);
    rmdir(dir);
}

static void write_bytes(const char *name, const void *bytes, size_t len)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static json_t *parse_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    ck_assert_msg(json != NULL, "%s", error.text);
    return json;
}

static struct template *load(void)
{
    struct template *template = NULL;
    struct error err = {0};
    ck_assert_msg(template_load(dir, "home.html", &template, &err) == ERROR_NONE, "%s", err.cause);
    return template;
}

/* home.html, already written, renders to `expected`. */
static void expect_home(const char *context_json, const char *expected)
{
    CLEANUP(template_free) struct template *template = load();
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    struct error err = {0};
    json_t *context = parse_json(context_json);
    ck_assert_msg(template_render(template, context, &out, &err) == ERROR_NONE, "%s", err.cause);
    ck_assert_str_eq(out.data ? out.data : "", expected);
    json_decref(context);
}

static void expect(const char *source, const char *context_json, const char *expected)
{
    write_file("home.html", source);
    expect_home(context_json, expected);
}

static void expect_with_partial(const char *source, const char *partial, const char *context_json,
                                const char *expected)
{
    write_file("p.html", partial);
    expect(source, context_json, expected);
}

static void expect_home_refused(const char *cause)
{
    struct template *template = NULL;
    struct error err = {0};
    ck_assert_int_eq(template_load(dir, "home.html", &template, &err), ERROR_INTERNAL);
    ck_assert_ptr_null(template);
    ck_assert_str_eq(err.cause, cause);
    ck_assert_str_eq(err.detail, "");
}

static void expect_refused(const char *source, const char *cause)
{
    write_file("home.html", source);
    expect_home_refused(cause);
}

static void expect_render_fails(const char *context_json, size_t max, const char *cause)
{
    CLEANUP(template_free) struct template *template = load();
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, max);
    struct error err = {0};
    json_t *context = parse_json(context_json);
    ck_assert_int_eq(template_render(template, context, &out, &err), ERROR_INTERNAL);
    ck_assert_str_eq(err.cause, cause);
    ck_assert_uint_le(out.len, max);
    json_decref(context);
}

/* ---- variables ---- */

START_TEST(test_template__text_without_tags_stays)
{
    expect("a { b } }} c {\n", "{}", "a { b } }} c {\n");
    expect("", "{}", "");
}
END_TEST

START_TEST(test_template__variable_is_filled_in)
{
    expect("Hi {{name}}{{ \tname\n}}!", "{\"name\": \"Ada\"}", "Hi AdaAda!");
}
END_TEST

START_TEST(test_template__variable_is_escaped)
{
    expect("{{x}}", "{\"x\": \"<a href='x' title=\\\"y\\\">&amp;\"}",
           "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;");
    /* A browser would show a bare carriage return as a line feed. */
    expect("{{x}}", "{\"x\": \"a\\rb\"}", "a&#13;b");
}
END_TEST

START_TEST(test_template__text_of_a_variable_is_not_a_template)
{
    expect("{{x}}", "{\"x\": \"{{x}} {{>p}} {{{x}}}\"}", "{{x}} {{&gt;p}} {{{x}}}");
}
END_TEST

START_TEST(test_template__bytes_beyond_ascii_stay)
{
    expect("\xC3\xA9{{x}}\xE2\x82\xAC", "{\"x\": \"\\ud83d\\ude00\"}",
           "\xC3\xA9\xF0\x9F\x98\x80\xE2\x82\xAC");
}
END_TEST

START_TEST(test_template__numbers_and_booleans_are_printed)
{
    expect("{{i}} {{n}} {{r}} {{t}} {{f}}",
           "{\"i\": 85, \"n\": -7, \"r\": 1.210, \"t\": true, \"f\": false}",
           "85 -7 1.21 true false");
}
END_TEST

START_TEST(test_template__what_has_no_text_prints_nothing)
{
    expect("[{{missing}}{{null}}{{object}}{{list}}]",
           "{\"null\": null, \"object\": {\"a\": 1}, \"list\": [1]}", "[]");
}
END_TEST

START_TEST(test_template__context_that_is_no_object_has_no_names)
{
    expect("[{{a}}{{.}}]", "\"text\"", "[text]");
}
END_TEST

START_TEST(test_template__dotted_name_goes_down)
{
    expect("{{a.b.c}}", "{\"a\": {\"b\": {\"c\": \"deep\"}}}", "deep");
}
END_TEST

START_TEST(test_template__dotted_name_that_breaks_off_prints_nothing)
{
    expect("[{{a.b.c}}{{a.x.b}}{{s.length}}]", "{\"a\": {\"b\": {}}, \"c\": 1, \"s\": \"text\"}",
           "[]");
}
END_TEST

START_TEST(test_template__dotted_name_keeps_to_its_first_parts_value)
{
    expect("{{#a}}[{{b.c}}]{{/a}}", "{\"a\": {\"b\": {}}, \"b\": {\"c\": \"outer\"}}", "[]");
    expect("{{#a}}[{{b.c}}]{{/a}}", "{\"a\": {\"x\": 1}, \"b\": {\"c\": \"outer\"}}", "[outer]");
}
END_TEST

START_TEST(test_template__null_hides_the_outer_name)
{
    expect("{{#a}}[{{x}}]{{/a}}", "{\"a\": {\"x\": null}, \"x\": \"outer\"}", "[]");
}
END_TEST

START_TEST(test_template__variable_alone_on_its_line_keeps_the_line)
{
    expect("  {{x}}\r\n", "{\"x\": 1}", "  1\r\n");
}
END_TEST

/* ---- sections ---- */

START_TEST(test_template__false_values_skip_a_section)
{
    static const char *const values[] = {"false", "null", "0", "0.0", "-0.0", "\"\"", "[]"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char context[32];
        snprintf(context, sizeof context, "{\"x\": %s}", values[i]);
        expect("[{{#x}}yes{{/x}}{{^x}}no{{/x}}]", context, "[no]");
    }
    expect("[{{#x}}yes{{/x}}{{^x}}no{{/x}}]", "{}", "[no]");
}
END_TEST

START_TEST(test_template__true_values_render_a_section_once)
{
    static const char *const values[] = {"true", "1", "0.5", "-1.5", "\"0\"", "{}", "[0]"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char context[32];
        snprintf(context, sizeof context, "{\"x\": %s}", values[i]);
        expect("[{{#x}}yes{{/x}}{{^x}}no{{/x}}]", context, "[yes]");
    }
}
END_TEST

START_TEST(test_template__section_pushes_its_object)
{
    expect("{{#a}}{{x}}{{y}}{{/a}}{{x}}", "{\"a\": {\"x\": 1}, \"x\": 2, \"y\": 3}", "132");
}
END_TEST

START_TEST(test_template__section_repeats_for_each_of_a_list)
{
    expect("{{#l}}<{{n}}>{{/l}}", "{\"l\": [{\"n\": 1}, {\"n\": 2}, {\"m\": 3}]}", "<1><2><>");
}
END_TEST

START_TEST(test_template__dot_is_the_innermost_value)
{
    expect("{{#l}}({{.}}){{/l}}", "{\"l\": [\"<\", 2, 1.5, null, false]}",
           "(&lt;)(2)(1.5)()(false)");
    expect("{{#s}}{{.}}={{s}}{{/s}}", "{\"s\": \"x\"}", "x=x");
}
END_TEST

START_TEST(test_template__dot_goes_through_lists_of_lists)
{
    expect("{{#.}}({{#.}}{{.}}{{/.}}{{^.}}none{{/.}}){{/.}}", "[[1, 2], [], [3]]", "(12)(none)(3)");
}
END_TEST

START_TEST(test_template__sections_nest)
{
    expect("{{#a}}1{{#b}}2{{#c}}3{{/c}}{{^c}}4{{/c}}{{/b}}5{{/a}}6", "{\"a\": {\"b\": {\"d\": 1}}}",
           "12456");
}
END_TEST

START_TEST(test_template__section_of_the_same_name_nests)
{
    expect("{{#a}}1{{#a}}2{{/a}}3{{/a}}", "{\"a\": true}", "123");
}
END_TEST

START_TEST(test_template__inverted_section_pushes_nothing)
{
    expect("{{#o}}{{^a}}{{x}}{{.}}{{/a}}{{/o}}", "{\"o\": [\"t\"], \"x\": 1}", "1t");
}
END_TEST

START_TEST(test_template__dotted_sections)
{
    expect("{{#a.b}}{{c}}{{/a.b}}{{^a.x}}no{{/a.x}}", "{\"a\": {\"b\": {\"c\": 1}}}", "1no");
}
END_TEST

START_TEST(test_template__padding_in_tags_is_ignored)
{
    expect("{{# a }}{{! b }}1{{/\ta\r\n}}{{^ b }}2{{/ b}}", "{\"a\": true}", "12");
}
END_TEST

/* ---- comments and lines ---- */

START_TEST(test_template__comment_is_left_out)
{
    expect("a{{! {{{ & = \n < anything { } > }}b{{!}}c", "{}", "abc");
}
END_TEST

START_TEST(test_template__standalone_tags_take_their_line)
{
    expect("a\n{{#x}}\nb\n  {{! note }}\t\n{{/x}} \nc\n", "{\"x\": true}", "a\nb\nc\n");
    expect("a\n{{^x}}\nb\n{{/x}}\nc\n", "{}", "a\nb\nc\n");
}
END_TEST

START_TEST(test_template__standalone_crlf_lines)
{
    expect("a\r\n{{#x}}\r\nb\r\n{{/x}}\r\nc", "{\"x\": true}", "a\r\nb\r\nc");
}
END_TEST

START_TEST(test_template__bare_cr_ends_no_line)
{
    expect("{{#x}}\ra{{/x}}\r", "{\"x\": true}", "\ra\r");
}
END_TEST

START_TEST(test_template__standalone_at_the_files_ends)
{
    expect("  {{#x}}\na\n  {{/x}}", "{\"x\": true}", "a\n");
    expect(" {{! all there is }} ", "{}", "");
}
END_TEST

START_TEST(test_template__standalone_comment_of_several_lines)
{
    expect("a\n  {{!\n  b\n  }}\nc", "{}", "a\nc");
    expect("a {{!\n  b }}\nc", "{}", "a \nc");
}
END_TEST

START_TEST(test_template__two_tags_on_a_line_keep_the_line)
{
    expect(" {{#x}}{{/x}}\n{{! a }} {{! b }}\n", "{\"x\": true}", " \n \n");
}
END_TEST

START_TEST(test_template__inline_tags_keep_their_space)
{
    expect(" | {{#x}} \t|\n {{/x}} | \n", "{\"x\": true}", " |  \t|\n  | \n");
}
END_TEST

/* ---- partials ---- */

START_TEST(test_template__partial_is_included_with_the_context)
{
    expect_with_partial("[{{#l}}{{>p}}{{/l}}]", "<{{x}}{{y}}>",
                        "{\"l\": [{\"x\": 1}, {\"x\": 2}], \"y\": 3}", "[<13><23>]");
}
END_TEST

START_TEST(test_template__inline_partial_is_not_indented)
{
    expect_with_partial("  {{x}}  {{> p }}\n", ">\n>", "{\"x\": \"|\"}", "  |  >\n>\n");
}
END_TEST

START_TEST(test_template__standalone_partial_indents_each_line)
{
    expect_with_partial("a\n \t{{>p}}\nb\n", "1\n\n2\n", "{}", "a\n \t1\n \t\n \t2\nb\n");
}
END_TEST

START_TEST(test_template__standalone_partial_takes_its_line_end)
{
    expect_with_partial("|\r\n{{>p}}\r\n|", ">", "{}", "|\r\n>|");
    expect_with_partial("  {{>p}}\n>", ">\n>", "{}", "  >\n  >>");
    expect_with_partial(">\n  {{>p}}", ">\n>", "{}", ">\n  >\n  >");
}
END_TEST

START_TEST(test_template__lines_of_a_value_are_not_indented)
{
    expect_with_partial(" {{>p}}\n", "{{x}}a{{x}}\n", "{\"x\": \"1\\n2\"}", " 1\n2a1\n2\n");
}
END_TEST

START_TEST(test_template__indentation_goes_around_sections)
{
    expect_with_partial(" {{>p}}\n",
                        "{{#x}}\na\n{{/x}}\n{{#x}}b{{/x}}{{^x}}c{{/x}}\n{{^x}}d{{/x}}\n",
                        "{\"x\": [1, 2]}", " a\n a\n bb\n \n");
}
END_TEST

START_TEST(test_template__indentations_add_up)
{
    write_file("q.html", "1\n2\n");
    expect_with_partial(" {{>p}}\n", "a\n  {{>q}}\n{{>q}}\n[{{>q}}]", "{}",
                        " a\n   1\n   2\n 1\n 2\n [1\n2\n]");
}
END_TEST

START_TEST(test_template__partial_recurses)
{
    write_file("node.html", "{{c}}<{{#n}}{{>node}}{{/n}}>");
    expect("{{>node}}", "{\"c\": 1, \"n\": [{\"c\": 2, \"n\": []}, {\"c\": 3, \"n\": []}]}",
           "1<2<>3<>>");
}
END_TEST

START_TEST(test_template__partial_may_be_the_template_itself)
{
    expect("{{c}}{{#n}}{{>home}}{{/n}}", "{\"c\": 1, \"n\": {\"c\": 2, \"n\": false}}", "12");
}
END_TEST

START_TEST(test_template__partials_within_each_other_are_bounded)
{
    write_file("p.html", "{{>p}}{{>p}}");
    write_file("home.html", "{{>p}}");
    expect_render_fails("{}", OUTPUT_MAX, "p.html: more than 16 partials within each other");
}
END_TEST

/* {"n":{"n":false}}, so with `depth` objects. */
static void nest_json(unsigned depth, struct buffer *json)
{
    buffer_init(json, 512);
    for (unsigned i = 0; i < depth; i++)
        buffer_append_string(json, "{\"n\":");
    buffer_append_string(json, "false");
    for (unsigned i = 0; i < depth; i++)
        buffer_append_string(json, "}");
}

START_TEST(test_template__partials_as_deep_as_may_be)
{
    CLEANUP_FINI(buffer_fini) struct buffer json, deeper;
    write_file("p.html", "x{{#n}}{{>p}}{{/n}}");
    write_file("home.html", "{{>p}}");
    nest_json(TEMPLATE_PARTIAL_DEPTH_MAX, &json);
    expect_home(json.data, "xxxxxxxxxxxxxxxx");
    nest_json(TEMPLATE_PARTIAL_DEPTH_MAX + 1, &deeper);
    expect_render_fails(deeper.data, OUTPUT_MAX, "p.html: more than 16 partials within each other");
}
END_TEST

/* ---- what is refused ---- */

START_TEST(test_template__unescaped_variables_are_refused)
{
    expect_refused("a\nb {{{x}}}",
                   "home.html:2: {{{ is not supported: variables are always escaped");
    expect_refused("{{&x}}", "home.html:1: {{& is not supported: variables are always escaped");
    expect_refused("{{{", "home.html:1: {{{ is not supported: variables are always escaped");
}
END_TEST

START_TEST(test_template__other_delimiters_are_refused)
{
    expect_refused("\r\n\r\n{{=<% %>=}}",
                   "home.html:3: {{= is not supported: the delimiters are always {{ and }}");
}
END_TEST

START_TEST(test_template__inheritance_is_refused)
{
    expect_refused("{{<p}}{{/p}}",
                   "home.html:1: {{< is not supported: use a partial, there is no inheritance");
    expect_refused("{{$p}}{{/p}}",
                   "home.html:1: {{$ is not supported: use a partial, there is no inheritance");
}
END_TEST

START_TEST(test_template__refused_inside_a_section_that_never_renders)
{
    expect_refused("{{#no}}\n{{{x}}}\n{{/no}}",
                   "home.html:2: {{{ is not supported: variables are always escaped");
}
END_TEST

START_TEST(test_template__unclosed_tag_is_refused)
{
    static const char *const sources[] = {"{{", "{{x", "{{x}", "{{#x", "{{!\n", "{{>p\n}", "{{/"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        expect_refused(sources[i], "home.html:1: {{ is not closed");
}
END_TEST

START_TEST(test_template__unclosed_section_is_refused)
{
    expect_refused("a\n{{#x}}\n{{#y}}{{/y}}\n", "home.html:2: {{#x}} is not closed");
    expect_refused("{{^x.y}}", "home.html:1: {{^x.y}} is not closed");
}
END_TEST

START_TEST(test_template__mismatched_close_is_refused)
{
    expect_refused("{{#a}}\n{{^b}}\n\n{{/a}}{{/b}}",
                   "home.html:4: {{/a}} cannot close {{^b}} of line 2");
    expect_refused("{{#ab}}{{/a}}", "home.html:1: {{/a}} cannot close {{#ab}} of line 1");
}
END_TEST

START_TEST(test_template__close_of_nothing_is_refused)
{
    expect_refused("{{#a}}{{/a}}\n  {{/a}}", "home.html:2: {{/a}} closes nothing");
}
END_TEST

START_TEST(test_template__bad_names_are_refused)
{
    static const char *const sources[] = {
        "{{}}",     "{{ }}",    "{{#}}{{/}}",   "{{a b}}", "{{.a}}",
        "{{a.}}",   "{{a..b}}", "{{..}}",       "{{a}b}}", "{{*a}}",
        "{{%a}}",   "{{ #a}}",  "{{ {a} }}",    "{{a|b}}", "{{\xC3}}",
        "{{a\nb}}", "{{@a}}",   "{{?a}}{{/a}}", "{{a=b}}", "{{^a b}}{{/a b}}"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        expect_refused(sources[i],
                       "home.html:1: a name is a dot, or parts of A-Z, a-z, 0-9, _ and - with a "
                       "dot between, at most 64 in all");
}
END_TEST

START_TEST(test_template__nul_in_a_tag_is_refused)
{
    write_bytes("home.html", "{{\0a}}", 6);
    expect_home_refused("home.html:1: a name is a dot, or parts of A-Z, a-z, 0-9, _ and - with a "
                        "dot between, at most 64 in all");
}
END_TEST

START_TEST(test_template__bad_partial_names_are_refused)
{
    static const char *const sources[] = {"{{>}}",    "{{>../p}}", "{{>/p}}", "{{>P}}",
                                          "{{>p.q}}", "{{>p q}}",  "{{>*p}}", "{{>p\xff}}"};
    write_file("p.html", "");
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        expect_refused(sources[i], "home.html:1: a partial's name is 1 to 64 of a-z, 0-9, _ and -");
}
END_TEST

START_TEST(test_template__missing_partial_is_refused)
{
    expect_refused("\n\n {{>p}}", "home.html:3: the partial p.html: No such file or directory");
}
END_TEST

START_TEST(test_template__fault_in_a_partial_names_the_partial)
{
    write_file("p.html", "\n{{&x}}");
    expect_refused("{{>p}}", "p.html:2: {{& is not supported: variables are always escaped");
}
END_TEST

START_TEST(test_template__missing_template_is_refused)
{
    char cause[128];
    snprintf(cause, sizeof cause, "%s/home.html: No such file or directory", dir);
    expect_home_refused(cause);
}
END_TEST

START_TEST(test_template__directory_is_refused)
{
    char cause[128];
    ck_assert_int_eq(mkdirat(dir_fd, "home.html", 0700), 0);
    snprintf(cause, sizeof cause, "%s/home.html: Is a directory", dir);
    expect_home_refused(cause);
    unlinkat(dir_fd, "home.html", AT_REMOVEDIR);
}
END_TEST

/* ---- limits ---- */

START_TEST(test_template__file_size_at_and_over_the_limit)
{
    static char text[TEMPLATE_FILE_MAX + 1];
    char cause[128];
    memset(text, 'a', sizeof text);
    write_bytes("home.html", text, TEMPLATE_FILE_MAX);
    template_free(load());
    write_bytes("home.html", text, TEMPLATE_FILE_MAX + 1);
    snprintf(cause, sizeof cause, "%s/home.html: the file is too large", dir);
    expect_home_refused(cause);
    write_bytes("p.html", text, TEMPLATE_FILE_MAX + 1);
    expect_refused("{{>p}}", "home.html:1: the partial p.html: the file is too large");
}
END_TEST

START_TEST(test_template__file_of_newlines_at_the_limit)
{
    static char text[TEMPLATE_FILE_MAX];
    memset(text, '\n', sizeof text);
    write_bytes("home.html", text, sizeof text);
    CLEANUP(template_free) struct template *template = load();
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, sizeof text);
    ck_assert_int_eq(template_render(template, NULL, &out, NULL), ERROR_NONE);
    ck_assert_uint_eq(out.len, sizeof text);
}
END_TEST

START_TEST(test_template__name_length_at_and_over_the_limit)
{
    char name[TEMPLATE_NAME_MAX + 2] = {0};
    char source[sizeof name * 2 + 16], file[sizeof name + 16];
    memset(name, 'a', TEMPLATE_NAME_MAX);
    snprintf(file, sizeof file, "%s.html", name);
    write_file(file, "b");
    snprintf(source, sizeof source, "{{%s}}{{>%s}}", name, name);
    expect(source, "{}", "b");
    unlinkat(dir_fd, file, 0);
    name[TEMPLATE_NAME_MAX] = 'a';
    snprintf(source, sizeof source, "{{>%s}}", name);
    expect_refused(source, "home.html:1: a partial's name is 1 to 64 of a-z, 0-9, _ and -");
    snprintf(source, sizeof source, "{{%s}}", name);
    expect_refused(source, "home.html:1: a name is a dot, or parts of A-Z, a-z, 0-9, _ and - with "
                           "a dot between, at most 64 in all");
}
END_TEST

/* `depth` sections within each other around `inner`. */
static void write_nested(const char *name, unsigned depth, const char *inner)
{
    CLEANUP_FINI(buffer_fini) struct buffer source;
    buffer_init(&source, 512);
    for (unsigned i = 0; i < depth; i++)
        buffer_append_string(&source, "{{#a}}");
    buffer_append_string(&source, inner);
    for (unsigned i = 0; i < depth; i++)
        buffer_append_string(&source, "{{/a}}");
    write_file(name, source.data);
}

START_TEST(test_template__nesting_at_and_over_the_limit)
{
    write_nested("home.html", TEMPLATE_NESTING_MAX, "x");
    expect_home("{\"a\": true}", "x");
    write_nested("home.html", TEMPLATE_NESTING_MAX + 1, "x");
    expect_home_refused("home.html:1: more than 16 sections within each other");
}
END_TEST

START_TEST(test_template__deepest_recursion_is_survived)
{
    write_nested("home.html", TEMPLATE_NESTING_MAX, "{{>p}}");
    write_nested("p.html", TEMPLATE_NESTING_MAX, "{{>p}}");
    expect_render_fails("{\"a\": {\"b\": 1}}", OUTPUT_MAX,
                        "p.html: more than 16 partials within each other");
}
END_TEST

/* A template with `count` files, itself included: each partial names the next. */
static void write_chain(unsigned count)
{
    write_file("home.html", count > 1 ? "{{>p1}}" : "");
    for (unsigned i = 1; i < count; i++) {
        char name[16], source[32];
        number_name(i, &name);
        snprintf(source, sizeof source, "{{#no}}{{>p%u}}{{/no}}", i + 1 < count ? i + 1 : i);
        write_file(name, source);
    }
}

START_TEST(test_template__number_of_files_at_and_over_the_limit)
{
    write_chain(TEMPLATE_FILES_MAX);
    expect_home("{}", "");
    write_chain(TEMPLATE_FILES_MAX + 1);
    expect_home_refused("p31.html:1: more than 32 files");
}
END_TEST

START_TEST(test_template__output_at_and_over_the_buffers_maximum)
{
    write_file("home.html", "{{x}}5");
    CLEANUP(template_free) struct template *template = load();
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, 5);
    json_t *context = parse_json("{\"x\": \"&\"}");
    ck_assert_int_eq(template_render(template, context, &out, NULL), ERROR_INTERNAL);
    buffer_fini(&out);
    buffer_init(&out, 6);
    ck_assert_int_eq(template_render(template, context, &out, NULL), ERROR_NONE);
    ck_assert_str_eq(out.data, "&amp;5");
    json_decref(context);
    expect_render_fails("{\"x\": \"&\"}", 5, "home.html: over 5 bytes rendered, or out of memory");
}
END_TEST

START_TEST(test_template__endless_work_without_output_is_ended)
{
    write_nested("home.html", 8, ""); /* 30 to the 8th rounds */
    expect_render_fails("{\"a\": [0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9]}",
                        OUTPUT_MAX, "home.html: more than 10000000 steps to render");
}
END_TEST

START_TEST(test_template__renders_the_same_again)
{
    write_file("home.html", "{{#l}}{{.}},{{/l}}");
    CLEANUP(template_free) struct template *template = load();
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    json_t *context = parse_json("{\"l\": [1, 2]}");
    ck_assert_int_eq(template_render(template, context, &out, NULL), ERROR_NONE);
    ck_assert_int_eq(template_render(template, context, &out, NULL), ERROR_NONE);
    ck_assert_str_eq(out.data, "1,2,1,2,");
    json_decref(context);
}
END_TEST

START_TEST(test_template__free_takes_null)
{
    template_free(NULL);
}
END_TEST

/* ---- garbage ---- */

static uint64_t random_state;

static size_t random_below(size_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % limit;
}

/* Loads and, where that works, renders; only a sanitizer or a crash can fail here. */
static void try_garbage(const char *source, size_t len, const json_t *context)
{
    struct template *template = NULL;
    struct error err = {0};
    write_bytes("home.html", source, len);
    CLEANUP_FINI(buffer_fini) struct buffer out;
    buffer_init(&out, 4096);
    enum error_code code = template_load(dir, "home.html", &template, &err);
    if (!code)
        code = template_render(template, context, &out, &err);
    ck_assert((code == ERROR_INTERNAL) == (err.cause[0] != '\0'));
    template_free(template);
}

static const char garbage_context[] =
    "{\"a\": [1, {\"a\": \"<\"}, [2]], \"b\": {\"c\": \"\\u0000&\", \"a\": []}, \"c\": 0}";

START_TEST(test_template__mutated_templates_never_crash)
{
    static const char seed[] = "<p>{{a}} {{b.c}}</p>\r\n  {{#a}}\n {{.}}{{^c}}none{{/c}}\n{{/a}}\n"
                               "\t{{> p}}\n{{! note\n }}\n{{#b}}{{>p}}{{c}}{{/b}}{{>home}}";
    write_file("p.html", "[{{#a}}\n{{.}}{{/a}}\n]");
    json_t *context = parse_json(garbage_context);
    random_state = 1;
    for (unsigned round = 0; round < 3000; round++) {
        char source[sizeof seed];
        size_t len = sizeof seed - 1;
        memcpy(source, seed, sizeof seed);
        for (size_t i = random_below(6) + 1; i > 0; i--) {
            char *byte = &source[random_below(len)];
            *byte = (char)random_below(256);
            if (random_below(4))
                *byte = seed[random_below(len)];
        }
        try_garbage(source, random_below(8) ? len : random_below(len), context);
    }
    json_decref(context);
}
END_TEST

START_TEST(test_template__tags_in_any_order_never_crash)
{
    static const char *const pieces[] = {"{{#a}}",  "{{/a}}", "{{^a}}", "{{#b}}", "{{/b}}", "{{.}}",
                                         "{{b.c}}", "{{>p}}", "{{!x}}", "\n",     "\r\n",   " ",
                                         "x",       "{{#.}}", "{{/.}}", "{{",     "}}",     "{"};
    write_file("p.html", " {{a}}\n {{>p}}");
    json_t *context = parse_json(garbage_context);
    random_state = 2;
    for (unsigned round = 0; round < 3000; round++) {
        CLEANUP_FINI(buffer_fini) struct buffer source;
        buffer_init(&source, 256);
        buffer_append_string(&source, "{{c}}");
        for (size_t i = random_below(16); i > 0; i--)
            buffer_append_string(&source, pieces[random_below(random_below(8) ? 15 : 18)]);
        try_garbage(source.data, source.len, context);
    }
    json_decref(context);
}
END_TEST

static void add_variables(TCase *tcase)
{
    tcase_add_test(tcase, test_template__text_without_tags_stays);
    tcase_add_test(tcase, test_template__variable_is_filled_in);
    tcase_add_test(tcase, test_template__variable_is_escaped);
    tcase_add_test(tcase, test_template__text_of_a_variable_is_not_a_template);
    tcase_add_test(tcase, test_template__bytes_beyond_ascii_stay);
    tcase_add_test(tcase, test_template__numbers_and_booleans_are_printed);
    tcase_add_test(tcase, test_template__what_has_no_text_prints_nothing);
    tcase_add_test(tcase, test_template__context_that_is_no_object_has_no_names);
    tcase_add_test(tcase, test_template__dotted_name_goes_down);
    tcase_add_test(tcase, test_template__dotted_name_that_breaks_off_prints_nothing);
    tcase_add_test(tcase, test_template__dotted_name_keeps_to_its_first_parts_value);
    tcase_add_test(tcase, test_template__null_hides_the_outer_name);
    tcase_add_test(tcase, test_template__variable_alone_on_its_line_keeps_the_line);
}

static void add_sections(TCase *tcase)
{
    tcase_add_test(tcase, test_template__false_values_skip_a_section);
    tcase_add_test(tcase, test_template__true_values_render_a_section_once);
    tcase_add_test(tcase, test_template__section_pushes_its_object);
    tcase_add_test(tcase, test_template__section_repeats_for_each_of_a_list);
    tcase_add_test(tcase, test_template__dot_is_the_innermost_value);
    tcase_add_test(tcase, test_template__dot_goes_through_lists_of_lists);
    tcase_add_test(tcase, test_template__sections_nest);
    tcase_add_test(tcase, test_template__section_of_the_same_name_nests);
    tcase_add_test(tcase, test_template__inverted_section_pushes_nothing);
    tcase_add_test(tcase, test_template__dotted_sections);
    tcase_add_test(tcase, test_template__padding_in_tags_is_ignored);
}

static void add_lines(TCase *tcase)
{
    tcase_add_test(tcase, test_template__comment_is_left_out);
    tcase_add_test(tcase, test_template__standalone_tags_take_their_line);
    tcase_add_test(tcase, test_template__standalone_crlf_lines);
    tcase_add_test(tcase, test_template__bare_cr_ends_no_line);
    tcase_add_test(tcase, test_template__standalone_at_the_files_ends);
    tcase_add_test(tcase, test_template__standalone_comment_of_several_lines);
    tcase_add_test(tcase, test_template__two_tags_on_a_line_keep_the_line);
    tcase_add_test(tcase, test_template__inline_tags_keep_their_space);
}

static void add_partials(TCase *tcase)
{
    tcase_add_test(tcase, test_template__partial_is_included_with_the_context);
    tcase_add_test(tcase, test_template__inline_partial_is_not_indented);
    tcase_add_test(tcase, test_template__standalone_partial_indents_each_line);
    tcase_add_test(tcase, test_template__standalone_partial_takes_its_line_end);
    tcase_add_test(tcase, test_template__lines_of_a_value_are_not_indented);
    tcase_add_test(tcase, test_template__indentation_goes_around_sections);
    tcase_add_test(tcase, test_template__indentations_add_up);
    tcase_add_test(tcase, test_template__partial_recurses);
    tcase_add_test(tcase, test_template__partial_may_be_the_template_itself);
    tcase_add_test(tcase, test_template__partials_within_each_other_are_bounded);
    tcase_add_test(tcase, test_template__partials_as_deep_as_may_be);
}

static void add_refusals(TCase *tcase)
{
    tcase_add_test(tcase, test_template__unescaped_variables_are_refused);
    tcase_add_test(tcase, test_template__other_delimiters_are_refused);
    tcase_add_test(tcase, test_template__inheritance_is_refused);
    tcase_add_test(tcase, test_template__refused_inside_a_section_that_never_renders);
    tcase_add_test(tcase, test_template__unclosed_tag_is_refused);
    tcase_add_test(tcase, test_template__unclosed_section_is_refused);
    tcase_add_test(tcase, test_template__mismatched_close_is_refused);
    tcase_add_test(tcase, test_template__close_of_nothing_is_refused);
    tcase_add_test(tcase, test_template__bad_names_are_refused);
    tcase_add_test(tcase, test_template__nul_in_a_tag_is_refused);
    tcase_add_test(tcase, test_template__bad_partial_names_are_refused);
    tcase_add_test(tcase, test_template__missing_partial_is_refused);
    tcase_add_test(tcase, test_template__fault_in_a_partial_names_the_partial);
    tcase_add_test(tcase, test_template__missing_template_is_refused);
    tcase_add_test(tcase, test_template__directory_is_refused);
}

static void add_limits(TCase *tcase)
{
    tcase_add_test(tcase, test_template__file_size_at_and_over_the_limit);
    tcase_add_test(tcase, test_template__file_of_newlines_at_the_limit);
    tcase_add_test(tcase, test_template__name_length_at_and_over_the_limit);
    tcase_add_test(tcase, test_template__nesting_at_and_over_the_limit);
    tcase_add_test(tcase, test_template__deepest_recursion_is_survived);
    tcase_add_test(tcase, test_template__number_of_files_at_and_over_the_limit);
    tcase_add_test(tcase, test_template__output_at_and_over_the_buffers_maximum);
    tcase_add_test(tcase, test_template__endless_work_without_output_is_ended);
    tcase_add_test(tcase, test_template__renders_the_same_again);
    tcase_add_test(tcase, test_template__free_takes_null);
}

static void add_garbage(TCase *tcase)
{
    tcase_add_test(tcase, test_template__mutated_templates_never_crash);
    tcase_add_test(tcase, test_template__tags_in_any_order_never_crash);
}

static void add_case(Suite *suite, const char *name, void (*add_tests)(TCase *tcase))
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60); /* sanitizers on a busy machine */
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
}

static Suite *template_suite(void)
{
    Suite *suite = suite_create("template");
    add_case(suite, "variables", add_variables);
    add_case(suite, "sections", add_sections);
    add_case(suite, "lines", add_lines);
    add_case(suite, "partials", add_partials);
    add_case(suite, "refusals", add_refusals);
    add_case(suite, "limits", add_limits);
    add_case(suite, "garbage", add_garbage);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(template_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
