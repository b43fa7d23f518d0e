/*
 * Reads the body of a POST into a draft. json_scan.c knows JSON; the rules are ours. They are
 * checked in the order of docs/api.md, the message first, so that a body with two faults always
 * gets the same answer.
 *
 * The sender's text never reaches the log: the cause says what is wrong and where, not with what.
 * The HTTP server limits the size of a body.
 *
 * All numbers are read as doubles: a ttl of 60 and one of 60.0 are one value, and an integer of
 * forty digits is out of range rather than a syntax error.
 */
#include "draft.h"

#include "json_scan.h"
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The public text of INVALID_AUTHOR in error.h names this number. */
_Static_assert(AUTHOR_MAX_CHARACTERS == 40, "error.h names another number of characters");

enum { SECONDS_SIZE = 48 };

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

/* Control characters cost six bytes each in JSON, and a terminal obeys them. */
static bool is_refused_in_text(uint32_t character)
{
    return text_is_control(character) && character != '\t' && character != '\n' &&
           character != '\r';
}

/* A name stands in one line beside others' words, whose direction is not its own to turn. */
static bool is_refused_in_author(uint32_t character)
{
    return text_is_control(character) || text_turns_direction(character);
}

/* Names the first refused character, or leaves the error to the list's own words. */
static enum error_code check_characters(const char *text, size_t len, enum error_code code,
                                        struct error *err)
{
    bool is_author = code == ERROR_INVALID_AUTHOR;
    uint32_t character;
    size_t place =
        text_find(text, len, is_author ? is_refused_in_author : is_refused_in_text, &character);
    if (place)
        return error_set(err, code, "The %s may not contain U+%04" PRIX32 " (character %zu)",
                         is_author ? "author" : "message", character, place);
    return text_has_visible(text, len) ? ERROR_NONE : code;
}

static enum error_code check_text(const char *text, size_t len, const struct draft_rules *rules,
                                  struct error *err)
{
    if (len > rules->text_max)
        return error_set(err, ERROR_TOO_LARGE, "The message must have at most %zu bytes",
                         rules->text_max);
    return check_characters(text, len, ERROR_INVALID_MESSAGE, err);
}

/* The string that was found, decoded, which is the caller's; NULL when out of memory. */
static char *decode(const struct json_scan_member *string, size_t *ret_len)
{
    char *text = malloc(string->len);
    if (!text)
        return NULL;
    *ret_len = json_scan_decode(string, text);
    text[*ret_len] = '\0';
    return text;
}

static enum error_code out_of_memory(struct error *err)
{
    return error_because(err, ERROR_INTERNAL, "out of memory for a draft");
}

static enum error_code read_message(const struct json_scan_member *message,
                                    const struct draft_rules *rules, struct draft *draft,
                                    struct error *err)
{
    if (!message->value)
        return ERROR_NO_MESSAGE;
    if (!json_scan_is_string(message))
        return ERROR_INVALID_MESSAGE;
    draft->text = decode(message, &draft->text_len);
    return draft->text ? check_text(draft->text, draft->text_len, rules, err) : out_of_memory(err);
}

/* The number, or infinity where it is beyond a double's range; NaN when out of memory. */
static double number_of(const struct json_scan_member *number)
{
    char *digits = malloc(number->len + 1);
    if (!digits)
        return NAN;
    memcpy(digits, number->value, number->len);
    digits[number->len] = '\0';
    double value = strtod(digits, NULL);
    free(digits);
    return value;
}

/* Compares in seconds, as the sender wrote them: k milliseconds divided by 1000 is the very double
 * that the decimal number k/1000 is read as, so "inclusive" is exact. */
static enum error_code read_ttl(const struct json_scan_member *ttl, const struct draft_rules *rules,
                                uint64_t *ret_ttl_ms, struct error *err)
{
    if (!ttl->value) {
        *ret_ttl_ms = rules->ttl_default_ms;
        return ERROR_NONE;
    }
    if (!json_scan_is_number(ttl))
        return invalid_ttl(rules, err);
    double seconds = number_of(ttl);
    if (isnan(seconds))
        return out_of_memory(err);
    bool within = seconds >= (double)rules->ttl_min_ms / 1000.0 &&
                  seconds <= (double)rules->ttl_max_ms / 1000.0;
    if (!within)
        return invalid_ttl(rules, err);
    *ret_ttl_ms = (uint64_t)(seconds * 1000.0 + 0.5);
    return ERROR_NONE;
}

static enum error_code read_author(const struct json_scan_member *author, char **ret_author,
                                   struct error *err)
{
    if (!author->value)
        return ERROR_NONE;
    if (!json_scan_is_string(author))
        return ERROR_INVALID_AUTHOR;
    size_t len;
    char *name = *ret_author = decode(author, &len);
    if (!name)
        return out_of_memory(err);
    if (text_characters(name, len) > AUTHOR_MAX_CHARACTERS)
        return ERROR_INVALID_AUTHOR;
    return check_characters(name, len, ERROR_INVALID_AUTHOR, err);
}

/* The body without the byte order mark that it may begin with. */
static const char *behind_mark(const char *body, size_t *len)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (*len < sizeof mark - 1 || memcmp(body, mark, sizeof mark - 1) != 0)
        return body;
    *len -= sizeof mark - 1;
    return body + sizeof mark - 1;
}

enum error_code draft_from_json(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err)
{
    struct json_scan_member members[] = {{.name = "message"}, {.name = "ttl"}, {.name = "author"}};
    struct draft draft = {0};
    const char *json = behind_mark(body, &len);
    enum error_code code =
        json_scan_object(json, len, members, sizeof members / sizeof *members, err);
    if (!code)
        code = read_message(&members[0], rules, &draft, err);
    if (!code)
        code = read_ttl(&members[1], rules, &draft.ttl_ms, err);
    if (!code)
        code = read_author(&members[2], &draft.author, err);
    if (code)
        draft_fini(&draft);
    else
        *ret_draft = draft;
    return code;
}

enum error_code draft_from_text(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err)
{
    if (!text_valid_utf8(body, len))
        return error_because(err, ERROR_INVALID_JSON, "the text/plain body is not UTF-8");
    enum error_code code = check_text(body, len, rules, err);
    if (code)
        return code;
    struct draft draft = {
        .text = malloc(len + 1), .text_len = len, .ttl_ms = rules->ttl_default_ms};
    if (!draft.text)
        return out_of_memory(err);
    memcpy(draft.text, body, len);
    draft.text[len] = '\0';
    *ret_draft = draft;
    return ERROR_NONE;
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
