/*
 * Standard output stays the test's own: what is tried here never gets as far as help or a version.
 */
#include "trial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

char trial_errors[2048];

enum settings_outcome trial_load(const char *variable)
{
    char program_name[] = "program";
    char *argv[] = {program_name, NULL};
    char *given = variable ? strdup(variable) : NULL;
    char *envp[] = {given, NULL};
    FILE *err = fmemopen(trial_errors, sizeof trial_errors, "w");
    memset(trial.settings, 0, trial.size);
    enum settings_outcome outcome =
        settings_load(trial.program, 1, argv, envp, stdout, err, trial.settings);
    fclose(err);
    free(given);
    return outcome;
}

void trial_free(void)
{
    settings_fini(trial.program, trial.settings);
}

void trial_expect_taken(const char *variable)
{
    ck_assert_int_eq(trial_load(variable), SETTINGS_OK);
    trial_free();
}

void trial_expect_refused(const char *variable, const char *line)
{
    char expected[sizeof trial_errors];
    ck_assert_int_eq(trial_load(variable), SETTINGS_INVALID);
    snprintf(expected, sizeof expected, "%s: %s", trial.program->name, line);
    ck_assert_str_eq(trial_errors, expected);
}
