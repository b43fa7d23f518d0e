/*
 * Reads Accept once, from left to right, and keeps for each type that an error can have the quality
 * of the most specific range seen so far. Nothing is copied or allocated.
 *
 * Strict: one malformed range spoils the whole header, and the answer is then the problem document,
 * as it is without a header. Lenient in two things that RFC 9110 asks for: empty list members are
 * skipped, and q counts wherever it stands among the parameters. A range with any other parameter
 * than the charset we answer in describes something that we do not have, and matches nothing.
 */
#include "accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { QUALITY_MAX = 1000 }; /* q=1; three decimals are all that the grammar has */

enum specificity { MATCHES_NOT, MATCHES_ALL, MATCHES_TYPE, MATCHES_SUBTYPE, MATCHES_PARAMETERS };

/* A stretch of the header. */
struct slice {
    const char *at;
    size_t len;
};

struct media_range {
    struct slice type;
    struct slice subtype;
    int quality;
    bool has_charset; /* charset=utf-8 */
    bool has_other;   /* any other parameter */
};

/* One of the types an error can have, and what the header says of it so far. */
struct offer {
    const char *type;
    const char *subtype;
    enum specificity specificity;
    int quality;
};

static bool is_token_byte(char c)
{
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(const char **at)
{
    *at += strspn(*at, " \t");
}

static bool slice_is(struct slice slice, const char *word)
{
    return strlen(word) == slice.len && strncasecmp(slice.at, word, slice.len) == 0;
}

static bool read_token(const char **at, struct slice *ret_token)
{
    const char *end = *at;
    while (is_token_byte(*end))
        end++;
    *ret_token = (struct slice){*at, (size_t)(end - *at)};
    *at = end;
    return ret_token->len > 0;
}

/* The slice is what stands between the quotes, its escapes left as they are. */
static bool read_quoted(const char **at, struct slice *ret_value)
{
    const char *start = ++*at;
    while (**at && **at != '"') {
        if (**at == '\\' && (*at)[1])
            ++*at;
        ++*at;
    }
    if (!**at)
        return false;
    *ret_value = (struct slice){start, (size_t)(*at - start)};
    ++*at;
    return true;
}

/* 0, 1, or up to three decimals between. */
static bool read_quality(struct slice value, int *ret_quality)
{
    if (value.len == 0 || value.len > 5 || (value.at[0] != '0' && value.at[0] != '1'))
        return false;
    if (value.len > 1 && value.at[1] != '.')
        return false;
    int quality = (value.at[0] - '0') * QUALITY_MAX;
    int weight = QUALITY_MAX / 10;
    for (size_t i = 2; i < value.len; i++, weight /= 10) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
        quality += (value.at[i] - '0') * weight;
    }
    *ret_quality = quality;
    return quality <= QUALITY_MAX;
}

/* One `name=value` behind a semicolon, or nothing at all, which RFC 9110 allows too. */
static bool read_parameter(const char **at, struct media_range *range)
{
    struct slice name;
    struct slice value;
    if (**at == ';' || **at == ',' || **at == '\0')
        return true;
    if (!read_token(at, &name) || **at != '=')
        return false;
    ++*at;
    if (!(**at == '"' ? read_quoted(at, &value) : read_token(at, &value)))
        return false;
    if (slice_is(name, "q"))
        return read_quality(value, &range->quality);
    if (slice_is(name, "charset") && slice_is(value, "utf-8"))
        range->has_charset = true;
    else
        range->has_other = true;
    return true;
}

static bool read_range(const char **at, struct media_range *ret_range)
{
    struct media_range range = {.quality = QUALITY_MAX};
    if (!read_token(at, &range.type) || **at != '/')
        return false;
    ++*at;
    if (!read_token(at, &range.subtype))
        return false;
    if (slice_is(range.type, "*") && !slice_is(range.subtype, "*"))
        return false;
    skip_space(at);
    while (**at == ';') {
        ++*at;
        skip_space(at);
        if (!read_parameter(at, &range))
            return false;
        skip_space(at);
    }
    *ret_range = range;
    return true;
}

static enum specificity match(const struct media_range *range, const struct offer *offer)
{
    if (range->has_other)
        return MATCHES_NOT;
    if (slice_is(range->type, "*"))
        return MATCHES_ALL;
    if (!slice_is(range->type, offer->type))
        return MATCHES_NOT;
    if (slice_is(range->subtype, "*"))
        return MATCHES_TYPE;
    if (!slice_is(range->subtype, offer->subtype))
        return MATCHES_NOT;
    return range->has_charset ? MATCHES_PARAMETERS : MATCHES_SUBTYPE;
}

/* Of two equally specific ranges the kinder one counts. */
static void weigh(const struct media_range *range, struct offer *offer)
{
    enum specificity specificity = match(range, offer);
    if (specificity == MATCHES_NOT || specificity < offer->specificity)
        return;
    if (specificity > offer->specificity || range->quality > offer->quality)
        offer->quality = range->quality;
    offer->specificity = specificity;
}

/* What the header says of each offer; false where it is missing or malformed. */
static bool weigh_all(const char *header, struct offer *offers, size_t count)
{
    if (!header || strnlen(header, ACCEPT_MAX + 1) > ACCEPT_MAX)
        return false;
    const char *at = header;
    for (skip_space(&at); *at; skip_space(&at)) {
        struct media_range range;
        if (*at == ',') {
            at++;
            continue;
        }
        if (!read_range(&at, &range) || (*at && *at != ','))
            return false;
        for (size_t i = 0; i < count; i++)
            weigh(&range, &offers[i]);
    }
    return true;
}

bool accept_prefers_plain_text(const char *accept_header)
{
    struct offer offers[] = {{.type = "text", .subtype = "plain"},
                             {.type = "application", .subtype = "problem+json"},
                             {.type = "application", .subtype = "json"}};
    return weigh_all(accept_header, offers, 3) && offers[0].quality > offers[1].quality &&
           offers[0].quality > offers[2].quality;
}

bool accept_names_event_stream(const char *accept_header)
{
    struct offer stream = {.type = "text", .subtype = "event-stream"};
    return weigh_all(accept_header, &stream, 1) && stream.specificity >= MATCHES_SUBTYPE &&
           stream.quality > 0;
}
