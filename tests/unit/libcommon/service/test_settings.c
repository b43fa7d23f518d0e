/*
 * The engine of the settings over a table of its own with one row a kind: sources, grammars at
 * their edges, and the lines that refuse.
 */
#include "buffer.h"
#include "setting_value.h"
#include "settings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct subject {
    char *name;
    char *note;
    char *token;
    unsigned count;
    unsigned colour;
    size_t size;
    size_t room;
    uint64_t wait_ms;
    struct setting_rate rate;
    char *door;
    bool check;
    bool completed;
};

static bool name_valid(const char *text, const char **ret_rule)
{
    *ret_rule = "lower case";
    return strspn(text, "abcdefghijklmnopqrstuvwxyz") == strlen(text);
}

static const char *const colours[] = {"red", "green", NULL};

/* clang-format off */
static const struct setting rows[] = {
    {.name = "NAME", SETTING_TEXT_AT(struct subject, name), .fallback = "ada", .maximum = 8,
     .valid = name_valid, .help = "a name"},
    {.name = "A_NOTE", SETTING_TEXT_AT(struct subject, note), .help = "a note"},
    {.name = "TOKEN", SETTING_SECRET_AT(struct subject, token), .maximum = 8, .help = "a secret"},
    {.name = "COUNT", SETTING_UNSIGNED_AT(struct subject, count), .fallback = "auto",
     .zero_word = "auto", .minimum = 2, .maximum = 20, .help = "a number"},
    {.name = "COLOUR", SETTING_CHOICE_AT(struct subject, colour), .fallback = "green",
     .choices = colours, .help = "a colour"},
    {.name = "SIZE", SETTING_BYTES_AT(struct subject, size), .fallback = "10", .minimum = 1,
     .maximum = 100, .help = "a size"},
    {.name = "ROOM", SETTING_SIZE_AT(struct subject, room), .fallback = "2KiB", .minimum = 1024,
     .maximum = 3 << 20, .help = "a room"},
    {.name = "WAIT", SETTING_DURATION_AT(struct subject, wait_ms), .fallback = "1s", .minimum = 100,
     .maximum = 86400000, .help = "a span with so many words that no terminal of a hundred columns "
     "could show them all in the one line that this entry has at first"},
    {.name = "RATE", SETTING_RATE_AT(struct subject, rate), .fallback = "off", .minimum = 1,
     .maximum = 1000, .help = "a rate"},
    {.name = "DOOR", SETTING_TEXT_AT(struct subject, door), .fallback = "shut",
     .may_hold_secret = true, .help = "a text that may have a secret in it"},
    {.name = "CHECK", SETTING_SWITCH_AT(struct subject, check), .help = "a plain flag"},
};
/* clang-format on */

/* A rule between two settings. */
static bool complete(void *settings, FILE *err)
{
    struct subject *target = settings;
    target->completed = true;
    if (strcmp(target->door, target->name) != 0)
        return true;
    fprintf(err, "subject: DOOR is not to be called like NAME\n");
    return false;
}

static const struct settings_program program = {
    .name = "subject",
    .summary = "Is tested.",
    .settings = rows,
    .count = sizeof rows / sizeof rows[0],
    .complete = complete,
};

/* clang-format off */
#define NOTHING (const char *[]){NULL}
#define LIST(...) (const char *[]){__VA_ARGS__, NULL}
/* clang-format on */

enum { LIST_MAX = 16 };

static struct subject subject;
static char output[8192], errors[2048];

/* Appends copies, as a program is given strings it may write to. */
static int copy_list(const char *list[], char *ret_copies[LIST_MAX], int count)
{
    for (; *list; list++)
        ck_assert_ptr_nonnull(ret_copies[count++] = strdup(*list));
    ck_assert_int_lt(count, LIST_MAX);
    return count;
}

static void free_list(char *copies[LIST_MAX])
{
    for (; *copies; copies++)
        free(*copies);
}

