/*
 * Without memory: what the gateway is made of at its start, and what it makes of a request.
 */
#include "failing_alloc.h"

#include "board.h"
#include "event_parser.h"
#include "form.h"
#include "page.h"
#include "rate_limit.h"
#include "static_files.h"
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum { HTML_MAX = 1024 * 1024 };

static const char template_dir[] = TEMPMESSENGER_TEMPLATE_DIR;

static enum error_code templates(void)
{
    struct template *template = NULL;
    struct error err = {0};
    enum error_code code = template_load(template_dir, "home.html", &template, &err);
    REQUIRE(!code == (template != NULL));
    REQUIRE(!code == !err.cause[0]);
    template_free(template);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_template__out_of_memory_loads_nothing, templates)

static enum error_code pages_loaded(void)
{
    struct page *page = NULL;
    struct error err = {0};
    enum error_code code = page_load(template_dir, &page, &err);
    REQUIRE(!code == (page != NULL));
    REQUIRE(!code == !err.cause[0]);
    page_free(page);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_page__out_of_memory_loads_nothing, pages_loaded)

/* ---- what a page shows ---- */

static struct page *page;
static struct board *board;
static struct message_array *messages;
static struct buffer whole; /* the page as it is with memory */

static struct page_view view_of(uint64_t ttl_default_ms)
{
    return (struct page_view){
        .room = "ops",
        .limits = {.text_max = 4096,
                   .ttl_min_ms = 1000,
                   .ttl_max_ms = 86400000,
                   .ttl_default_ms = ttl_default_ms},
    };
}

static void set_up_page(uint64_t ttl_default_ms)
{
    static const char *const texts[] = {
        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"room\":\"ops\",\"author\":\"Ada\","
        "\"message\":\"text\",\"created_at\":\"2026-11-22T06:00:00.123Z\","
        "\"expires_at\":\"2026-11-22T06:01:00.123Z\",\"expires_in\":60000}",
        "{\"id\":\"1123456789abcdef0123456789abcdef\",\"room\":\"ops\",\"message\":\"more\","
        "\"created_at\":\"2026-11-22T06:00:00.123Z\","
        "\"expires_at\":\"2026-11-22T06:01:00.123Z\",\"expires_in\":60000}"};
    struct page_view view = view_of(ttl_default_ms);
    board = board_new();
    buffer_init(&whole, HTML_MAX);
    REQUIRE(page_load(template_dir, &page, NULL) == ERROR_NONE);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct message *message;
        REQUIRE(message_from_json(texts[i], strlen(texts[i]), i + 1, 0, &message));
        REQUIRE(board_insert(board, message) == BOARD_ADDED);
        message_release(message);
    }
    messages = message_array_of(board, &(struct message_array_filter){0});
    REQUIRE(messages && page_write(page, &view, messages, &whole, NULL) == ERROR_NONE);
}

static void tear_down_page(void)
{
    buffer_fini(&whole);
    message_array_free(messages);
    board_free(board);
    page_free(page);
}

/* A page that is written is written whole. */
static enum error_code write_page(uint64_t ttl_default_ms)
{
    struct page_view view = view_of(ttl_default_ms);
    CLEANUP_FINI(buffer_fini) struct buffer html;
    buffer_init(&html, HTML_MAX);
    enum error_code code = page_write(page, &view, messages, &html, NULL);
    REQUIRE(code || (html.len == whole.len && memcmp(html.data, whole.data, whole.len) == 0));
    return code;
}

static enum error_code pages_with_a_default(void)
{
    return write_page(60000);
}

static enum error_code pages_with_another_default(void)
{
    return write_page(61000);
}

static enum error_code pages_without_a_default(void)
{
    return write_page(0);
}

START_TEST(test_page__out_of_memory_writes_no_half_of_it)
{
    static const struct {
        uint64_t ttl_default_ms;
        failing_alloc_scenario *scenario;
    } pages[] = {{60000, pages_with_a_default},
                 {61000, pages_with_another_default},
                 {0, pages_without_a_default}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        set_up_page(pages[i].ttl_default_ms);
        failing_alloc_run("pages", pages[i].scenario);
        tear_down_page();
    }
}
END_TEST

/* ---- the rest ---- */

static enum error_code statics(void)
{
    struct static_files *files = NULL;
    enum error_code code = static_files_load(template_dir, &files, NULL);
    REQUIRE(!code == (files != NULL));
    REQUIRE(code || static_files_find(files, "page.css"));
    static_files_free(files);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_static_files__out_of_memory_loads_nothing, statics)

static enum error_code forms(void)
{
    static const char body[] = "ttl=60&message=a+b%20c";
    char *value = NULL;
    size_t len = 0;
    enum error_code code = form_field(body, strlen(body), "message", &value, &len);
    REQUIRE(code ? !value : strcmp(value, "a b c") == 0);
    free(value);
    return code;
}
FAILING_ALLOC_TEST(test_form__out_of_memory_is_internal, forms)

static enum error_code rate_limits(void)
{
    struct rate_limit *limit = rate_limit_new(20, 1000);
    rate_limit_free(limit);
    return limit ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_rate_limit__out_of_memory_is_null, rate_limits)

static bool take_event(void *context, const char *name, const char *id, const char *data,
                       size_t len)
{
    unsigned *taken = context;
    static const char *const datas[] = {"one", "two\nlines", "three"};
    REQUIRE(strcmp(name, "message") == 0);
    REQUIRE(id && strcmp(id, "7") == 0);
    REQUIRE(len == strlen(datas[*taken]) && memcmp(data, datas[*taken], len) == 0);
    ++*taken;
    return true;
}

/* The stream comes in pieces of each length: what is cut must be kept. */
static enum error_code parse_in_pieces(size_t piece)
{
    static const char stream[] = "id: 7\ndata: one\n\nid: 7\ndata: two\ndata: lines\n\n"
                                 "id: 7\r\ndata: three\r\n\r\n";
    unsigned taken = 0;
    struct event_parser parser;
    event_parser_init(&parser, 1024, take_event, &taken);
    bool good = true;
    for (size_t at = 0; at < sizeof stream - 1; at += piece) {
        size_t left = sizeof stream - 1 - at;
        bool before = good;
        good = event_parser_feed(&parser, stream + at, left < piece ? left : piece);
        REQUIRE(before || !good);
    }
    event_parser_reset(&parser);
    REQUIRE(!good || taken == 3);
    return good ? ERROR_NONE : ERROR_INTERNAL;
}

static enum error_code streams(void)
{
    static const size_t pieces[] = {1, 5, 9, 23};
    enum error_code code = ERROR_NONE;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces && !code; i++)
        code = parse_in_pieces(pieces[i]);
    return code;
}
FAILING_ALLOC_TEST(test_event_parser__out_of_memory_is_the_end, streams)

int main(void)
{
    const TTest *const tests[] = {
        test_template__out_of_memory_loads_nothing,
        test_page__out_of_memory_loads_nothing,
        test_page__out_of_memory_writes_no_half_of_it,
        test_static_files__out_of_memory_loads_nothing,
        test_form__out_of_memory_is_internal,
        test_rate_limit__out_of_memory_is_null,
        test_event_parser__out_of_memory_is_the_end,
    };
    return failing_alloc_main("alloc_pages", tests, sizeof tests / sizeof *tests);
}
