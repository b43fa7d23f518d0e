/*
 * Where a value comes from, and the one line that says what is wrong with it. The grammars of the
 * kinds are in setting_value.c, the text of --help in settings_help.c.
 *
 * The command line is read to its end before any value is looked at, so that --help works whatever
 * the environment says and the last of two equal flags wins. What a NAME_FILE holds is never shown,
 * whatever its kind: it was put there because it is a secret.
 */
#include "settings.h"
#include "file.h"
#include "setting_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_VARIABLE_SUFFIX "_FILE"
#define FILE_FLAG_SUFFIX "-file"

/* Bytes of a wrong value that are shown. */
enum { VALUE_SHOWN_MAX = 80 };

/* What one source, the flags or the environment, gives for a setting. */
struct given {
    const char *value;
    const char *file;
};

struct loader {
    const struct settings_program *program;
    char *const *envp;
    FILE *out;
    FILE *err;
    unsigned char *target; /* the program's struct */
    struct given flags[SETTINGS_MAX];
    const struct setting *awaited; /* the first whose file is not there yet; or NULL */
    const char *awaited_file;
};

/* Printable ASCII as it is and the rest escaped, so that a value cannot forge a line. */
static void print_quoted(FILE *err, const char *value)
{
    fputc('"', err);
    for (size_t i = 0; i < VALUE_SHOWN_MAX && value[i]; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte == '"' || byte == '\\')
            fprintf(err, "\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            fprintf(err, "\\x%02x", byte);
        else
            fputc(byte, err);
    }
    fputs(strlen(value) > VALUE_SHOWN_MAX ? "…\"" : "\"", err);
}

void settings_refuse(FILE *err, const struct settings_program *program, const char *name,
                     const char *value, const char *rule_format, ...)
{
    fprintf(err, "%s: %s: ", program->name, name);
    if (value)
        print_quoted(err, value);
    else
        fputs("the value", err);
    fputs(" is not ", err);
    va_list args;
    va_start(args, rule_format);
    vfprintf(err, rule_format, args);
    va_end(args);
    fputc('\n', err);
}

/* 'program: subject: "value"<rest>' for what is wrong before a value is known. */
static bool complain(const struct loader *loader, const char *subject, const char *value,
                     const char *rest)
{
    fprintf(loader->err, "%s: %s", loader->program->name, subject);
    if (value)
        print_quoted(loader->err, value);
    fprintf(loader->err, "%s\n", rest);
    return false;
}

/* Whether the `len` bytes of `flag` are the setting's flag with `suffix`. */
static bool flag_is(const char *name, const char *suffix, const char *flag, size_t len)
{
    size_t name_len = strlen(name);
    if (len != name_len + strlen(suffix) || memcmp(flag + name_len, suffix, strlen(suffix)) != 0)
        return false;
    for (size_t i = 0; i < name_len; i++) {
        char expected = name[i];
        if (expected == '_')
            expected = '-';
        else if (expected >= 'A' && expected <= 'Z')
            expected = (char)(expected - 'A' + 'a');
        if (flag[i] != expected)
            return false;
    }
    return true;
}

/* The place for the value of a flag; NULL for a switch, which is set at once. */
static bool find_flag(struct loader *loader, const char *flag, size_t len, const char ***ret_place,
                      const struct setting **ret_setting)
{
    for (size_t i = 0; i < loader->program->count; i++) {
        const struct setting *setting = &loader->program->settings[i];
        bool plain = setting->kind == SETTING_SWITCH;
        bool value = flag_is(setting->name, "", flag, len);
        if (!value && (plain || !flag_is(setting->name, FILE_FLAG_SUFFIX, flag, len)))
            continue;
        if (plain)
            *(bool *)(loader->target + setting->offset) = true;
        *ret_setting = setting;
        *ret_place = plain ? NULL : value ? &loader->flags[i].value : &loader->flags[i].file;
        return true;
    }
    return false;
}

/* Reads the flag at argv[*at] and moves `at` to the last argument it took. */
static bool read_flag(struct loader *loader, char *const argv[], int *at)
{
    const char *argument = argv[*at];
    if (strncmp(argument, "--", 2) != 0)
        return complain(loader, "stray argument ", argument, "; --help lists the flags");
    size_t len = strcspn(argument, "=");
    const char *inline_value = argument[len] ? argument + len + 1 : NULL;
    char *shown = strndup(argument, len); /* not the value: it may be a secret */
    if (!shown)
        return complain(loader, "out of memory", NULL, "");
    const struct setting *setting;
    const char **place;
    bool good = find_flag(loader, argument + 2, len - 2, &place, &setting);
    if (!good)
        complain(loader, "unknown flag ", shown, "; --help lists the flags");
    else if (!place && inline_value)
        good = complain(loader, "the flag ", shown, " takes no value");
    else if (place && !inline_value && !argv[*at + 1])
        good = complain(loader, setting->name, NULL, ": the flag needs a value behind it");
    else if (place)
        *place = inline_value ? inline_value : argv[++*at];
    free(shown);
    return good;
}

