/*
 * What --help shows: the usage, what the program is, and one entry a setting in three columns,
 * flag, variable and purpose, the last wrapped so that no line is longer than a wide terminal.
 *
 * It shows the defaults of the table, never a value in force: the environment holds secrets.
 */
#include "settings_help.h"

#include <ctype.h>
#include <string.h>

enum { HELP_COLUMNS = 100, HELP_TEXT_SIZE = 512, HELP_GAP = 2 };

/* The widths of the first two columns. */
struct columns {
    size_t flag;
    size_t variable;
};

static struct columns measure(const struct settings_program *program)
{
    struct columns columns = {.flag = strlen("--version"), .variable = 0};
    for (size_t i = 0; i < program->count; i++) {
        size_t len = strlen(program->settings[i].name);
        if (len + 2 > columns.flag)
            columns.flag = len + 2;
        if (len > columns.variable)
            columns.variable = len;
    }
    return columns;
}

static void print_spaces(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* Prints `text` from column `indent` on, broken between words. */
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
    size_t column = indent;
    while (*text) {
        size_t word = strcspn(text, " ");
        bool first = column == indent;
        if (!first && column + 1 + word > HELP_COLUMNS) {
            fputc('\n', out);
            print_spaces(out, indent);
            column = indent;
            first = true;
        }
        if (!first)
            fputc(' ', out);
        fwrite(text, 1, word, out);
        column += word + (first ? 0 : 1);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_entry(FILE *out, struct columns columns, const char *flag, const char *variable,
                        const char *text)
{
    fprintf(out, "%*s%-*s%*s%-*s%*s", HELP_GAP, "", (int)columns.flag, flag, HELP_GAP, "",
            (int)columns.variable, variable, HELP_GAP, "");
    print_wrapped(out, text, columns.flag + columns.variable + 3UL * HELP_GAP);
}

char settings_help_flag_byte(char byte)
{
    if (byte == '_')
        return '-';
    return (char)tolower((unsigned char)byte);
}

static void print_setting(FILE *out, struct columns columns, const struct setting *setting)
{
    char flag[HELP_TEXT_SIZE], text[HELP_TEXT_SIZE];
    snprintf(flag, sizeof flag, "--%s", setting->name);
    for (char *at = flag; *at; at++)
        *at = settings_help_flag_byte(*at);
    bool plain = setting->kind == SETTING_SWITCH;
    if (plain)
        snprintf(text, sizeof text, "%s", setting->help);
    else
        snprintf(text, sizeof text, "%s [%s]", setting->help,
                 setting->fallback ? setting->fallback : "none");
    print_entry(out, columns, flag, plain ? "" : setting->name, text);
}

static void print_all(const struct settings_program *program, FILE *out, bool plain)
{
    struct columns columns = measure(program);
    for (size_t i = 0; i < program->count; i++)
        if ((program->settings[i].kind == SETTING_SWITCH) == plain)
            print_setting(out, columns, &program->settings[i]);
}

void settings_help_print(const struct settings_program *program, FILE *out)
{
    fprintf(out, "Usage: %s [--FLAG VALUE]...\n\n%s\n\n", program->name, program->summary);
    fputs(
        "A setting is a flag or an environment variable; the flag wins. NAME_FILE=PATH or\n"
        "--NAME-file PATH takes its value from a file instead. Durations are 500ms, 10s, 5m, 2h,\n"
        "1d, or a bare number of seconds.\n\nSettings, with their defaults in brackets:\n",
        out);
    print_all(program, out, false);
    fputs("\nOther flags:\n", out);
    print_all(program, out, true);
    struct columns columns = measure(program);
    print_entry(out, columns, "--help", "", "show this and exit");
    print_entry(out, columns, "--version", "", "show the version and exit");
}
