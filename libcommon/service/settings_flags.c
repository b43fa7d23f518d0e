/*
 * --name value, --name=value and, for the same setting, --name-file with a path. Reading the values
 * is left to settings.c.
 */
#include "settings_flags.h"

#include "settings_help.h"
#include "settings_refusal.h"

#include <stdlib.h>
#include <string.h>

#define FILE_SUFFIX "-file"

struct reader {
    const struct settings_program *program;
    FILE *err;
    unsigned char *settings;
    struct settings_given *flags;
};

/* Whether the `len` bytes of `flag` are the flag of the variable `name` with `suffix`. */
static bool flag_is(const char *name, const char *suffix, const char *flag, size_t len)
{
    size_t name_len = strlen(name);
    if (len != name_len + strlen(suffix) || memcmp(flag + name_len, suffix, strlen(suffix)) != 0)
        return false;
    for (size_t i = 0; i < name_len; i++)
        if (flag[i] != settings_help_flag_byte(name[i]))
            return false;
    return true;
}

/* The place for the value of a flag; NULL for a switch, which is set at once. */
static bool find_flag(struct reader *reader, const char *flag, size_t len, const char ***ret_place,
                      const struct setting **ret_setting)
{
    for (size_t i = 0; i < reader->program->count; i++) {
        const struct setting *setting = &reader->program->settings[i];
        bool plain = setting->kind == SETTING_SWITCH;
        bool value = flag_is(setting->name, "", flag, len);
        if (!value && (plain || !flag_is(setting->name, FILE_SUFFIX, flag, len)))
            continue;
        if (plain)
            *(bool *)(reader->settings + setting->offset) = true;
        *ret_setting = setting;
        *ret_place = plain ? NULL : value ? &reader->flags[i].value : &reader->flags[i].file;
        return true;
    }
    return false;
}

static enum settings_outcome refuse(const struct reader *reader, const char *subject,
                                    const char *value, const char *rest)
{
    return settings_refusal_line(reader->err, reader->program, subject, value, rest);
}

/* Reads the flag at argv[*at] and moves `at` to the last argument it took. */
static enum settings_outcome read_flag(struct reader *reader, char *const argv[], int *at)
{
    const char *argument = argv[*at];
    if (strncmp(argument, "--", 2) != 0)
        return refuse(reader, "stray argument ", argument, "; --help lists the flags");
    size_t len = strcspn(argument, "=");
    const char *inline_value = argument[len] ? argument + len + 1 : NULL;
    char *shown = strndup(argument, len); /* not the value: it may be a secret */
    if (!shown)
        return refuse(reader, "out of memory", NULL, "");
    const struct setting *setting;
    const char **place;
    enum settings_outcome outcome = SETTINGS_OK;
    if (!find_flag(reader, argument + 2, len - 2, &place, &setting))
        outcome = refuse(reader, "unknown flag ", shown, "; --help lists the flags");
    else if (!place && inline_value)
        outcome = refuse(reader, "the flag ", shown, " takes no value");
    else if (place && !inline_value && !argv[*at + 1])
        outcome = refuse(reader, setting->name, NULL, ": the flag needs a value behind it");
    else if (place)
        *place = inline_value ? inline_value : argv[++*at];
    free(shown);
    return outcome;
}

enum settings_outcome settings_flags_read(const struct settings_program *program, int argc,
                                          char *const argv[], FILE *out, FILE *err, void *settings,
                                          struct settings_given ret_flags[SETTINGS_MAX])
{
    struct reader reader = {
        .program = program, .err = err, .settings = settings, .flags = ret_flags};
    enum settings_outcome outcome = SETTINGS_OK;
    for (int at = 1; at < argc && outcome == SETTINGS_OK; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            settings_help_print(program, out);
            return SETTINGS_DONE;
        }
        if (strcmp(argv[at], "--version") == 0) {
            fprintf(out, "%s %s\n", program->name, TEMPMESSENGER_VERSION);
            return SETTINGS_DONE;
        }
        outcome = read_flag(&reader, argv, &at);
    }
    return outcome;
}
