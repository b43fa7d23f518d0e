/*
 * The grammar of room names, checked byte by byte and without the locale: a room name becomes part
 * of paths, Redis keys and JSON, and needs no escaping in any of them because nothing else passes
 * here. Whether such a room exists is no question: every valid name is a room.
 */
#include "room_name.h"

#include <stddef.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool room_name_valid(const char *name)
{
    if (!name || !is_letter_or_digit(name[0]))
        return false;
    size_t len = 1;
    while (len <= ROOM_NAME_MAX && (is_letter_or_digit(name[len]) || name[len] == '-'))
        len++;
    return len <= ROOM_NAME_MAX && name[len] == '\0';
}
