/*
 * Arguments are counted bytes: a message may hold any of them. They are not copied, since a command
 * lives no longer than the call that sends it.
 */
#include "redis_command.h"

#include <string.h>

void redis_command_add(struct redis_command *command, const char *bytes, size_t len)
{
    command->arguments[command->count] = bytes;
    command->lens[command->count] = len;
    command->count++;
}

void redis_command_add_string(struct redis_command *command, const char *string)
{
    redis_command_add(command, string, strlen(string));
}
