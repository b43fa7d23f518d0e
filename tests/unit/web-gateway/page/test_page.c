/*
 * The page: what a reader of each language is given, in which order, and that odd headers change
 * nothing. Rendered from the real template, as the gateway does.
 */
#include "page.h"
#include "page_language.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HTML_MAX = 1024 * 1024 };
enum { NOW_US = 1000000 };

static struct page *page;
static struct board *board;
static struct buffer html;

static const char *template_dir(void)
{
    const char *dir = getenv("TEMPLATE_DIR");
    return dir ? dir : TEMPMESSENGER_TEMPLATE_DIR;
}

static void set_up(void)
{
    struct error err = {0};
    ck_assert_msg(page_load(template_dir(), &page, &err) == ERROR_NONE, "%s", err.cause);
    board = board_new();
    ck_assert_ptr_nonnull(board);
    buffer_init(&html, HTML_MAX);
}

static void tear_down(void)
{
    buffer_fini(&html);
    board_free(board);
    page_free(page);
}

static struct page_view plain_view(void)
{
    return (struct page_view){.room = "ops", .now_us = NOW_US};
}

static enum error_code write_page(const struct page_view *view, struct buffer *ret_html,
                                  struct error *err)
{
    CLEANUP(message_array_free)
    struct message_array *messages = message_array_of(board, &(struct message_array_filter){0});
    message_array_sort(messages);
    return page_write(page, view, messages, ret_html, err);
}

static const char *render(const struct page_view *view)
{
    struct error err = {0};
    buffer_clear(&html);
    ck_assert_msg(write_page(view, &html, &err) == ERROR_NONE, "%s", err.cause);
    return html.data;
}

static void expect(const char *part)
{
    ck_assert_msg(strstr(html.data, part), "no %s in the page", part);
}

static void expect_none(const char *part)
{
    ck_assert_msg(!strstr(html.data, part), "%s in the page", part);
}

/* One whose id is `digit` 32 times, sent at `created_s` and gone `lifetime_s` after that. */
static void add_message(char digit, int64_t created_s, int64_t lifetime_s, const char *text)
{
    char id[MESSAGE_ID_SIZE];
    memset(id, digit, MESSAGE_ID_LEN);
    id[MESSAGE_ID_LEN] = '\0';
    struct message_fields fields = {
        .deadline_us = NOW_US + (uint64_t)lifetime_s * 1000000,
        .created_at_ms = created_s * 1000,
        .expires_at_ms = (created_s + lifetime_s) * 1000,
        .id = id,
        .room = "ops",
        .text = text,
    };
    struct message *message = message_new(&fields);
    ck_assert_ptr_nonnull(message);
    ck_assert_int_eq(board_insert(board, message), BOARD_ADDED);
    message_release(message);
}

static void expect_language(const char *header, const char *language)
{
    char part[32];
    struct page_view view = plain_view();
    view.language = page_language_choose(header);
    snprintf(part, sizeof part, "<html lang=\"%s\">", language);
    render(&view);
    ck_assert_msg(strstr(html.data, part), "%s: not %s", header ? header : "(none)", language);
}

static void expect_host(const char *host, const char *shown)
{
    char part[512];
    struct page_view view = plain_view();
    view.host = host;
    snprintf(part, sizeof part, "http://%s/rooms/ops\"", shown);
    render(&view);
    expect(part);
}

START_TEST(test_page__empty_room)
{
    struct page_view view = plain_view();
    render(&view);
    expect("<title>ops – TempMessenger</title>");
    expect("<ol id=\"messages\">\n</ol>");
    expect("<p id=\"empty\" class=\"empty\">");
}
END_TEST

START_TEST(test_page__messages_stand_in_the_order_in_which_they_were_sent)
{
    add_message('a', 100, 900, "sent first, ends last");
    add_message('b', 200, 60, "sent second, ends first");
    add_message('c', 300, 300, "sent third");
    struct page_view view = plain_view();
    render(&view);
    const char *first = strstr(html.data, "sent first");
    const char *second = strstr(html.data, "sent second");
    const char *third = strstr(html.data, "sent third");
    ck_assert(first && second && third);
    ck_assert(first < second && second < third);
    expect("<p id=\"empty\" class=\"empty\" hidden>");
}
END_TEST

