/*
 * What --help shows, and how the flag of a setting is spelt.
 */
#ifndef TEMPMESSENGER_SETTINGS_HELP_H
#define TEMPMESSENGER_SETTINGS_HELP_H

#include "settings.h"

void settings_help_print(const struct settings_program *program, FILE *out);

/* The byte of the flag for a byte of the variable: MESSAGE_TTL is --message-ttl. */
char settings_help_flag_byte(char byte);

#endif
