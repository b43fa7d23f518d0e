/*
 * Standard output stays the test's own: what is tried here never gets as far as help or a version.
 */
#include "settings_trial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

char settings_trial_errors[2048];

enum settings_outcome settings_trial_load(const char *variable)
{
    char program_name[] = "program";
    char *argv[] = {program_name, NULL};
    char *given = variable ? strdup(variable) : NULL;
    char *envp[] = {given, NULL};
    FILE *err = fmemopen(settings_trial_errors, sizeof settings_trial_errors, "w");
    memset(settings_trial.settings, 0, settings_trial.size);
    enum settings_outcome outcome =
        settings_load(settings_trial.program, 1, argv, envp, stdout, err, settings_trial.settings);
    fclose(err);
    free(given);
    return outcome;
}

void settings_trial_free(void)
{
    settings_fini(settings_trial.program, settings_trial.settings);
}

void settings_trial_expect_taken(const char *variable)
{
    ck_assert_int_eq(settings_trial_load(variable), SETTINGS_OK);
    settings_trial_free();
}

void settings_trial_expect_refused(const char *variable, const char *line)
{
    char expected[sizeof settings_trial_errors];
    ck_assert_int_eq(settings_trial_load(variable), SETTINGS_INVALID);
    snprintf(expected, sizeof expected, "%s: %s", settings_trial.program->name, line);
    ck_assert_str_eq(settings_trial_errors, expected);
}