START_TEST(test_page__message_has_its_times)
{
    add_message('a', 3661, 60, "x");
    struct page_view view = plain_view();
    view.now_us = NOW_US + 18000000;
    render(&view);
    expect("data-id=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" data-expires-in=\"42000\" "
           "data-lifetime=\"60000\"");
    expect("datetime=\"1970-01-01T01:01:01.000Z\">01:01 UTC<");
    expect("<span class=\"count\">42 s</span>");
}
END_TEST

START_TEST(test_page__message_is_gone_at_its_deadline)
{
    add_message('a', 1, 60, "short");
    add_message('b', 1, 61, "long");
    struct page_view view = plain_view();
    view.now_us = NOW_US + 60000000 - 1;
    render(&view);
    expect("data-expires-in=\"1\"");
    view.now_us++;
    render(&view);
    expect_none("short");
    expect("long");
    view.now_us += 1000000;
    render(&view);
    expect("<ol id=\"messages\">\n</ol>");
    expect("<p id=\"empty\" class=\"empty\">");
}
END_TEST

START_TEST(test_page__pieces_make_the_whole)
{
    CLEANUP_FINI(buffer_fini) struct buffer pieces;
    buffer_init(&pieces, HTML_MAX);
    add_message('a', 1, 60, "one");
    add_message('b', 2, 70, "two");
    struct page_view view = plain_view();
    render(&view);
    page_write_head(page, &view, &pieces);
    page_write_message(page, &view, board_at(board, 0), &pieces);
    page_write_message(page, &view, board_at(board, 1), &pieces);
    page_write_foot(page, &view, &pieces);
    ck_assert_str_eq(pieces.data, html.data);
}
END_TEST

START_TEST(test_page__texts_are_escaped)
{
    add_message('a', 1, 60, "<script>{{room}}&\"'");
    struct page_view view = plain_view();
    render(&view);
    expect(">&lt;script&gt;{{room}}&amp;&quot;&#39;<");
}
END_TEST

START_TEST(test_page__durations_are_rounded_to_one_unit)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{1, "1 s"},      {59, "59 s"},     {60, "1 min"},    {89, "1 min"},
                 {90, "2 min"},   {3569, "59 min"}, {3570, "1 h"},    {5400, "2 h"},
                 {84599, "23 h"}, {84600, "1 day"}, {86400, "1 day"}, {172800, "2 days"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char part[64];
        add_message((char)('a' + i % 6), 1, cases[i].seconds, "x");
        struct page_view view = plain_view();
        render(&view);
        snprintf(part, sizeof part, "<span class=\"count\">%s</span>", cases[i].text);
        expect(part);
        board_expire(board, UINT64_MAX);
    }
}
END_TEST

START_TEST(test_page__languages)
{
    expect_language(NULL, "en");
    expect_language("", "en");
    expect_language("de", "en");
    expect_language("*", "en");
    expect_language("en-GB,en;q=0.9,zh;q=0.8", "en");
    expect_language("zh", "zh-Hans");
    expect_language("ZH-cn", "zh-Hans");
    expect_language("de, zh-TW;q=0.1", "zh-Hans");
    expect_language("en;q=0.3, zh;q=0.4", "zh-Hans");
    expect_language("en;q=0.4, zh;q=0.4", "en");
    expect_language("zh;q=0", "en");
}
END_TEST

START_TEST(test_page__malformed_languages_are_english)
{
    char long_header[4096];
    memset(long_header, ',', sizeof long_header);
    memcpy(long_header + sizeof long_header - 4, ",zh", 4);
    expect_language(long_header, "en");
    expect_language("zhx", "en");
    expect_language("zh;q=x, en;q=-1", "en");
    expect_language("zh;x=1", "en");
    expect_language("zh;q=1e9", "en");
    expect_language(";;;,,,;q=", "en");
}
END_TEST

START_TEST(test_page__host_is_shown)
{
    expect_host("chat.example.org:8443", "chat.example.org:8443");
    expect_host("[::1]:8000", "[::1]:8000");
}
END_TEST

