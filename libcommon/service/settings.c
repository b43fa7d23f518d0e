/*
 * Where a value comes from. setting_value.c has the grammars of the kinds, settings_flags.c the
 * command line, settings_refusal.c the line that refuses.
 *
 * What a NAME_FILE holds is never shown, whatever its kind: secrets are what files are for.
 */
#include "settings.h"

#include "file.h"
#include "setting_value.h"
#include "settings_flags.h"
#include "settings_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_SUFFIX "_FILE"

struct loader {
    const struct settings_program *program;
    char *const *envp;
    FILE *err;
    unsigned char *target; /* the program's struct */
};

/* The value of the variable `name` with `suffix`, or NULL. */
static const char *find_variable(char *const *envp, const char *name, const char *suffix)
{
    size_t name_len = strlen(name), suffix_len = strlen(suffix);
    for (; *envp; envp++)
        if (strncmp(*envp, name, name_len) == 0 &&
            strncmp(*envp + name_len, suffix, suffix_len) == 0 &&
            (*envp)[name_len + suffix_len] == '=')
            return *envp + name_len + suffix_len + 1;
    return NULL;
}

static bool is_text(const struct setting *setting)
{
    return setting->kind == SETTING_TEXT || setting->kind == SETTING_SECRET;
}

static bool is_secret(const struct setting *setting)
{
    return setting->kind == SETTING_SECRET || setting->may_hold_secret;
}

/* A URL with an @ in it, or a colon where its host should be, most likely carries a password. */
static bool may_show(const struct setting *setting, const char *value)
{
    return setting->kind != SETTING_SECRET && !strchr(value, '@') && !strstr(value, "//:");
}

static enum settings_outcome store(const struct loader *loader, const struct setting *setting,
                                   const char *value, bool from_file)
{
    char rule[SETTING_RULE_SIZE];
    switch (setting_value_parse(setting, value, loader->target + setting->offset, rule)) {
    case SETTING_VALUE_STORED: return SETTINGS_OK;
    case SETTING_VALUE_NO_MEMORY:
        return settings_refusal_line(loader->err, loader->program, "out of memory", NULL, "");
    case SETTING_VALUE_REFUSED: break;
    }
    bool shown = !from_file && may_show(setting, value);
    settings_refusal_rule(loader->err, loader->program, setting->name, shown ? value : NULL, "%s",
                          rule);
    return SETTINGS_INVALID;
}

/* 'program: NAME_FILE: "path"<why>' */
static enum settings_outcome refuse_file(const struct loader *loader, const struct setting *setting,
                                         const char *path, const char *why)
{
    char subject[SETTINGS_NAME_MAX + sizeof FILE_SUFFIX ": "];
    snprintf(subject, sizeof subject, "%s" FILE_SUFFIX ": ", setting->name);
    return settings_refusal_line(loader->err, loader->program, subject, path, why);
}

/* The bytes of the file without the newline at their end, for the caller to free; NULL with
 * *ret_why otherwise. */
static char *read_value(int file, const char **ret_why)
{
    char *value = NULL;
    size_t len = 0;
    enum error_code code = file_read_fd(file, SETTINGS_FILE_MAX, &value, &len, NULL);
    *ret_why = NULL;
    if (code)
        *ret_why = code == ERROR_TOO_LARGE ? " is too large for a value" : " cannot be read";
    else if (memchr(value, '\0', len))
        *ret_why = " holds a NUL";
    if (*ret_why) {
        free(value);
        return NULL;
    }
    if (len && value[len - 1] == '\n')
        value[len - 1] = '\0';
    return value;
}

static enum settings_outcome load_from_file(const struct loader *loader,
                                            const struct setting *setting, const char *path)
{
    const char *why = " cannot be read";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool missing = file < 0 && errno == ENOENT && *path;
    char *value = file >= 0 ? read_value(file, &why) : NULL;
    if (file >= 0)
        close(file);
    enum settings_outcome outcome;
    if (is_secret(setting) && (missing || (value && !*value))) {
        refuse_file(loader, setting, path, " is missing or empty");
        outcome = SETTINGS_SECRET_MISSING;
    } else if (!value) {
        outcome = refuse_file(loader, setting, path, why);
    } else {
        outcome = store(loader, setting, value, true);
    }
    free(value);
    return outcome;
}

static enum settings_outcome load_setting(const struct loader *loader,
                                          const struct setting *setting,
                                          struct settings_given given)
{
    if (setting->kind == SETTING_SWITCH)
        return SETTINGS_OK;
    if (!given.value && !given.file)
        given = (struct settings_given){find_variable(loader->envp, setting->name, ""),
                                        find_variable(loader->envp, setting->name, FILE_SUFFIX)};
    if (given.value && given.file)
        return settings_refusal_line(loader->err, loader->program, setting->name, NULL,
                                     ": give the value or a file that holds it, not both");
    if (given.file)
        return load_from_file(loader, setting, given.file);
    bool optional = setting->kind == SETTING_TEXT && !setting->fallback;
    bool none = given.value && !*given.value && optional;
    const char *value = given.value && !none ? given.value : setting->fallback;
    return value ? store(loader, setting, value, false) : SETTINGS_OK;
}

enum settings_outcome settings_load(const struct settings_program *program, int argc,
                                    char *const argv[], char *const envp[], FILE *out, FILE *err,
                                    void *ret_settings)
{
    struct loader loader = {.program = program, .envp = envp, .err = err, .target = ret_settings};
    struct settings_given flags[SETTINGS_MAX] = {0};
    enum settings_outcome outcome =
        settings_flags_read(program, argc, argv, out, err, ret_settings, flags);
    for (size_t i = 0; i < program->count && outcome == SETTINGS_OK; i++)
        outcome = load_setting(&loader, &program->settings[i], flags[i]);
    if (outcome == SETTINGS_OK && program->complete && !program->complete(ret_settings, err))
        outcome = SETTINGS_INVALID;
    if (outcome != SETTINGS_OK)
        settings_fini(program, ret_settings);
    return outcome;
}

static size_t member_size(enum setting_kind kind)
{
    switch (kind) {
    case SETTING_TEXT:
    case SETTING_SECRET: return sizeof(char *);
    case SETTING_UNSIGNED:
    case SETTING_CHOICE: return sizeof(unsigned);
    case SETTING_BYTES:
    case SETTING_SIZE: return sizeof(size_t);
    case SETTING_DURATION: return sizeof(uint64_t);
    case SETTING_RATE: return sizeof(struct setting_rate);
    case SETTING_SWITCH: return sizeof(bool);
    }
    return 0;
}

void settings_fini(const struct settings_program *program, void *settings)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct setting *setting = &program->settings[i];
        unsigned char *member = (unsigned char *)settings + setting->offset;
        if (is_text(setting))
            free(*(char **)(void *)member);
        memset(member, 0, member_size(setting->kind));
    }
}