/* Loads with the flags and the environment given, each ending with NULL. */
static enum settings_outcome load(const char *flags[], const char *environment[])
{
    char *argv[LIST_MAX] = {NULL}, *envp[LIST_MAX] = {NULL};
    int argc = copy_list(flags, argv, copy_list(LIST("subject"), argv, 0));
    copy_list(environment, envp, 0);
    subject = (struct subject){0};
    FILE *out = fmemopen(output, sizeof output, "w");
    FILE *err = fmemopen(errors, sizeof errors, "w");
    enum settings_outcome outcome = settings_load(&program, argc, argv, envp, out, err, &subject);
    fclose(out);
    fclose(err);
    free_list(argv);
    free_list(envp);
    return outcome;
}

static void assert_refused(const char *flags[], const char *envp[], const char *line)
{
    static const struct subject zero;
    ck_assert_int_eq(load(flags, envp), SETTINGS_INVALID);
    subject.completed = false;
    ck_assert_str_eq(errors, line);
    ck_assert_str_eq(output, "");
    ck_assert_mem_eq(&subject, &zero, sizeof zero);
}

static void assert_wait(const char *envp[], uint64_t ms)
{
    ck_assert_int_eq(load(NOTHING, envp), SETTINGS_OK);
    ck_assert_uint_eq(subject.wait_ms, ms);
    settings_fini(&program, &subject);
}

/* A file with these bytes; its NAME_FILE assignment, for the caller to free. */
static char *file_with(const char *variable, const void *bytes, size_t len)
{
    char path[] = "/tmp/test_settings_XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, len), (ssize_t)len);
    close(file);
    char *assignment;
    ck_assert_int_gt(asprintf(&assignment, "%s_FILE=%s", variable, path), 0);
    return assignment;
}

static void remove_file(char *assignment)
{
    unlink(strchr(assignment, '=') + 1);
    free(assignment);
}

START_TEST(test_settings__defaults_hold_where_nothing_is_given)
{
    ck_assert_int_eq(load(NOTHING, NOTHING), SETTINGS_OK);
    ck_assert_str_eq(subject.name, "ada");
    ck_assert_ptr_null(subject.note);
    ck_assert_ptr_null(subject.token);
    ck_assert_uint_eq(subject.count, 0);
    ck_assert_uint_eq(subject.colour, 1);
    ck_assert_uint_eq(subject.size, 10);
    ck_assert_uint_eq(subject.wait_ms, 1000);
    ck_assert_uint_eq(subject.rate.count, 0);
    ck_assert(!subject.check);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__variable_goes_over_default)
{
    ck_assert_int_eq(load(NOTHING, LIST("COUNT=7", "COUNTER=9")), SETTINGS_OK);
    ck_assert_uint_eq(subject.count, 7);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__flag_goes_over_variable)
{
    ck_assert_int_eq(load(LIST("--a-note", "flag"), LIST("A_NOTE=variable")), SETTINGS_OK);
    ck_assert_str_eq(subject.note, "flag");
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__flag_may_have_its_value_behind_an_equals_sign)
{
    ck_assert_int_eq(load(LIST("--a-note=x=y", "--count=8"), NOTHING), SETTINGS_OK);
    ck_assert_str_eq(subject.note, "x=y");
    ck_assert_uint_eq(subject.count, 8);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__the_last_of_two_flags_wins)
{
    ck_assert_int_eq(load(LIST("--count", "3", "--count", "4"), NOTHING), SETTINGS_OK);
    ck_assert_uint_eq(subject.count, 4);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__a_switch_is_set_by_its_flag)
{
    ck_assert_int_eq(load(LIST("--check"), NOTHING), SETTINGS_OK);
    ck_assert(subject.check);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__a_switch_has_no_variable)
{
    ck_assert_int_eq(load(NOTHING, LIST("CHECK=1")), SETTINGS_OK);
    ck_assert(!subject.check);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__a_switch_takes_no_value)
{
    assert_refused(LIST("--check=1"), NOTHING, "subject: the flag \"--check\" takes no value\n");
}
END_TEST

START_TEST(test_settings__a_file_gives_the_value_without_its_newline)
{
    char *file = file_with("TOKEN", "secret\n", 7);
    ck_assert_int_eq(load(NOTHING, LIST(file)), SETTINGS_OK);
    ck_assert_str_eq(subject.token, "secret");
    settings_fini(&program, &subject);
    remove_file(file);
}
END_TEST

