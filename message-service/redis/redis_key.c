/*
 * One format makes all names, and a channel's name is parsed by making it again and comparing: so
 * the two cannot disagree.
 */
#include "redis_key.h"

#include <stdio.h>
#include <string.h>

void redis_key_make(const char *prefix, const char *room, const char *name, const char *suffix,
                    char ret_key[REDIS_KEY_SIZE])
{
    snprintf(ret_key, REDIS_KEY_SIZE, "%s:{%s}:%s%s", prefix, room, name, suffix);
}

void redis_key_make_channel(const char *prefix, const char *room, int db,
                            char ret_channel[REDIS_KEY_SIZE])
{
    char number[16] = "";
    if (db)
        snprintf(number, sizeof number, ":%d", db);
    redis_key_make(prefix, room, "events", number, ret_channel);
}

bool redis_key_channel_room(const char *prefix, int db, const char *channel, size_t len,
                            char ret_room[ROOM_NAME_SIZE])
{
    size_t before = strlen(prefix) + strlen(":{");
    const char *end = memchr(channel, '}', len);
    if (!end || len <= before)
        return false;
    size_t room_len = (size_t)(end - channel) - before;
    char room[ROOM_NAME_SIZE] = "", again[REDIS_KEY_SIZE];
    if (end < channel + before || room_len > ROOM_NAME_MAX)
        return false;
    memcpy(room, channel + before, room_len);
    if (!room_name_valid(room))
        return false;
    redis_key_make_channel(prefix, room, db, again);
    if (strlen(again) != len || memcmp(again, channel, len) != 0)
        return false;
    memcpy(ret_room, room, sizeof room);
    return true;
}
