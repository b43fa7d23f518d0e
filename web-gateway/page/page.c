/*
 * What the template is given, and nothing of how it looks. Texts go in as they are: the template
 * engine escapes every variable.
 *
 * Everything that has to be said in a language comes from one table a language, texts.<code>.json
 * beside the template; the part of it that the script needs goes along in an attribute, since the
 * page's policy allows no data between script tags to be trusted more than that.
 *
 * Messages are shown in the order in which they were sent; the board has them in the order in which
 * they end, so they are sorted here, for each rendering.
 */
#include "page.h"

#include "file.h"
#include "json_read.h"
#include "template.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PAGE_HOST_MAX = 255, PAGE_HEADER_MAX = 1024, PAGE_TEXT_SIZE = 64 };

/* Bytes of a language's table. */
enum { TEXTS_FILE_MAX = 128 * 1024 };

static const char host_default[] = "localhost:8000";

/* The first is for those who ask for none of them. */
enum { LANGUAGE_COUNT = 2 };
static const char *const language_codes[LANGUAGE_COUNT] = {"en", "zh"};

struct language {
    json_t *texts; /* the whole table */
    char *script;  /* its part for the script, as JSON */
};

struct page {
    struct template *template;
    struct language languages[LANGUAGE_COUNT];
};

/* ---- loading ---- */

static enum error_code read_texts(const char *dir, const char *code, json_t **ret_texts,
                                  struct error *err)
{
    char path[4096];
    char *text;
    size_t text_len;
    struct error why = {0};
    int len = snprintf(path, sizeof path, "%s/texts.%s.json", dir, code);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_because(err, ERROR_INTERNAL, "texts.%s.json: the path is too long", code);
    if (file_read(path, TEXTS_FILE_MAX, &text, &text_len, &why))
        return error_because(err, ERROR_INTERNAL, "texts.%s.json: %s", code, why.cause);
    json_error_t fault;
    enum error_code result = json_read(text, text_len, JSON_REJECT_DUPLICATES, ret_texts, &fault);
    free(text);
    if (result == ERROR_INVALID_JSON)
        return error_because(err, ERROR_INTERNAL, "texts.%s.json:%d: %s", code, fault.line,
                             fault.text);
    return result ? error_because(err, result, "out of memory") : ERROR_NONE;
}

static enum error_code load_language(const char *dir, const char *code, struct language *language,
                                     struct error *err)
{
    json_error_t fault;
    enum error_code result = read_texts(dir, code, &language->texts, err);
    if (result)
        return result;
    const char *name;
    json_t *page, *units, *script;
    if (json_unpack_ex(language->texts, &fault, 0, "{s:s, s:o, s:o, s:o}", "language", &name,
                       "page", &page, "units", &units, "script", &script) != 0)
        return error_because(err, ERROR_INTERNAL, "texts.%s.json: %s", code, fault.text);
    json_t *for_script = json_pack("{s:O, s:O}", "units", units, "texts", script);
    language->script = json_dumps(for_script, JSON_COMPACT);
    json_decref(for_script);
    if (!language->script)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    return ERROR_NONE;
}

enum error_code page_load(const char *template_dir, struct page **ret_page, struct error *err)
{
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    enum error_code code = template_load(template_dir, "home.html", &page->template, err);
    for (size_t i = 0; !code && i < LANGUAGE_COUNT; i++)
        code = load_language(template_dir, language_codes[i], &page->languages[i], err);
    if (code)
        page_free(page);
    else
        *ret_page = page;
    return code;
}

void page_free(struct page *page)
{
    if (!page)
        return;
    template_free(page->template);
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        json_decref(page->languages[i].texts);
        free(page->languages[i].script);
    }
    free(page);
}

/* ---- the language ---- */

static bool range_is(const char *range, size_t len, const char *code)
{
    size_t code_len = strlen(code);
    return len >= code_len && strncasecmp(range, code, code_len) == 0 &&
           (len == code_len || range[code_len] == '-');
}

/* The quality of one part of the header, "zh-CN;q=0.8"; 0 for what is malformed. */
static double quality_of(const char *part, size_t len)
{
    const char *parameter = memchr(part, ';', len);
    if (!parameter)
        return 1;
    parameter++;
    parameter += strspn(parameter, " \t");
    if (strncasecmp(parameter, "q=", 2) != 0)
        return 0;
    double quality = strtod(parameter + 2, NULL);
    return quality >= 0 && quality <= 1 ? quality : 0;
}