START_TEST(test_page__odd_hosts_are_not_shown)
{
    char long_host[300];
    memset(long_host, 'a', sizeof long_host - 1);
    long_host[sizeof long_host - 1] = '\0';
    static const char *const odd[] = {NULL, "", "a b", "a'b", "a;b", "a/b", "$(x)", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        expect_host(odd[i], "localhost:8000");
    expect_host(long_host, "localhost:8000");
    expect_host(long_host + 299 - 255, long_host + 299 - 255);
    expect_host(long_host + 299 - 256, "localhost:8000");
}
END_TEST

START_TEST(test_page__unknown_limits_offer_every_choice_and_the_default)
{
    struct page_view view = plain_view();
    render(&view);
    expect("<option value=\"\" selected>");
    expect("<option value=\"10\">10 s</option>");
    expect("<option value=\"60\">1 min</option>");
    expect("<option value=\"600\">10 min</option>");
    expect("<option value=\"3600\">1 h</option>");
    expect("<option value=\"86400\">1 day</option>");
    expect("data-text-max=\"0\"");
}
END_TEST

START_TEST(test_page__only_what_is_allowed_is_offered)
{
    struct page_view view = plain_view();
    view.limits = (struct message_limits){60000, 3600000, 600000, 4096};
    render(&view);
    expect_none("<option value=\"10\"");
    expect("<option value=\"60\">1 min</option>");
    expect("<option value=\"600\" selected>10 min</option>");
    expect("<option value=\"3600\">1 h</option>");
    expect_none("<option value=\"86400\"");
    expect_none("<option value=\"\"");
    expect("data-text-max=\"4096\"");
}
END_TEST

START_TEST(test_page__a_default_between_the_choices_has_its_place)
{
    struct page_view view = plain_view();
    view.limits = (struct message_limits){1000, 60000, 1500, 4096};
    const char *text = render(&view);
    const char *own = strstr(text, "<option value=\"1.5\" selected>2 s</option>");
    ck_assert_ptr_nonnull(own);
    ck_assert(own < strstr(text, "<option value=\"10\">"));
    view.limits = (struct message_limits){90000000, 180000000, 172800000, 4096};
    render(&view);
    expect("<option value=\"172800\" selected>2 days</option>");
    expect_none("<option value=\"86400\"");
}
END_TEST

START_TEST(test_page__reloads_without_a_script_unless_paused)
{
    struct page_view view = plain_view();
    render(&view);
    expect("<noscript><meta http-equiv=\"refresh\" content=\"20\"></noscript>");
    expect("href=\"?pause=1\"");
    view.paused = true;
    render(&view);
    expect_none("http-equiv=\"refresh\"");
    expect_none("href=\"?pause=1\"");
}
END_TEST

START_TEST(test_page__only_other_rooms_link_to_the_lobby)
{
    struct page_view view = plain_view();
    render(&view);
    expect("<p><a href=\"/\">");
    view.room = ROOM_NAME_DEFAULT;
    render(&view);
    expect_none("<p><a href=\"/\">");
}
END_TEST

START_TEST(test_page__over_the_buffers_maximum_is_an_error)
{
    struct page_view view = plain_view();
    struct error err = {0};
    struct buffer small;
    buffer_init(&small, 100);
    ck_assert_int_eq(write_page(&view, &small, &err), ERROR_INTERNAL);
    buffer_fini(&small);
}
END_TEST

START_TEST(test_page__missing_directory_is_refused)
{
    struct page *none = NULL;
    struct error err = {0};
    ck_assert_int_eq(page_load("/nonexistent", &none, &err), ERROR_INTERNAL);
    ck_assert_ptr_null(none);
    ck_assert_str_ne(err.cause, "");
}
END_TEST

/* Loading the real templates with another `name` fails with `cause`. */
static void expect_refused(const char *name, const char *content, const char *cause)
{
    static const char *const names[] = {"home.html",    "message.html",  "lifetime.html",
                                        "rooms.html",   "share.html",    "help.html",
                                        "compose.html", "texts.en.json", "texts.zh.json"};
    char dir[] = "/tmp/test_page.XXXXXX";
    char path[1024], target[1024];
    struct page *none = NULL;
    struct error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        snprintf(target, sizeof target, "%s/%s", template_dir(), names[i]);
        if (strcmp(names[i], name) != 0) {
            ck_assert_int_eq(symlink(target, path), 0);
            continue;
        }
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(content, file), 0);
        ck_assert_int_eq(fclose(file), 0);
    }
    enum error_code code = page_load(dir, &none, &err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    ck_assert_int_eq(code, ERROR_INTERNAL);
    ck_assert_ptr_null(none);
    ck_assert_str_eq(err.cause, cause);
}

