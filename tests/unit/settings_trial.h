/*
 * A program's own settings, tried with one variable in the environment.
 */
#ifndef TEMPMESSENGER_TESTS_SETTINGS_TRIAL_H
#define TEMPMESSENGER_TESTS_SETTINGS_TRIAL_H

#include "settings.h"

#include <stddef.h>

struct settings_trial {
    const struct settings_program *program;
    void *settings;
    size_t size; /* of the settings */
};

/* What is tried; the test defines it. */
extern const struct settings_trial settings_trial;

/* What the last trial had to say. */
extern char settings_trial_errors[2048];

/* Loads; NULL: with nothing in the environment. */
enum settings_outcome settings_trial_load(const char *variable);

void settings_trial_free(void);

/* It is taken. The settings are freed. */
void settings_trial_expect_taken(const char *variable);

/* It is refused with this line, behind the program's name. */
void settings_trial_expect_refused(const char *variable, const char *line);

#endif