START_TEST(test_settings__only_one_newline_is_stripped)
{
    char *file = file_with("A_NOTE", "x\n\n", 3);
    ck_assert_int_eq(load(NOTHING, LIST(file)), SETTINGS_OK);
    ck_assert_str_eq(subject.note, "x\n");
    settings_fini(&program, &subject);
    remove_file(file);
}
END_TEST

START_TEST(test_settings__a_file_may_be_named_by_a_flag)
{
    char *file = file_with("A_NOTE", "x", 1);
    ck_assert_int_eq(load(LIST("--a-note-file", strchr(file, '=') + 1), LIST("A_NOTE=y")),
                     SETTINGS_OK);
    ck_assert_str_eq(subject.note, "x");
    settings_fini(&program, &subject);
    remove_file(file);
}
END_TEST

START_TEST(test_settings__value_and_file_together_are_refused)
{
    static const char line[] = "subject: COUNT: give the value or a file that holds it, not both\n";
    assert_refused(NOTHING, LIST("COUNT=3", "COUNT_FILE=/nowhere"), line);
    assert_refused(LIST("--count", "3", "--count-file", "/nowhere"), NOTHING, line);
}
END_TEST

START_TEST(test_settings__a_missing_file_is_refused)
{
    assert_refused(NOTHING, LIST("COUNT_FILE=/nowhere/at/all"),
                   "subject: COUNT_FILE: \"/nowhere/at/all\" cannot be read\n");
}
END_TEST

START_TEST(test_settings__a_directory_is_refused)
{
    assert_refused(NOTHING, LIST("TOKEN_FILE=/"), "subject: TOKEN_FILE: \"/\" cannot be read\n");
}
END_TEST

START_TEST(test_settings__an_empty_file_is_no_value)
{
    char *file = file_with("A_NOTE", "\n", 1);
    assert_refused(NOTHING, LIST(file),
                   "subject: A_NOTE: the value is not a text of 1 to 4096 bytes\n");
    remove_file(file);
}
END_TEST

