/*
 * The settings of a program: flags over environment variables over defaults, read by one table.
 *
 * A program describes its settings in an array of `struct setting` over a plain struct of its own.
 * MESSAGE_TTL is the variable, --message-ttl the flag; MESSAGE_TTL_FILE and --message-ttl-file take
 * the value from a file instead. Loading is for the start of a program: one thread.
 */
#ifndef TEMPMESSENGER_SETTINGS_H
#define TEMPMESSENGER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    SETTINGS_MAX = 64, /* of one program */
    SETTINGS_NAME_MAX = 64,
    SETTINGS_TEXT_MAX = 4096,  /* bytes of a text that names no smaller maximum */
    SETTINGS_FILE_MAX = 16384, /* bytes of a NAME_FILE */
};

enum setting_kind {
    SETTING_TEXT,     /* char *; the settings own it */
    SETTING_SECRET,   /* char *; never printed */
    SETTING_UNSIGNED, /* unsigned */
    SETTING_BYTES,    /* size_t */
    SETTING_SIZE,     /* size_t; KiB and MiB may stand behind the number */
    SETTING_DURATION, /* uint64_t, milliseconds */
    SETTING_CHOICE,   /* unsigned or an enum, the index of the choice */
    SETTING_RATE,     /* struct setting_rate */
    SETTING_SWITCH,   /* bool; a plain flag without value or variable */
};

/* `count` in each `window_ms`; both 0: off. */
struct setting_rate {
    unsigned count;
    uint64_t window_ms;
};

/* The kind and the place of a member at once: a member of another type does not compile. `type`
 * is the program's struct. */
#define SETTING_PLACE(kind_, type, member, member_type)                                            \
    .kind = (kind_), .offset = _Generic(((type *)0)->member, __typeof__(member_type)               \
                                        : offsetof(type, member))
#define SETTING_TEXT_AT(type, member) SETTING_PLACE(SETTING_TEXT, type, member, char *)
#define SETTING_SECRET_AT(type, member) SETTING_PLACE(SETTING_SECRET, type, member, char *)
#define SETTING_UNSIGNED_AT(type, member) SETTING_PLACE(SETTING_UNSIGNED, type, member, unsigned)
#define SETTING_BYTES_AT(type, member) SETTING_PLACE(SETTING_BYTES, type, member, size_t)
#define SETTING_SIZE_AT(type, member) SETTING_PLACE(SETTING_SIZE, type, member, size_t)
#define SETTING_DURATION_AT(type, member) SETTING_PLACE(SETTING_DURATION, type, member, uint64_t)
#define SETTING_CHOICE_AT(type, member) SETTING_PLACE(SETTING_CHOICE, type, member, unsigned)
#define SETTING_RATE_AT(type, member) SETTING_PLACE(SETTING_RATE, type, member, struct setting_rate)
#define SETTING_SWITCH_AT(type, member) SETTING_PLACE(SETTING_SWITCH, type, member, bool)

struct setting {
    const char *name; /* the variable, such as MESSAGE_TTL */
    enum setting_kind kind;
    bool may_hold_secret; /* of SETTING_TEXT: its NAME_FILE is treated as that of a secret */
    size_t offset;
    const char *fallback; /* the default, as it would be given; NULL: none */
    const char *help;     /* what it is for, a phrase */

    /* The range of a number, of a duration in milliseconds, of a rate's count; the most bytes of a
     * text. */
    uint64_t minimum;
    uint64_t maximum;
    const char *const *choices; /* of SETTING_CHOICE, NULL at the end */
    const char *zero_word;      /* of SETTING_UNSIGNED: a word that stands for 0; or NULL */

    /* A rule beyond the kind's; or NULL. Where it returns false, *ret_rule completes the sentence
     * '"value" is not …'. */
    bool (*valid)(const char *text, const char **ret_rule);
};

struct settings_program {
    const char *name;    /* message-service */
    const char *summary; /* what it is, for --help; lines of at most 100 columns */
    const struct setting *settings;
    size_t count; /* at most SETTINGS_MAX */

    /* Once all are read: checks rules between settings and fills members that are made of others.
     * False, with one line on `err`, where one is wrong. NULL: there are none. */
    bool (*complete)(void *settings, FILE *err);
};

enum settings_outcome {
    SETTINGS_OK,      /* *ret_settings is filled; free it with settings_fini */
    SETTINGS_DONE,    /* `out` has what --help or --version asked for: exit 0 */
    SETTINGS_INVALID, /* one line on `err` says what is wrong: exit SETTINGS_INVALID_STATUS */

    /* One line on `err` says that the file of a secret is missing or empty. Another start may find
     * it: exit SETTINGS_SECRET_MISSING_STATUS. */
    SETTINGS_SECRET_MISSING,
};

enum { SETTINGS_INVALID_STATUS = 2, SETTINGS_SECRET_MISSING_STATUS = 3 };

/* Fills the program's struct, zeroed by the caller. On any outcome but SETTINGS_OK it holds nothing
 * to free and is zero wherever a setting stands. `envp` ends with NULL. */
enum settings_outcome settings_load(const struct settings_program *program, int argc,
                                    char *const argv[], char *const envp[], FILE *out, FILE *err,
                                    void *ret_settings) __attribute__((warn_unused_result));

/* Frees the texts and zeroes the members. Takes a zeroed struct. */
void settings_fini(const struct settings_program *program, void *settings);

#endif
