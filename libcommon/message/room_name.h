/*
 * The grammar of room names: [a-z0-9][a-z0-9-]{0,63}.
 */
#ifndef TEMPMESSENGER_ROOM_NAME_H
#define TEMPMESSENGER_ROOM_NAME_H

#include <stdbool.h>

enum { ROOM_NAME_MAX = 64, ROOM_NAME_SIZE = ROOM_NAME_MAX + 1 };

#define ROOM_NAME_DEFAULT "lobby"

bool room_name_valid(const char *name);

#endif