/* RFC 9110, 12.5.4, as far as two languages need it: the one with the highest quality, the first
 * named where two have the same. */
static const struct language *choose_language(const struct page *page, const char *header)
{
    size_t best = 0;
    double best_quality = 0;
    if (!header || strnlen(header, PAGE_HEADER_MAX + 1) > PAGE_HEADER_MAX)
        return &page->languages[best];
    while (*header) {
        header += strspn(header, ", \t");
        size_t len = strcspn(header, ",");
        double quality = quality_of(header, len);
        size_t range_len = strcspn(header, ";, \t");
        for (size_t i = 0; i < LANGUAGE_COUNT; i++)
            if (range_is(header, range_len, language_codes[i]) && quality > best_quality) {
                best = i;
                best_quality = quality;
            }
        header += len;
    }
    return &page->languages[best];
}

/* ---- durations ---- */

static void append_count(const char *form, uint64_t count, char ret_text[PAGE_TEXT_SIZE])
{
    const char *mark = strstr(form, "{n}");
    if (mark)
        snprintf(ret_text, PAGE_TEXT_SIZE, "%.*s%" PRIu64 "%s", (int)(mark - form), form, count,
                 mark + strlen("{n}"));
    else
        snprintf(ret_text, PAGE_TEXT_SIZE, "%s", form);
}

/* "42 s", "9 min", "1 day": one unit, rounded; words.js does the same. */
static void format_duration(const struct language *language, uint64_t ms,
                            char ret_text[PAGE_TEXT_SIZE])
{
    const uint64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    uint64_t seconds = (ms + 999) / 1000;
    uint64_t minutes = (seconds + minute / 2) / minute;
    uint64_t hours = (seconds + hour / 2) / hour;
    const char *unit = "day";
    uint64_t count = (seconds + day / 2) / day;
    if (seconds < minute) {
        unit = "second";
        count = seconds;
    } else if (minutes < hour / minute) {
        unit = "minute";
        count = minutes;
    } else if (hours < day / hour) {
        unit = "hour";
        count = hours;
    }
    const json_t *forms = json_object_get(json_object_get(language->texts, "units"), unit);
    const char *form = json_string_value(json_array_get(forms, count == 1 ? 0 : 1));
    append_count(form ? form : "{n}", count, ret_text);
}

/* ---- the context ---- */

static json_t *message_context(const struct page_view *view, const struct language *language,
                               const struct message *message)
{
    char created_at[MESSAGE_TIME_SIZE];
    char sent_at[PAGE_TEXT_SIZE];
    char left[PAGE_TEXT_SIZE];
    uint64_t expires_in = message_expires_in_ms(message, view->now_us);
    message_time_format(message->created_at_ms, created_at);
    snprintf(sent_at, sizeof sent_at, "%.5s UTC", created_at + strlen("2026-11-22T"));
    format_duration(language, expires_in, left);
    json_t *context =
        json_pack("{s:s, s:s#, s:s, s:s, s:s, s:I, s:I}", "id", message->id, "message",
                  message->text, (int)message->text_len, "created_at", created_at, "sent_at",
                  sent_at, "left", left, "expires_in", (json_int_t)expires_in, "lifetime",
                  (json_int_t)(message->expires_at_ms - message->created_at_ms));
    /* Not by "s*" above, which leaves the author out where there is no memory for it. */
    if (!message->author ||
        json_object_set_new(context, "author", json_string(message->author)) == 0)
        return context;
    json_decref(context);
    return NULL;
}

struct place {
    const struct message *message;
    size_t index; /* on the board: keeps the sort stable */
};

static int by_time_sent(const void *a, const void *b)
{
    const struct place *one = a;
    const struct place *other = b;
    if (one->message->created_at_ms != other->message->created_at_ms)
        return one->message->created_at_ms < other->message->created_at_ms ? -1 : 1;
    return one->index < other->index ? -1 : 1;
}

