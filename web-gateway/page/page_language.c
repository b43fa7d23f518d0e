/*
 * One table a language, texts.<code>.json beside the templates, holds all texts of the page. The
 * script gets its part in an attribute, because the page's policy allows no inline script.
 */
#include "page_language.h"

#include "file.h"
#include "json_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_MAX = 1024 };
enum { TEXTS_FILE_MAX = 128 * 1024 }; /* bytes of a table */

static const char *const codes[PAGE_LANGUAGE_COUNT] = {"en", "zh"};

/* ---- loading ---- */

static enum error_code read_texts(const char *dir, const char *code, json_t **ret_texts,
                                  struct error *err)
{
    char path[PATH_MAX];
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

/* The part of the table that goes to the script; NULL when out of memory. */
static json_t *script_part(json_t *units, json_t *texts)
{
    json_t *part = json_pack("{s:O, s:O}", "units", units, "texts", texts);
    char *text = json_dumps(part, JSON_COMPACT);
    json_t *string = json_string(text);
    free(text);
    json_decref(part);
    return string;
}

enum error_code page_language_load(const char *dir, unsigned number, struct page_language *language,
                                   struct error *err)
{
    enum error_code code = read_texts(dir, codes[number], &language->texts, err);
    if (code)
        return code;
    json_error_t fault;
    const char *name;
    const char *(*forms)[2] = language->units;
    json_t *units, *script;
    if (json_unpack_ex(language->texts, &fault, 0,
                       "{s:s, s:{s:s}, s:{s:[ss], s:[ss], s:[ss], s:[ss]}, s:o, s:o}", "language",
                       &name, "page", "lifetime_default", &language->lifetime_default, "units",
                       "second", &forms[0][0], &forms[0][1], "minute", &forms[1][0], &forms[1][1],
                       "hour", &forms[2][0], &forms[2][1], "day", &forms[3][0], &forms[3][1],
                       "units", &units, "script", &script) != 0)
        return error_because(err, ERROR_INTERNAL, "texts.%s.json: %s", codes[number], fault.text);
    language->script = script_part(units, script);
    return language->script ? ERROR_NONE : error_because(err, ERROR_INTERNAL, "out of memory");
}

void page_language_fini(struct page_language *language)
{
    json_decref(language->texts);
    json_decref(language->script);
}

/* ---- the choice ---- */

static bool range_is(const char *range, size_t len, const char *code)
{
    size_t code_len = strlen(code);
    return len >= code_len && strncasecmp(range, code, code_len) == 0 &&
           (len == code_len || range[code_len] == '-');
}

/* The quality of one part of the header, "zh-CN;q=0.8"; 0 where it is malformed. */
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
unsigned page_language_choose(const char *header)
{
    unsigned best = 0;
    double best_quality = 0;
    if (!header || strnlen(header, HEADER_MAX + 1) > HEADER_MAX)
        return best;
    while (*header) {
        header += strspn(header, ", \t");
        size_t len = strcspn(header, ",");
        double quality = quality_of(header, len);
        size_t range_len = strcspn(header, ";, \t");
        for (unsigned i = 0; i < PAGE_LANGUAGE_COUNT; i++)
            if (range_is(header, range_len, codes[i]) && quality > best_quality) {
                best = i;
                best_quality = quality;
            }
        header += len;
    }
    return best;
}

/* ---- durations ---- */

struct page_form_value page_language_duration(const struct page_language *language, uint64_t ms)
{
    const uint64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    uint64_t seconds = (ms + 999) / 1000;
    uint64_t minutes = (seconds + minute / 2) / minute;
    uint64_t hours = (seconds + hour / 2) / hour;
    unsigned unit = 3;
    uint64_t count = (seconds + day / 2) / day;
    if (seconds < minute) {
        unit = 0;
        count = seconds;
    } else if (minutes < hour / minute) {
        unit = 1;
        count = minutes;
    } else if (hours < day / hour) {
        unit = 2;
        count = hours;
    }
    struct page_form_value value = page_form_string(language->units[unit][count == 1 ? 0 : 1]);
    value.kind = PAGE_FORM_COUNT;
    value.number = count;
    return value;
}
