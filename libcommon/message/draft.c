/*
 * Reads the body of a POST into a draft. jansson parses; the rules are ours. They are checked in
 * the order of docs/api.md, the message first, so that a body with two faults always gets the same
 * answer.
 *
 * The sender's text never reaches the log: jansson's error texts quote it, so the cause gives our
 * own words and the position. The HTTP server limits the size of a body, jansson its nesting
 * (2048).
 *
 * All numbers are read as doubles: a ttl of 60 and one of 60.0 are one value, and an integer of
 * forty digits is out of range rather than a syntax error.
 */
#include "draft.h"

#include "cleanup.h"
#include "json_read.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The public text of INVALID_AUTHOR in error.h names this number. */
_Static_assert(AUTHOR_MAX_CHARACTERS == 40, "error.h names another number of characters");

enum {
    SECONDS_SIZE = 48,
    LARGE_NUMBERS_MAX = 16, /* numbers beyond a double's range in one body */
};

CLEANUP_DEFINE(json_t, json_decref)

static const char *parse_fault(enum json_error_code code)
{
    switch (code) {
    case json_error_stack_overflow: return "nested too deep";
    case json_error_invalid_utf8: return "invalid UTF-8";
    case json_error_premature_end_of_input: return "ends too early";
    case json_error_end_of_input_expected: return "more after the end";
    case json_error_null_byte_in_key: return "NUL in a member's name";
    case json_error_duplicate_key: return "duplicate member";
    default: return "not JSON";
    }
}

/* "1", "0.25": as few digits as milliseconds need. */
static void format_seconds(uint64_t ms, char ret_text[SECONDS_SIZE])
{
    uint64_t fraction = ms % 1000;
    int digits = 3;
    while (digits > 0 && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    if (digits)
        snprintf(ret_text, SECONDS_SIZE, "%" PRIu64 ".%0*" PRIu64, ms / 1000, digits, fraction);
    else
        snprintf(ret_text, SECONDS_SIZE, "%" PRIu64, ms / 1000);
}

static enum error_code invalid_ttl(const struct draft_rules *rules, struct error *err)
{
    char min[SECONDS_SIZE];
    char max[SECONDS_SIZE];
    format_seconds(rules->ttl_min_ms, min);
    format_seconds(rules->ttl_max_ms, max);
    return error_set(err, ERROR_INVALID_TTL, "The ttl must be a number of seconds from %s to %s",
                     min, max);
}

/* The first byte of the number that ends before `end`. */
static size_t number_begin(const char *json, size_t end)
{
    size_t begin = end;
    while (begin > 0 && json[begin - 1] && strchr("0123456789+-.eE", json[begin - 1]))
        begin--;
    return begin;
}

/* Overwrites the number that ends before `end`, which is beyond a double's range, with one within
 * it; false if there is no room for that. */
static bool tame_number(char *json, size_t end)
{
    static const char large[] = "1e308";
    size_t begin = number_begin(json, end);
    if (end - begin < sizeof large - 1)
        return false;
    memset(json + begin, ' ', end - begin);
    memcpy(json + begin, large, sizeof large - 1);
    return true;
}

/*
 * A number beyond a double's range is valid JSON (RFC 8259, section 6), but jansson refuses it.
 * Such a number is made smaller, in a copy: as a ttl it is still out of range, and in a member that
 * is ignored it does no harm.
 */
static enum error_code parse(const void *body, size_t len, json_t **ret_json, json_error_t *fault)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    enum error_code code = json_read(body, len, flags, ret_json, fault);
    if (code != ERROR_INVALID_JSON || json_error_code(fault) != json_error_numeric_overflow)
        return code;
    char *copy = malloc(len);
    if (!copy)
        return ERROR_INTERNAL;
    memcpy(copy, body, len);
    for (unsigned i = 0; code == ERROR_INVALID_JSON && i < LARGE_NUMBERS_MAX; i++) {
        if (json_error_code(fault) != json_error_numeric_overflow || fault->position < 0 ||
            (size_t)fault->position > len || !tame_number(copy, (size_t)fault->position))
            break;
        code = json_read(copy, len, flags, ret_json, fault);
    }
    free(copy);
    return code;
}

static enum error_code parse_object(const void *body, size_t len, json_t **ret_object,
                                    struct error *err)
{
    json_error_t fault;
    CLEANUP(json_decref) json_t *json = NULL;
    enum error_code code = parse(body, len, &json, &fault);
    if (code == ERROR_INVALID_JSON)
        return error_because(err, code, "the body: %s at byte %d",
                             parse_fault(json_error_code(&fault)), fault.position);
    if (code)
        return error_because(err, code, "out of memory for the JSON of a draft");
    if (!json_is_object(json))
        return error_because(err, ERROR_INVALID_JSON, "the body is an array, not an object");
    *ret_object = json;
    json = NULL;
    return ERROR_NONE;
}

