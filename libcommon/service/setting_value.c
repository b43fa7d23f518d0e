/*
 * One function a kind reads its grammar. settings.c knows where the value came from, and prints
 * what is wrong with it.
 *
 * Numbers are read digit by digit with overflow checks rather than by strtoull, which would take
 * signs, blanks and other bases. A number too large for its type becomes the largest and fails the
 * range, so that the rule shown is the range and not the grammar.
 */
#include "setting_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_RULE "a duration such as 500ms, 10s, 5m, 2h or 1d"
#define SIZE_RULE "a size such as 65536, 64KiB or 8MiB"
#define RATE_RULE "a rate such as 20/s, 100/m or 1000/h, or off"

/* `factor` is in milliseconds or bytes. */
struct unit {
    const char *name;
    uint64_t factor;
};

/* The longest first, for writing; the empty one is for reading alone. */
static const struct unit duration_units[] = {
    {"d", UINT64_C(24) * 60 * 60 * 1000},
    {"h", UINT64_C(60) * 60 * 1000},
    {"m", UINT64_C(60) * 1000},
    {"s", 1000},
    {"ms", 1},
    {"", 1000},
};

static const struct unit size_units[] = {
    {"MiB", 1024UL * 1024},
    {"KiB", 1024},
    {"", 1},
};