START_TEST(test_page__home_without_a_place_for_messages_is_refused)
{
    expect_refused("home.html", "{{#messages}}x{{/messages}}",
                   "home.html: {{messages}} is missing");
}
END_TEST

START_TEST(test_page__table_without_a_text_of_ours_is_refused)
{
    expect_refused("texts.en.json", "{\"language\": \"en\"}",
                   "texts.en.json: Object item not found: page");
    expect_refused("texts.en.json",
                   "{\"language\": \"en\", \"page\": {\"lifetime_default\": \"x\"},"
                   " \"units\": {\"second\": [\"s\"]}}",
                   "texts.en.json: Array index 1 out of range");
}
END_TEST

/* ---- the tables of texts ---- */

static json_t *load_texts(const char *code)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/texts.%s.json", template_dir(), code);
    json_t *texts = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(texts);
    return texts;
}

/* Whether `other` has the members of `one`, of the same kinds, all the way down. */
static void expect_same_shape(const char *name, json_t *one, json_t *other)
{
    ck_assert_msg(other && json_typeof(one) == json_typeof(other), "%s differs", name);
    ck_assert_msg(json_array_size(one) == json_array_size(other), "%s differs", name);
    ck_assert_msg(json_object_size(one) == json_object_size(other), "%s differs", name);
    const char *key;
    json_t *value;
    json_object_foreach(one, key, value)
    {
        expect_same_shape(key, value, json_object_get(other, key));
    }
}

START_TEST(test_page__every_text_is_there_in_both_languages)
{
    json_t *english = load_texts("en");
    json_t *chinese = load_texts("zh");
    expect_same_shape("the table", english, chinese);
    json_decref(english);
    json_decref(chinese);
}
END_TEST

static TCase *rendering(void)
{
    TCase *tcase = tcase_create("rendering");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_page__empty_room);
    tcase_add_test(tcase, test_page__messages_stand_in_the_order_in_which_they_were_sent);
    tcase_add_test(tcase, test_page__message_has_its_times);
    tcase_add_test(tcase, test_page__message_is_gone_at_its_deadline);
    tcase_add_test(tcase, test_page__pieces_make_the_whole);
    tcase_add_test(tcase, test_page__texts_are_escaped);
    tcase_add_test(tcase, test_page__durations_are_rounded_to_one_unit);
    tcase_add_test(tcase, test_page__languages);
    tcase_add_test(tcase, test_page__malformed_languages_are_english);
    tcase_add_test(tcase, test_page__host_is_shown);
    tcase_add_test(tcase, test_page__odd_hosts_are_not_shown);
    tcase_add_test(tcase, test_page__unknown_limits_offer_every_choice_and_the_default);
    tcase_add_test(tcase, test_page__only_what_is_allowed_is_offered);
    tcase_add_test(tcase, test_page__a_default_between_the_choices_has_its_place);
    tcase_add_test(tcase, test_page__reloads_without_a_script_unless_paused);
    tcase_add_test(tcase, test_page__only_other_rooms_link_to_the_lobby);
    tcase_add_test(tcase, test_page__over_the_buffers_maximum_is_an_error);
    return tcase;
}

static TCase *loading(void)
{
    TCase *tcase = tcase_create("loading");
    tcase_add_test(tcase, test_page__missing_directory_is_refused);
    tcase_add_test(tcase, test_page__home_without_a_place_for_messages_is_refused);
    tcase_add_test(tcase, test_page__table_without_a_text_of_ours_is_refused);
    tcase_add_test(tcase, test_page__every_text_is_there_in_both_languages);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("page");
    suite_add_tcase(suite, rendering());
    suite_add_tcase(suite, loading());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