static enum settings_outcome read_flags(struct loader *loader, int argc, char *const argv[])
{
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            settings_print_help(loader->program, loader->out);
            return SETTINGS_DONE;
        }
        if (strcmp(argv[at], "--version") == 0) {
            fprintf(loader->out, "%s %s\n", loader->program->name, TEMPMESSENGER_VERSION);
            return SETTINGS_DONE;
        }
        if (!read_flag(loader, argv, &at))
            return SETTINGS_INVALID;
    }
    return SETTINGS_OK;
}

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

/* A URL with an @ in it, or a colon where its host should be, most likely carries a password. */
static bool may_show(const struct setting *setting, const char *value)
{
    return setting->kind != SETTING_SECRET && !strchr(value, '@') && !strstr(value, "//:");
}

static bool store(struct loader *loader, const struct setting *setting, const char *value,
                  bool from_file)
{
    char rule[SETTING_RULE_SIZE];
    switch (setting_value_parse(setting, value, loader->target + setting->offset, rule)) {
    case SETTING_VALUE_STORED: return true;
    case SETTING_VALUE_NO_MEMORY: return complain(loader, "out of memory", NULL, "");
    case SETTING_VALUE_REFUSED: break;
    }
    bool shown = !from_file && may_show(setting, value);
    settings_refuse(loader->err, loader->program, setting->name, shown ? value : NULL, "%s", rule);
    return false;
}

/* The bytes of the file without the newline at their end, for the caller to free; else *ret_why. */
static char *read_value_file(const char *path, const char **ret_why)
{
    char *value = NULL;
    size_t len = 0;
    enum error_code code = file_read(path, SETTINGS_FILE_MAX, &value, &len, NULL);
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

/* 'program: NAME_FILE: "path"<why>' */
static void complain_of_file(const struct loader *loader, const struct setting *setting,
                             const char *path, const char *why)
{
    fprintf(loader->err, "%s: %s" FILE_VARIABLE_SUFFIX ": ", loader->program->name, setting->name);
    print_quoted(loader->err, path);
    fprintf(loader->err, "%s\n", why);
}

/* Whoever brings a file may make it first and fill it then. */
static bool is_still_to_come(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return *path && errno == ENOENT;
    return S_ISREG(file.st_mode) && file.st_size == 0;
}

static bool load_from_file(struct loader *loader, const struct setting *setting, const char *path)
{
    if (setting->awaited && is_still_to_come(path)) {
        if (!loader->awaited) {
            loader->awaited = setting;
            loader->awaited_file = path;
        }
        return true;
    }
    const char *why;
    char *value = read_value_file(path, &why);
    if (!value) {
        complain_of_file(loader, setting, path, why);
        return false;
    }
    bool stored = store(loader, setting, value, true);
    free(value);
    return stored;
}

static bool load_setting(struct loader *loader, size_t index)
{
    const struct setting *setting = &loader->program->settings[index];
    if (setting->kind == SETTING_SWITCH)
        return true;
    struct given given = loader->flags[index];
    if (!given.value && !given.file)
        given = (struct given){find_variable(loader->envp, setting->name, ""),
                               find_variable(loader->envp, setting->name, FILE_VARIABLE_SUFFIX)};
    if (given.value && given.file)
        return complain(loader, setting->name, NULL,
                        ": give the value or a file that holds it, not both");
    if (given.file)
        return load_from_file(loader, setting, given.file);
    bool none = given.value && !*given.value && is_text(setting) && !setting->fallback;
    const char *value = given.value && !none ? given.value : setting->fallback;
    return !value || store(loader, setting, value, false);
}

enum settings_outcome settings_load(const struct settings_program *program, int argc,
                                    char *const argv[], char *const envp[], FILE *out, FILE *err,
                                    void *ret_settings)
{
    struct loader loader = {
        .program = program, .envp = envp, .out = out, .err = err, .target = ret_settings};
    enum settings_outcome outcome = read_flags(&loader, argc, argv);
    for (size_t i = 0; i < program->count && outcome == SETTINGS_OK; i++)
        if (!load_setting(&loader, i))
            outcome = SETTINGS_INVALID;
    if (outcome == SETTINGS_OK && program->complete && !program->complete(ret_settings, err))
        outcome = SETTINGS_INVALID;
    if (outcome != SETTINGS_OK)
        settings_fini(program, ret_settings);
    else if (loader.awaited) {
        complain_of_file(&loader, loader.awaited, loader.awaited_file,
                         " is not there yet, or empty");
        outcome = SETTINGS_AWAITED;
    }
    return outcome;
}

static size_t member_size(enum setting_kind kind)
{
    switch (kind) {
    case SETTING_TEXT:
    case SETTING_SECRET: return sizeof(char *);
    case SETTING_UNSIGNED:
    case SETTING_CHOICE: return sizeof(unsigned);
    case SETTING_BYTES: return sizeof(size_t);
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
