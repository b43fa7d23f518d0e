/*
 * A command for Redis, put together argument by argument.
 *
 * Pure. Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_COMMAND_H
#define TEMPMESSENGER_REDIS_COMMAND_H

#include <stddef.h>

enum { REDIS_COMMAND_MAX_ARGUMENTS = 16 };

/* It borrows its arguments. Initialise with {0}. */
struct redis_command {
    int count;
    const char *arguments[REDIS_COMMAND_MAX_ARGUMENTS];
    size_t lens[REDIS_COMMAND_MAX_ARGUMENTS];
};

/* Appends an argument: `len` bytes, or a string. */
void redis_command_add(struct redis_command *command, const char *bytes, size_t len);
void redis_command_add_string(struct redis_command *command, const char *string);

#endif