static bool readable(const char *text, size_t len)
{
    return !memchr(text, '\0', len) && text_has_visible(text, len);
}

static enum error_code check_text(const char *text, size_t len, const struct draft_rules *rules,
                                  struct error *err)
{
    if (len > rules->text_max)
        return error_set(err, ERROR_TOO_LARGE, "The message must have at most %zu bytes",
                         rules->text_max);
    return len && readable(text, len) ? ERROR_NONE : ERROR_INVALID_MESSAGE;
}

static enum error_code check_message(const json_t *message, const struct draft_rules *rules,
                                     struct error *err)
{
    if (!message)
        return ERROR_NO_MESSAGE;
    if (!json_is_string(message))
        return ERROR_INVALID_MESSAGE;
    return check_text(json_string_value(message), json_string_length(message), rules, err);
}

/* Compares in seconds, as the sender wrote them: k milliseconds divided by 1000 is the very double
 * that the decimal number k/1000 is read as, so "inclusive" is exact. */
static enum error_code read_ttl(const json_t *ttl, const struct draft_rules *rules,
                                uint64_t *ret_ttl_ms, struct error *err)
{
    if (!ttl) {
        *ret_ttl_ms = rules->ttl_default_ms;
        return ERROR_NONE;
    }
    if (!json_is_number(ttl))
        return invalid_ttl(rules, err);
    double seconds = json_number_value(ttl);
    bool within = seconds >= (double)rules->ttl_min_ms / 1000.0 &&
                  seconds <= (double)rules->ttl_max_ms / 1000.0;
    if (!within)
        return invalid_ttl(rules, err);
    *ret_ttl_ms = (uint64_t)(seconds * 1000.0 + 0.5);
    return ERROR_NONE;
}

static enum error_code check_author(const json_t *author)
{
    if (!author)
        return ERROR_NONE;
    if (!json_is_string(author))
        return ERROR_INVALID_AUTHOR;
    const char *name = json_string_value(author);
    size_t len = json_string_length(author);
    bool fits = text_characters(name, len) <= AUTHOR_MAX_CHARACTERS;
    return fits && readable(name, len) ? ERROR_NONE : ERROR_INVALID_AUTHOR;
}

static char *copy(const char *text, size_t len)
{
    char *string = malloc(len + 1);
    if (!string)
        return NULL;
    memcpy(string, text, len);
    string[len] = '\0';
    return string;
}

/* Everything has been checked; `author` may be NULL. */
static enum error_code make_draft(const char *text, size_t text_len, const char *author,
                                  uint64_t ttl_ms, struct draft *ret_draft, struct error *err)
{
    struct draft draft = {
        .text = copy(text, text_len),
        .text_len = text_len,
        .author = author ? copy(author, strlen(author)) : NULL,
        .ttl_ms = ttl_ms,
    };
    if (!draft.text || (author && !draft.author)) {
        draft_fini(&draft);
        return error_because(err, ERROR_INTERNAL, "out of memory for a draft");
    }
    *ret_draft = draft;
    return ERROR_NONE;
}

enum error_code draft_from_json(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err)
{
    CLEANUP(json_decref) json_t *object = NULL;
    enum error_code code = parse_object(body, len, &object, err);
    if (code)
        return code;
    const json_t *message = json_object_get(object, "message");
    const json_t *author = json_object_get(object, "author");
    uint64_t ttl_ms = 0;
    code = check_message(message, rules, err);
    if (!code)
        code = read_ttl(json_object_get(object, "ttl"), rules, &ttl_ms, err);
    if (!code)
        code = check_author(author);
    if (code)
        return code;
    return make_draft(json_string_value(message), json_string_length(message),
                      json_string_value(author), ttl_ms, ret_draft, err);
}

enum error_code draft_from_text(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err)
{
    if (!text_valid_utf8(body, len))
        return error_because(err, ERROR_INVALID_JSON, "the text/plain body is not UTF-8");
    enum error_code code = check_text(body, len, rules, err);
    if (code)
        return code;
    return make_draft(body, len, NULL, rules->ttl_default_ms, ret_draft, err);
}

size_t draft_size(const struct draft *draft)
{
    return draft->text_len + (draft->author ? strlen(draft->author) : 0);
}

void draft_fini(struct draft *draft)
{
    free(draft->author);
    free(draft->text);
    *draft = (struct draft){0};
}
