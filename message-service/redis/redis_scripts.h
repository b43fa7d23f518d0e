/*
 * The scripts that Redis runs for us, one line of the list for each file of scripts/:
 * redis_scripts_save is scripts/save.lua.
 */
#ifndef TEMPMESSENGER_REDIS_SCRIPTS_H
#define TEMPMESSENGER_REDIS_SCRIPTS_H

#include "redis_pool.h"

#define REDIS_SCRIPTS_LIST(SCRIPT) SCRIPT(save) SCRIPT(list) SCRIPT(find)

#define REDIS_SCRIPTS_DECLARE(name) extern const struct redis_pool_script redis_scripts_##name;
REDIS_SCRIPTS_LIST(REDIS_SCRIPTS_DECLARE)

#endif