static const struct unit rate_units[] = {
    {"/s", 1000},
    {"/m", UINT64_C(60) * 1000},
    {"/h", UINT64_C(60) * 60 * 1000},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Reads the digits that `text` begins with, at least one; *ret_end is what follows them. */
static bool read_number(const char *text, uint64_t *ret_number, const char **ret_end)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            number = UINT64_MAX;
    *ret_number = number;
    *ret_end = at;
    return at != text;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

/* Reads a number and its unit. */
static bool read_quantity(const char *text, const struct unit *units, size_t count,
                          uint64_t *ret_quantity)
{
    uint64_t number;
    const char *end;
    if (!read_number(text, &number, &end))
        return false;
    const struct unit *unit = find_unit(units, count, end);
    if (!unit)
        return false;
    if (__builtin_mul_overflow(number, unit->factor, ret_quantity))
        *ret_quantity = UINT64_MAX;
    return true;
}

bool setting_value_duration(const char *text, uint64_t *ret_ms)
{
    return read_quantity(text, duration_units, COUNT_OF(duration_units), ret_ms);
}

void setting_value_format_duration(uint64_t ms, char ret_text[SETTING_DURATION_SIZE])
{
    const struct unit *unit = duration_units;
    while (ms % unit->factor)
        unit++;
    if (!ms)
        unit = find_unit(duration_units, COUNT_OF(duration_units), "s");
    snprintf(ret_text, SETTING_DURATION_SIZE, "%" PRIu64 "%s", ms / unit->factor, unit->name);
}

void setting_value_format_size(uint64_t bytes, char ret_text[SETTING_SIZE_SIZE])
{
    const struct unit *unit = size_units;
    while (unit->factor > 1 && (!bytes || bytes % unit->factor))
        unit++;
    snprintf(ret_text, SETTING_SIZE_SIZE, "%" PRIu64 "%s", bytes / unit->factor, unit->name);
}

static bool in_range(const struct setting *setting, uint64_t number)
{
    return number >= setting->minimum && number <= setting->maximum;
}

__attribute__((format(printf, 2, 3))) static enum setting_value_outcome
refuse(char ret_rule[SETTING_RULE_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_rule, SETTING_RULE_SIZE, format, args);
    va_end(args);
    return SETTING_VALUE_REFUSED;
}

/* A member of SETTING_UNSIGNED or SETTING_BYTES. */
static enum setting_value_outcome parse_number(const struct setting *setting, const char *text,
                                               uint64_t *ret_number, char *ret_rule)
{
    const char *end;
    bool word = setting->zero_word && strcmp(text, setting->zero_word) == 0;
    if (word) {
        *ret_number = 0;
        return SETTING_VALUE_STORED;
    }
    if (read_number(text, ret_number, &end) && !*end && in_range(setting, *ret_number))
        return SETTING_VALUE_STORED;
    return refuse(ret_rule, "%s from %" PRIu64 " to %" PRIu64 "%s%s",
                  setting->kind == SETTING_BYTES ? "a number of bytes" : "a whole number",
                  setting->minimum, setting->maximum, setting->zero_word ? " or " : "",
                  setting->zero_word ? setting->zero_word : "");
}

static enum setting_value_outcome parse_duration(const struct setting *setting, const char *text,
                                                 uint64_t *ret_ms, char *ret_rule)
{
    uint64_t ms;
    if (!setting_value_duration(text, &ms))
        return refuse(ret_rule, DURATION_RULE);
    if (!in_range(setting, ms)) {
        char minimum[SETTING_DURATION_SIZE], maximum[SETTING_DURATION_SIZE];
        setting_value_format_duration(setting->minimum, minimum);
        setting_value_format_duration(setting->maximum, maximum);
        return refuse(ret_rule, "from %s to %s", minimum, maximum);
    }
    *ret_ms = ms;
    return SETTING_VALUE_STORED;
}

static enum setting_value_outcome parse_size(const struct setting *setting, const char *text,
                                             size_t *ret_bytes, char *ret_rule)
{
    uint64_t bytes;
    if (!read_quantity(text, size_units, COUNT_OF(size_units), &bytes))
        return refuse(ret_rule, SIZE_RULE);
    if (!in_range(setting, bytes)) {
        char minimum[SETTING_SIZE_SIZE], maximum[SETTING_SIZE_SIZE];
        setting_value_format_size(setting->minimum, minimum);
        setting_value_format_size(setting->maximum, maximum);
        return refuse(ret_rule, "from %s to %s", minimum, maximum);
    }
    *ret_bytes = bytes;
    return SETTING_VALUE_STORED;
}

static enum setting_value_outcome parse_choice(const struct setting *setting, const char *text,
                                               unsigned *ret_index, char *ret_rule)
{
    size_t used = (size_t)snprintf(ret_rule, SETTING_RULE_SIZE, "one of ");
    for (unsigned i = 0; setting->choices[i]; i++) {
        if (strcmp(text, setting->choices[i]) == 0) {
            *ret_index = i;
            return SETTING_VALUE_STORED;
        }
        if (used < SETTING_RULE_SIZE)
            used += (size_t)snprintf(ret_rule + used, SETTING_RULE_SIZE - used, "%s%s",
                                     i ? ", " : "", setting->choices[i]);
    }
    return SETTING_VALUE_REFUSED;
}

static enum setting_value_outcome parse_rate(const struct setting *setting, const char *text,
                                             struct setting_rate *ret_rate, char *ret_rule)
{
    if (strcmp(text, "off") == 0) {
        *ret_rate = (struct setting_rate){0};
        return SETTING_VALUE_STORED;
    }
    uint64_t count;
    const char *end;
    if (!read_number(text, &count, &end))
        return refuse(ret_rule, RATE_RULE);
    const struct unit *unit = find_unit(rate_units, COUNT_OF(rate_units), end);
    if (!unit)
        return refuse(ret_rule, RATE_RULE);
    if (!in_range(setting, count))
        return refuse(ret_rule, "a rate from %" PRIu64 "%s to %" PRIu64 "%s", setting->minimum,
                      unit->name, setting->maximum, unit->name);
    *ret_rate = (struct setting_rate){(unsigned)count, unit->factor};
    return SETTING_VALUE_STORED;
}

static enum setting_value_outcome parse_text(const struct setting *setting, const char *text,
                                             char **ret_text, char *ret_rule)
{
    uint64_t maximum = setting->maximum ? setting->maximum : SETTINGS_TEXT_MAX;
    size_t len = strlen(text);
    if (!len || len > maximum)
        return refuse(ret_rule, "a text of 1 to %" PRIu64 " bytes", maximum);
    char *copy = strdup(text);
    if (!copy)
        return SETTING_VALUE_NO_MEMORY;
    *ret_text = copy;
    return SETTING_VALUE_STORED;
}

static enum setting_value_outcome store_number(const struct setting *setting, const char *text,
                                               void *ret_member, char *ret_rule)
{
    uint64_t number;
    enum setting_value_outcome outcome = parse_number(setting, text, &number, ret_rule);
    if (outcome != SETTING_VALUE_STORED)
        return outcome;
    if (setting->kind == SETTING_BYTES)
        *(size_t *)ret_member = number;
    else
        *(unsigned *)ret_member = (unsigned)number;
    return outcome;
}

enum setting_value_outcome setting_value_parse(const struct setting *setting, const char *text,
                                               void *ret_member, char ret_rule[SETTING_RULE_SIZE])
{
    const char *rule = "";
    if (setting->valid && !setting->valid(text, &rule))
        return refuse(ret_rule, "%s", rule);
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_SECRET: return parse_text(setting, text, ret_member, ret_rule);
    case SETTING_UNSIGNED:
    case SETTING_BYTES: return store_number(setting, text, ret_member, ret_rule);
    case SETTING_DURATION: return parse_duration(setting, text, ret_member, ret_rule);
    case SETTING_SIZE: return parse_size(setting, text, ret_member, ret_rule);
    case SETTING_CHOICE: return parse_choice(setting, text, ret_member, ret_rule);
    case SETTING_RATE: return parse_rate(setting, text, ret_member, ret_rule);
    case SETTING_SWITCH: break;
    }
    return refuse(ret_rule, "taken here: it is a plain flag");
}
