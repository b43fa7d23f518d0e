/*
 * The texts of scripts/save.lua, list.lua and find.lua, NUL-terminated; the build embeds them.
 */
#ifndef TEMPMESSENGER_REDIS_SCRIPTS_H
#define TEMPMESSENGER_REDIS_SCRIPTS_H

extern const char redis_script_save[];
extern const char redis_script_list[];
extern const char redis_script_find[];

#endif
