/*
 * A program's own settings, tried with one variable in the environment.
 */
#ifndef TEMPMESSENGER_TESTS_TRIAL_H
#define TEMPMESSENGER_TESTS_TRIAL_H

#include "settings.h"

#include <stddef.h>

struct trial {
    const struct settings_program *program;
    void *settings;
    size_t size; /* of the settings */
};

/* What is tried; the test defines it. */
extern const struct trial trial;

/* What the last trial had to say. */
extern char trial_errors[2048];

/* Loads; NULL: with nothing in the environment. */
enum settings_outcome trial_load(const char *variable);

void trial_free(void);

/* It is taken. The settings are freed. */
void trial_expect_taken(const char *variable);

/* It is refused with this line, behind the program's name. */
void trial_expect_refused(const char *variable, const char *line);

#endif