static json_t *messages_context(const struct page_view *view, const struct language *language)
{
    size_t count = board_count(view->board);
    struct place *places = calloc(count + 1, sizeof *places);
    json_t *messages = json_array();
    bool complete = places && messages;
    for (size_t i = 0; complete && i < count; i++)
        places[i] = (struct place){board_at(view->board, i), i};
    if (complete)
        qsort(places, count, sizeof *places, by_time_sent);
    for (size_t i = 0; complete && i < count; i++)
        complete = json_array_append_new(messages,
                                         message_context(view, language, places[i].message)) == 0;
    free(places);
    if (complete)
        return messages;
    json_decref(messages);
    return NULL;
}

static bool allowed_lifetime(const struct message_limits *limits, uint64_t ms)
{
    return !limits->ttl_max_ms || (ms >= limits->ttl_min_ms && ms <= limits->ttl_max_ms);
}

static json_t *lifetime_context(const struct language *language, uint64_t ms, bool selected)
{
    char ttl[PAGE_TEXT_SIZE];
    char name[PAGE_TEXT_SIZE];
    snprintf(ttl, sizeof ttl, "%.15g", (double)ms / 1000);
    format_duration(language, ms, name);
    return json_pack("{s:s, s:s, s:b}", "ttl", ttl, "name", name, "selected", selected);
}

/* The default where the message service's is not known: no number stands for it. */
static json_t *unknown_default_context(const struct language *language)
{
    const char *name = json_string_value(
        json_object_get(json_object_get(language->texts, "page"), "lifetime_default"));
    return json_pack("{s:s, s:s, s:b}", "ttl", "", "name", name ? name : "", "selected", true);
}

/* The choices that the message service allows and, among them, its default; every choice where it is
 * not known. NULL when out of memory. */
static json_t *lifetimes_context(const struct page_view *view, const struct language *language)
{
    static const uint64_t choices[] = {10000, 60000, 600000, 3600000, 86400000};
    const size_t count = sizeof choices / sizeof *choices;
    uint64_t default_ms = view->limits.ttl_default_ms;
    json_t *lifetimes = json_array();
    bool placed = !default_ms;
    int failed = placed ? json_array_append_new(lifetimes, unknown_default_context(language)) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!placed && default_ms <= choices[i]) {
            failed |=
                json_array_append_new(lifetimes, lifetime_context(language, default_ms, true));
            placed = true;
        }
        if (choices[i] != default_ms && allowed_lifetime(&view->limits, choices[i]))
            failed |=
                json_array_append_new(lifetimes, lifetime_context(language, choices[i], false));
    }
    if (!placed)
        failed |= json_array_append_new(lifetimes, lifetime_context(language, default_ms, true));
    if (!failed)
        return lifetimes;
    json_decref(lifetimes);
    return NULL;
}

/* Only what a host and a port are made of: it is shown as part of commands to be copied. */
static const char *safe_host(const char *host)
{
    size_t len = host ? strnlen(host, PAGE_HOST_MAX + 1) : 0;
    if (len == 0 || len > PAGE_HOST_MAX)
        return host_default;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(".-:[]", host[i]))
            return host_default;
    return host;
}

static json_t *page_context(const struct page *page, const struct page_view *view)
{
    const struct language *language = choose_language(page, view->accept_language);
    json_t *messages = messages_context(view, language);
    json_t *lifetimes = messages ? lifetimes_context(view, language) : NULL;
    if (!lifetimes) {
        json_decref(messages);
        return NULL;
    }
    return json_pack(
        "{s:O, s:O, s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:o, s:o}", "language",
        json_object_get(language->texts, "language"), "t", json_object_get(language->texts, "page"),
        "script_texts", language->script, "room", view->room, "host", safe_host(view->host),
        "is_lobby", strcmp(view->room, ROOM_NAME_DEFAULT) == 0, "is_empty",
        board_count(view->board) == 0, "is_paused", view->paused, "text_max",
        (json_int_t)view->limits.text_max, "lifetimes", lifetimes, "messages", messages);
}

enum error_code page_write(const struct page *page, const struct page_view *view,
                           struct buffer *ret_html, struct error *err)
{
    json_t *context = page_context(page, view);
    if (!context)
        return error_because(err, ERROR_INTERNAL, "out of memory for the page");
    enum error_code code = template_render(page->template, context, ret_html, err);
    json_decref(context);
    return code;
}
