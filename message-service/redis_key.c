/*
 * Names are put together by one format, and a channel's name is read by putting it together again:
 * so the two cannot come apart.
 */
#include "redis_key.h"

#include <stdio.h>
#include <string.h>

void redis_key_make(const char *prefix, const char *room, const char *name, const char *behind,
                    char ret_key[REDIS_KEY_SIZE])
{
    snprintf(ret_key, REDIS_KEY_SIZE, "%s:{%s}:%s%s", prefix, room, name, behind);
}

bool redis_key_channel_room(const char *prefix, const char *channel, size_t len,
                            char ret_room[ROOM_NAME_SIZE])
{
    size_t before = strlen(prefix) + strlen(":{");
    size_t behind = strlen("}:" REDIS_KEY_CHANNEL);
    if (len <= before + behind || len - before - behind > ROOM_NAME_MAX)
        return false;
    char room[ROOM_NAME_SIZE] = "", again[REDIS_KEY_SIZE];
    memcpy(room, channel + before, len - before - behind);
    if (!room_name_valid(room))
        return false;
    redis_key_make(prefix, room, REDIS_KEY_CHANNEL, "", again);
    if (strlen(again) != len || memcmp(again, channel, len) != 0)
        return false;
    memcpy(ret_room, room, sizeof room);
    return true;
}