START_TEST(test_settings__a_file_over_the_limit_is_refused)
{
    static char bytes[SETTINGS_FILE_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    char *at = file_with("A_NOTE", bytes, SETTINGS_FILE_MAX);
    assert_refused(NOTHING, LIST(at),
                   "subject: A_NOTE: the value is not a text of 1 to 4096 bytes\n");
    remove_file(at);
    char *above = file_with("A_NOTE", bytes, sizeof bytes);
    ck_assert_int_eq(load(NOTHING, LIST(above)), SETTINGS_INVALID);
    ck_assert_ptr_nonnull(strstr(errors, " is too large for a value\n"));
    remove_file(above);
}
END_TEST

START_TEST(test_settings__a_file_with_a_nul_is_refused)
{
    char *file = file_with("TOKEN", "a\0b", 3);
    ck_assert_int_eq(load(NOTHING, LIST(file)), SETTINGS_INVALID);
    ck_assert_ptr_nonnull(strstr(errors, " holds a NUL\n"));
    remove_file(file);
}
END_TEST

START_TEST(test_settings__what_a_file_holds_is_not_shown)
{
    char *file = file_with("COUNT", "hidden", 6);
    assert_refused(NOTHING, LIST(file),
                   "subject: COUNT: the value is not a whole number from 2 to 20 or auto\n");
    remove_file(file);
}
END_TEST

static void assert_missing(const char *flags[], const char *envp[], const char *line)
{
    static const struct subject zero;
    ck_assert_int_eq(load(flags, envp), SETTINGS_SECRET_MISSING);
    ck_assert_str_eq(errors, line);
    ck_assert_str_eq(output, "");
    ck_assert_mem_eq(&subject, &zero, sizeof zero);
}

START_TEST(test_settings__a_missing_file_of_a_secret_is_an_outcome_of_its_own)
{
    static const char line[] = "subject: TOKEN_FILE: \"/nowhere/token\" is missing or empty\n";
    assert_missing(NOTHING, LIST("TOKEN_FILE=/nowhere/token"), line);
    assert_missing(LIST("--token-file", "/nowhere/token"), LIST("TOKEN=x"), line);
    assert_missing(NOTHING, LIST("DOOR_FILE=/nowhere/door"),
                   "subject: DOOR_FILE: \"/nowhere/door\" is missing or empty\n");
}
END_TEST

START_TEST(test_settings__so_is_an_empty_one)
{
    for (size_t len = 0; len <= 1; len++) {
        char line[256];
        char *file = file_with("TOKEN", "\n", len);
        snprintf(line, sizeof line, "subject: TOKEN_FILE: \"%s\" is missing or empty\n",
                 strchr(file, '=') + 1);
        assert_missing(NOTHING, LIST(file), line);
        remove_file(file);
    }
}
END_TEST

START_TEST(test_settings__a_file_of_a_secret_that_can_never_be_read_is_refused)
{
    assert_refused(NOTHING, LIST("TOKEN_FILE="), "subject: TOKEN_FILE: \"\" cannot be read\n");
    assert_refused(NOTHING, LIST("TOKEN_FILE=/"), "subject: TOKEN_FILE: \"/\" cannot be read\n");
    assert_refused(NOTHING, LIST("TOKEN_FILE=/dev/null/token"),
                   "subject: TOKEN_FILE: \"/dev/null/token\" cannot be read\n");
}
END_TEST

START_TEST(test_settings__a_rule_between_settings_is_checked)
{
    assert_refused(NOTHING, LIST("DOOR=ada"), "subject: DOOR is not to be called like NAME\n");
}
END_TEST

START_TEST(test_settings__an_empty_text_without_default_is_none)
{
    ck_assert_int_eq(load(NOTHING, LIST("A_NOTE=")), SETTINGS_OK);
    ck_assert_ptr_null(subject.note);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__an_empty_secret_is_refused)
{
    static const char line[] = "subject: TOKEN: the value is not a text of 1 to 8 bytes\n";
    assert_refused(NOTHING, LIST("TOKEN="), line);
    assert_refused(LIST("--token", ""), NOTHING, line);
}
END_TEST

START_TEST(test_settings__another_empty_value_is_refused)
{
    assert_refused(NOTHING, LIST("COUNT="),
                   "subject: COUNT: \"\" is not a whole number from 2 to 20 or auto\n");
    assert_refused(NOTHING, LIST("NAME="), "subject: NAME: \"\" is not a text of 1 to 8 bytes\n");
}
END_TEST

START_TEST(test_settings__text_length_at_and_above_the_maximum)
{
    ck_assert_int_eq(load(NOTHING, LIST("NAME=abcdefgh")), SETTINGS_OK);
    settings_fini(&program, &subject);
    assert_refused(NOTHING, LIST("NAME=abcdefghi"),
                   "subject: NAME: \"abcdefghi\" is not a text of 1 to 8 bytes\n");
}
END_TEST

START_TEST(test_settings__a_rule_of_its_own_is_checked)
{
    assert_refused(NOTHING, LIST("NAME=ADA"), "subject: NAME: \"ADA\" is not lower case\n");
}
END_TEST

START_TEST(test_settings__a_secret_is_not_shown)
{
    assert_refused(NOTHING, LIST("TOKEN=very-secret"),
                   "subject: TOKEN: the value is not a text of 1 to 8 bytes\n");
}
END_TEST

START_TEST(test_settings__a_url_with_a_password_is_not_shown)
{
    assert_refused(NOTHING, LIST("NAME=http://u:p@h"),
                   "subject: NAME: the value is not lower case\n");
}
END_TEST

START_TEST(test_settings__a_shown_value_cannot_forge_a_line)
{
    assert_refused(NOTHING, LIST("NAME=\n\"\\\x1b\xff"),
                   "subject: NAME: \"\\x0a\\\"\\\\\\x1b\\xff\" is not lower case\n");
}
END_TEST

START_TEST(test_settings__a_long_value_is_cut_when_shown)
{
    char value[200];
    memset(value, 'X', sizeof value);
    memcpy(value, "NAME=", 5);
    value[sizeof value - 1] = '\0';
    ck_assert_int_eq(load(NOTHING, LIST(value)), SETTINGS_INVALID);
    ck_assert_ptr_nonnull(strstr(errors, "XXX…\" is not lower case\n"));
    ck_assert_uint_lt(strlen(errors), 150);
}
END_TEST

START_TEST(test_settings__number_at_below_and_above_its_range)
{
    ck_assert_int_eq(load(NOTHING, LIST("COUNT=2", "SIZE=100")), SETTINGS_OK);
    ck_assert_uint_eq(subject.count, 2);
    ck_assert_uint_eq(subject.size, 100);
    settings_fini(&program, &subject);
    assert_refused(NOTHING, LIST("COUNT=1"),
                   "subject: COUNT: \"1\" is not a whole number from 2 to 20 or auto\n");
    assert_refused(NOTHING, LIST("COUNT=21"),
                   "subject: COUNT: \"21\" is not a whole number from 2 to 20 or auto\n");
    assert_refused(NOTHING, LIST("SIZE=101"),
                   "subject: SIZE: \"101\" is not a number of bytes from 1 to 100\n");
}
END_TEST

START_TEST(test_settings__size_has_a_unit_or_none)
{
    static const struct {
        char given[24];
        size_t bytes;
    } sizes[] = {{"ROOM=1024", 1024},
                 {"ROOM=1KiB", 1024},
                 {"ROOM=1025", 1025},
                 {"ROOM=3MiB", 3 << 20},
                 {"ROOM=3072KiB", 3 << 20}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char given[sizeof sizes[i].given];
        memcpy(given, sizes[i].given, sizeof given);
        ck_assert_int_eq(load(NOTHING, LIST(given)), SETTINGS_OK);
        ck_assert_uint_eq(subject.room, sizes[i].bytes);
        settings_fini(&program, &subject);
    }
    assert_refused(NOTHING, LIST("ROOM=1023"),
                   "subject: ROOM: \"1023\" is not from 1KiB to 3MiB\n");
    assert_refused(NOTHING, LIST("ROOM=4MiB"),
                   "subject: ROOM: \"4MiB\" is not from 1KiB to 3MiB\n");
    assert_refused(NOTHING, LIST("ROOM=18446744073709551615MiB"),
                   "subject: ROOM: \"18446744073709551615MiB\" is not from 1KiB to 3MiB\n");
}
END_TEST

START_TEST(test_settings__what_is_no_size_is_refused)
{
    static const char *const wrong[] = {"ROOM=1 KiB", "ROOM=2kib", "ROOM=2K",     "ROOM=2KB",
                                        "ROOM=1GiB",  "ROOM=KiB",  "ROOM=1.5KiB", "ROOM=+2KiB"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char given[32], line[160];
        snprintf(given, sizeof given, "%s", wrong[i]);
        snprintf(line, sizeof line,
                 "subject: ROOM: \"%s\" is not a size such as 65536, 64KiB or 8MiB\n",
                 wrong[i] + strlen("ROOM="));
        assert_refused(NOTHING, LIST(given), line);
    }
}
END_TEST

START_TEST(test_settings__what_is_no_number_is_refused)
{
    static const char *const wrong[] = {
        "COUNT=+3",  "COUNT=-3",  "COUNT= 3",   "COUNT=3 ",
        "COUNT=0x3", "COUNT=3.0", "COUNT=AUTO", "COUNT=18446744073709551618"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(load(NOTHING, LIST(wrong[i])), SETTINGS_INVALID);
}
END_TEST

START_TEST(test_settings__durations_of_every_unit)
{
    assert_wait(LIST("WAIT=500ms"), 500);
    assert_wait(LIST("WAIT=10s"), 10000);
    assert_wait(LIST("WAIT=5m"), 300000);
    assert_wait(LIST("WAIT=2h"), 7200000);
    assert_wait(LIST("WAIT=1d"), 86400000);
    assert_wait(LIST("WAIT=7"), 7000);
}
END_TEST

START_TEST(test_settings__duration_at_below_and_above_its_range)
{
    assert_wait(LIST("WAIT=100ms"), 100);
    assert_wait(LIST("WAIT=86400"), 86400000);
    assert_refused(NOTHING, LIST("WAIT=99ms"), "subject: WAIT: \"99ms\" is not from 100ms to 1d\n");
    assert_refused(NOTHING, LIST("WAIT=86401"),
                   "subject: WAIT: \"86401\" is not from 100ms to 1d\n");
}
END_TEST

START_TEST(test_settings__a_duration_does_not_overflow)
{
    assert_refused(NOTHING, LIST("WAIT=213503982335d"),
                   "subject: WAIT: \"213503982335d\" is not from 100ms to 1d\n");
    assert_refused(NOTHING, LIST("WAIT=184467440737095516260000s"),
                   "subject: WAIT: \"184467440737095516260000s\" is not from 100ms to 1d\n");
}
END_TEST

START_TEST(test_settings__what_is_no_duration_is_refused)
{
    static const char *const wrong[] = {"WAIT=s",   "WAIT=1.5s", "WAIT=1 s", "WAIT=-1s", "WAIT=1S",
                                        "WAIT=1us", "WAIT=1s2",  "WAIT=",    "WAIT=1sm"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(load(NOTHING, LIST(wrong[i])), SETTINGS_INVALID);
        ck_assert_ptr_nonnull(
            strstr(errors, "is not a duration such as 500ms, 10s, 5m, 2h or 1d\n"));
    }
}
END_TEST

START_TEST(test_settings__durations_are_written_the_shortest_way)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},     {1, "1ms"},      {1000, "1s"},     {1500, "1500ms"},
                 {60000, "1m"}, {3600000, "1h"}, {86400000, "1d"}, {90000, "90s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SETTING_DURATION_SIZE];
        setting_value_format_duration(cases[i].ms, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(test_settings__a_choice_is_its_index)
{
    ck_assert_int_eq(load(NOTHING, LIST("COLOUR=red")), SETTINGS_OK);
    ck_assert_uint_eq(subject.colour, 0);
    settings_fini(&program, &subject);
}
END_TEST

START_TEST(test_settings__what_is_no_choice_is_refused)
{
    assert_refused(NOTHING, LIST("COLOUR=Red"),
                   "subject: COLOUR: \"Red\" is not one of red, green\n");
}
END_TEST

static void assert_rate(const char *envp[], unsigned count, uint64_t window_ms)
{
    ck_assert_int_eq(load(NOTHING, envp), SETTINGS_OK);
    ck_assert_uint_eq(subject.rate.count, count);
    ck_assert_uint_eq(subject.rate.window_ms, window_ms);
    settings_fini(&program, &subject);
}

START_TEST(test_settings__rates_of_every_unit)
{
    assert_rate(LIST("RATE=20/s"), 20, 1000);
    assert_rate(LIST("RATE=1/m"), 1, 60000);
    assert_rate(LIST("RATE=1000/h"), 1000, 3600000);
    assert_rate(LIST("RATE=off"), 0, 0);
}
END_TEST

START_TEST(test_settings__rate_below_and_above_its_range)
{
    assert_refused(NOTHING, LIST("RATE=0/s"),
                   "subject: RATE: \"0/s\" is not a rate from 1/s to 1000/s\n");
    assert_refused(NOTHING, LIST("RATE=1001/m"),
                   "subject: RATE: \"1001/m\" is not a rate from 1/m to 1000/m\n");
}
END_TEST

START_TEST(test_settings__what_is_no_rate_is_refused)
{
    static const char *const wrong[] = {"RATE=20", "RATE=/s", "RATE=20/d", "RATE=20/s ",
                                        "RATE=Off"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(load(NOTHING, LIST(wrong[i])), SETTINGS_INVALID);
        ck_assert_ptr_nonnull(
            strstr(errors, "is not a rate such as 20/s, 100/m or 1000/h, or off\n"));
    }
}
END_TEST

START_TEST(test_settings__an_unknown_flag_is_refused_without_its_value)
{
    assert_refused(LIST("--tokem=secret"), NOTHING,
                   "subject: unknown flag \"--tokem\"; --help lists the flags\n");
    assert_refused(LIST("--"), NOTHING, "subject: unknown flag \"--\"; --help lists the flags\n");
    assert_refused(LIST("--a_note", "x"), NOTHING,
                   "subject: unknown flag \"--a_note\"; --help lists the flags\n");
}
END_TEST

START_TEST(test_settings__a_flag_without_value_is_refused)
{
    assert_refused(LIST("--count"), NOTHING, "subject: COUNT: the flag needs a value behind it\n");
}
END_TEST

START_TEST(test_settings__a_stray_argument_is_refused)
{
    assert_refused(LIST("-v"), NOTHING, "subject: stray argument \"-v\"; --help lists the flags\n");
}
END_TEST

START_TEST(test_settings__nothing_leaks_when_a_late_setting_is_refused)
{
    assert_refused(LIST("--a-note", "x", "--token", "y"), LIST("RATE=x"),
                   "subject: RATE: \"x\" is not a rate such as 20/s, 100/m or 1000/h, or off\n");
}
END_TEST

START_TEST(test_settings__help_begins_with_usage_and_summary)
{
    ck_assert_int_eq(load(LIST("--help"), LIST("COUNT=wrong")), SETTINGS_DONE);
    static const char head[] = "Usage: subject [--FLAG VALUE]...\n\nIs tested.\n\n";
    ck_assert_int_eq(strncmp(output, head, strlen(head)), 0);
    ck_assert_str_eq(errors, "");
}
END_TEST

START_TEST(test_settings__help_lists_flag_variable_purpose_and_default)
{
    ck_assert_int_eq(load(LIST("--help"), NOTHING), SETTINGS_DONE);
    ck_assert_ptr_nonnull(strstr(output, "\n  --a-note   A_NOTE  a note [none]\n"));
    ck_assert_ptr_nonnull(strstr(output, "\n  --rate     RATE    a rate [off]\n"));
    ck_assert_ptr_nonnull(strstr(output, "\n  --check            a plain flag\n"));
}
END_TEST

START_TEST(test_settings__help_stays_within_its_columns)
{
    ck_assert_int_eq(load(LIST("--help"), NOTHING), SETTINGS_DONE);
    size_t longest = 0;
    for (const char *line = output; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > longest)
            longest = strcspn(line, "\n");
    ck_assert_uint_le(longest, 100);
}
END_TEST

START_TEST(test_settings__help_never_shows_a_value_in_force)
{
    ck_assert_int_eq(load(LIST("--token", "s3cret", "--help"), LIST("TOKEN=s3cret")),
                     SETTINGS_DONE);
    ck_assert_ptr_null(strstr(output, "s3cret"));
}
END_TEST

START_TEST(test_settings__version_is_one_line)
{
    ck_assert_int_eq(load(LIST("--version"), NOTHING), SETTINGS_DONE);
    ck_assert_str_eq(output, "subject " TEMPMESSENGER_VERSION "\n");
}
END_TEST

START_TEST(test_settings__fini_takes_a_zeroed_struct)
{
    struct subject empty = {0};
    settings_fini(&program, &empty);
    ck_assert_ptr_null(empty.name);
}
END_TEST

static TCase *sources_case(void)
{
    TCase *tcase = tcase_create("sources");
    tcase_add_test(tcase, test_settings__defaults_hold_where_nothing_is_given);
    tcase_add_test(tcase, test_settings__variable_goes_over_default);
    tcase_add_test(tcase, test_settings__flag_goes_over_variable);
    tcase_add_test(tcase, test_settings__flag_may_have_its_value_behind_an_equals_sign);
    tcase_add_test(tcase, test_settings__the_last_of_two_flags_wins);
    tcase_add_test(tcase, test_settings__a_switch_is_set_by_its_flag);
    tcase_add_test(tcase, test_settings__a_switch_has_no_variable);
    tcase_add_test(tcase, test_settings__a_switch_takes_no_value);
    tcase_add_test(tcase, test_settings__a_file_gives_the_value_without_its_newline);
    tcase_add_test(tcase, test_settings__only_one_newline_is_stripped);
    tcase_add_test(tcase, test_settings__a_file_may_be_named_by_a_flag);
    tcase_add_test(tcase, test_settings__value_and_file_together_are_refused);
    tcase_add_test(tcase, test_settings__a_missing_file_is_refused);
    tcase_add_test(tcase, test_settings__a_directory_is_refused);
    tcase_add_test(tcase, test_settings__an_empty_file_is_no_value);
    tcase_add_test(tcase, test_settings__a_file_over_the_limit_is_refused);
    tcase_add_test(tcase, test_settings__a_file_with_a_nul_is_refused);
    tcase_add_test(tcase, test_settings__what_a_file_holds_is_not_shown);
    tcase_add_test(tcase, test_settings__a_missing_file_of_a_secret_is_an_outcome_of_its_own);
    tcase_add_test(tcase, test_settings__so_is_an_empty_one);
    tcase_add_test(tcase, test_settings__a_file_of_a_secret_that_can_never_be_read_is_refused);
    tcase_add_test(tcase, test_settings__a_rule_between_settings_is_checked);
    tcase_add_test(tcase, test_settings__an_empty_text_without_default_is_none);
    tcase_add_test(tcase, test_settings__an_empty_secret_is_refused);
    tcase_add_test(tcase, test_settings__another_empty_value_is_refused);
    return tcase;
}

static TCase *values_case(void)
{
    TCase *tcase = tcase_create("values");
    tcase_add_test(tcase, test_settings__text_length_at_and_above_the_maximum);
    tcase_add_test(tcase, test_settings__a_rule_of_its_own_is_checked);
    tcase_add_test(tcase, test_settings__a_secret_is_not_shown);
    tcase_add_test(tcase, test_settings__a_url_with_a_password_is_not_shown);
    tcase_add_test(tcase, test_settings__a_shown_value_cannot_forge_a_line);
    tcase_add_test(tcase, test_settings__a_long_value_is_cut_when_shown);
    tcase_add_test(tcase, test_settings__number_at_below_and_above_its_range);
    tcase_add_test(tcase, test_settings__size_has_a_unit_or_none);
    tcase_add_test(tcase, test_settings__what_is_no_size_is_refused);
    tcase_add_test(tcase, test_settings__what_is_no_number_is_refused);
    tcase_add_test(tcase, test_settings__durations_of_every_unit);
    tcase_add_test(tcase, test_settings__duration_at_below_and_above_its_range);
    tcase_add_test(tcase, test_settings__a_duration_does_not_overflow);
    tcase_add_test(tcase, test_settings__what_is_no_duration_is_refused);
    tcase_add_test(tcase, test_settings__durations_are_written_the_shortest_way);
    tcase_add_test(tcase, test_settings__a_choice_is_its_index);
    tcase_add_test(tcase, test_settings__what_is_no_choice_is_refused);
    tcase_add_test(tcase, test_settings__rates_of_every_unit);
    tcase_add_test(tcase, test_settings__rate_below_and_above_its_range);
    tcase_add_test(tcase, test_settings__what_is_no_rate_is_refused);
    return tcase;
}

static TCase *flags_case(void)
{
    TCase *tcase = tcase_create("flags");
    tcase_add_test(tcase, test_settings__an_unknown_flag_is_refused_without_its_value);
    tcase_add_test(tcase, test_settings__a_flag_without_value_is_refused);
    tcase_add_test(tcase, test_settings__a_stray_argument_is_refused);
    tcase_add_test(tcase, test_settings__nothing_leaks_when_a_late_setting_is_refused);
    tcase_add_test(tcase, test_settings__help_begins_with_usage_and_summary);
    tcase_add_test(tcase, test_settings__help_lists_flag_variable_purpose_and_default);
    tcase_add_test(tcase, test_settings__help_stays_within_its_columns);
    tcase_add_test(tcase, test_settings__help_never_shows_a_value_in_force);
    tcase_add_test(tcase, test_settings__version_is_one_line);
    tcase_add_test(tcase, test_settings__fini_takes_a_zeroed_struct);
    return tcase;
}

static Suite *settings_suite(void)
{
    Suite *suite = suite_create("settings");
    suite_add_tcase(suite, sources_case());
    suite_add_tcase(suite, values_case());
    suite_add_tcase(suite, flags_case());
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(settings_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
