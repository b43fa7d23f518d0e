/*
 * The command line of a program, read to its end before any value is looked at: --help works
 * whatever the environment says, and the last of two equal flags wins.
 */
#ifndef TEMPMESSENGER_SETTINGS_FLAGS_H
#define TEMPMESSENGER_SETTINGS_FLAGS_H

#include "settings.h"

/* What one source, the flags or the environment, gives for a setting; NULL where it does not. */
struct settings_given {
    const char *value;
    const char *file;
};

/* Fills `ret_flags`, one for each setting, zeroed by the caller, with pointers into `argv`. Sets
 * the switches in `settings`, the program's struct. Writes what --help and --version ask for to
 * `out`, and a refusal to `err`. */
enum settings_outcome settings_flags_read(const struct settings_program *program, int argc,
                                          char *const argv[], FILE *out, FILE *err, void *settings,
                                          struct settings_given ret_flags[SETTINGS_MAX])
    __attribute__((warn_unused_result));

#endif
