/*
 * A default that is none of our choices has its place among them. The template of a choice says how
 * it looks, and the language how a duration reads.
 */
#include "page_lifetimes.h"

#include <stdio.h>

enum { TTL_SIZE = 32 };

enum { CHOICE_TTL, CHOICE_NAME, CHOICE_NAMES };
static const char *const choice_names[CHOICE_NAMES] = {"ttl", "name"};

enum error_code page_lifetimes_init(struct page_lifetimes *lifetimes,
                                    const struct template *template,
                                    const struct page_language *language, struct error *err)
{
    enum error_code code = ERROR_NONE;
    lifetimes->language = language;
    for (int i = 0; !code && i < 2; i++) {
        json_t *context = json_pack("{s:b}", "selected", i);
        code = page_form_new(template, context, choice_names, CHOICE_NAMES, &lifetimes->choice[i],
                             err);
        json_decref(context);
    }
    return code;
}

void page_lifetimes_fini(struct page_lifetimes *lifetimes)
{
    page_form_free(lifetimes->choice[0]);
    page_form_free(lifetimes->choice[1]);
}

static bool is_allowed(const struct message_limits *limits, uint64_t ms)
{
    return !limits->ttl_max_ms || (ms >= limits->ttl_min_ms && ms <= limits->ttl_max_ms);
}

/* A default of 0 is one that is not known: it has a name and no number. */
static void write_choice(const struct page_lifetimes *lifetimes, uint64_t ms, bool selected,
                         struct buffer *out)
{
    char ttl[TTL_SIZE] = "";
    struct page_form_value values[CHOICE_NAMES];
    if (ms)
        snprintf(ttl, sizeof ttl, "%.15g", (double)ms / 1000);
    values[CHOICE_TTL] = page_form_string(ttl);
    values[CHOICE_NAME] = ms ? page_language_duration(lifetimes->language, ms)
                             : page_form_string(lifetimes->language->lifetime_default);
    page_form_write(lifetimes->choice[selected], 0, SIZE_MAX, values, out);
}

void page_lifetimes_write(const struct page_lifetimes *lifetimes,
                          const struct message_limits *limits, struct buffer *out)
{
    static const uint64_t choices_ms[] = {10000, 60000, 600000, 3600000, 86400000};
    uint64_t default_ms = limits->ttl_default_ms;
    bool placed = false;
    for (size_t i = 0; i < sizeof choices_ms / sizeof *choices_ms; i++) {
        uint64_t ms = choices_ms[i];
        if (!placed && default_ms <= ms) {
            write_choice(lifetimes, default_ms, true, out);
            placed = true;
        }
        if (ms != default_ms && is_allowed(limits, ms))
            write_choice(lifetimes, ms, false, out);
    }
    if (!placed)
        write_choice(lifetimes, default_ms, true, out);
}
