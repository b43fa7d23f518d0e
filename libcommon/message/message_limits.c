/*
 * Commas part the members of the dictionary, except within a string. Members that are not ours are
 * not parsed, so that a later service may add some, in any form, and this reader still finds the
 * four figures it knows.
 *
 * It reads all four or none: the page derives its choices from them, and half would mislead.
 */
#include "message_limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FIGURE_DIGITS_MAX = 15 };

enum figure { TTL_MIN, TTL_MAX, TTL_DEFAULT, TEXT_MAX, FIGURES };

static const char *const keys[FIGURES] = {
    [TTL_MIN] = "ttl-min",
    [TTL_MAX] = "ttl-max",
    [TTL_DEFAULT] = "ttl-default",
    [TEXT_MAX] = "text-max",
};

static uint64_t capped(uint64_t figure)
{
    return figure < MESSAGE_LIMITS_FIGURE_MAX ? figure : MESSAGE_LIMITS_FIGURE_MAX;
}

void message_limits_format(const struct message_limits *limits, char *ret_text, size_t size)
{
    int len =
        snprintf(ret_text, size, "%s=%" PRIu64 ", %s=%" PRIu64 ", %s=%" PRIu64 ", %s=%" PRIu64,
                 keys[TTL_MIN], capped(limits->ttl_min_ms), keys[TTL_MAX],
                 capped(limits->ttl_max_ms), keys[TTL_DEFAULT], capped(limits->ttl_default_ms),
                 keys[TEXT_MAX], capped(limits->text_max));
    if (size && (len < 0 || (size_t)len >= size))
        ret_text[0] = '\0';
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* Where the member that begins at `at` ends: at a comma or at the end of the text. */
static const char *member_end(const char *at)
{
    bool quoted = false;
    for (; *at && (quoted || *at != ','); at++)
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
    return at;
}

/* An integer and, behind it, nothing but parameters; they end at `end`. */
static bool read_figure(const char *at, const char *end, uint64_t *ret_figure)
{
    size_t digits = strspn(at, "0123456789");
    uint64_t figure = 0;
    if (!digits || digits > FIGURE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits; i++)
        figure = figure * 10 + (uint64_t)(at[i] - '0');
    at = skip_space(at + digits);
    *ret_figure = figure;
    return figure && (at == end || *at == ';');
}

/* Reads the member between `at` and `end` if it is one of ours. False: it is ours and invalid. */
static bool read_member(const char *at, const char *end, uint64_t figures[FIGURES])
{
    size_t key_len = strcspn(at, "=;, \t");
    for (size_t i = 0; i < FIGURES; i++)
        if (key_len == strlen(keys[i]) && memcmp(at, keys[i], key_len) == 0)
            return at[key_len] == '=' && read_figure(at + key_len + 1, end, &figures[i]);
    return true;
}

static bool read_members(const char *text, uint64_t figures[FIGURES])
{
    for (;;) {
        const char *at = skip_space(text);
        text = member_end(at);
        if (!read_member(at, text, figures))
            return false;
        if (!*text)
            return true;
        text++;
    }
}

/* Whether the figures agree, and all are there: a missing one is 0. */
static bool in_order(const uint64_t figures[FIGURES])
{
    return figures[TTL_MIN] && figures[TEXT_MAX] && figures[TTL_MIN] <= figures[TTL_DEFAULT] &&
           figures[TTL_DEFAULT] <= figures[TTL_MAX];
}

bool message_limits_parse(const char *text, struct message_limits *ret_limits)
{
    uint64_t figures[FIGURES] = {0};
    if (!read_members(text, figures) || !in_order(figures))
        return false;
    *ret_limits = (struct message_limits){
        .ttl_min_ms = figures[TTL_MIN],
        .ttl_max_ms = figures[TTL_MAX],
        .ttl_default_ms = figures[TTL_DEFAULT],
        .text_max = (size_t)figures[TEXT_MAX],
    };
    return true;
}
