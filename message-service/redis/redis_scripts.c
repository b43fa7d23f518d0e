/*
 * The build embeds the text of each script, with the SHA-1 by which Redis knows it.
 */
#include "redis_scripts.h"

#define DEFINE(name)                                                                               \
    extern const char redis_script_##name[], redis_script_##name##_sha1[];                         \
    const struct redis_pool_script redis_scripts_##name = {                                        \
        .text = redis_script_##name,                                                               \
        .sha1 = redis_script_##name##_sha1,                                                        \
    };
REDIS_SCRIPTS_LIST(DEFINE)
