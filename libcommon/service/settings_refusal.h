/*
 * The one line that says what is wrong with a setting. A value in it is quoted, cut and escaped, so
 * that it cannot forge a line.
 */
#ifndef TEMPMESSENGER_SETTINGS_REFUSAL_H
#define TEMPMESSENGER_SETTINGS_REFUSAL_H

#include "settings.h"

/* A broken rule: 'program: NAME: "value" is not <rule>'. A `value` of NULL is not shown. */
__attribute__((format(printf, 5, 6))) void
settings_refusal_rule(FILE *err, const struct settings_program *program, const char *name,
                      const char *value, const char *rule_format, ...);

/* What is wrong before a value is known: 'program: <subject>"value"<rest>', without the quotes if
 * `value` is NULL. Returns SETTINGS_INVALID. */
enum settings_outcome settings_refusal_line(FILE *err, const struct settings_program *program,
                                            const char *subject, const char *value,
                                            const char *rest);

#endif
