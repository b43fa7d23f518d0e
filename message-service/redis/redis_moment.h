/*
 * A moment on two clocks, Redis' and ours: it takes a message's end from one to the other.
 */
#ifndef TEMPMESSENGER_REDIS_MOMENT_H
#define TEMPMESSENGER_REDIS_MOMENT_H

#include <stdint.h>

struct redis_moment {
    int64_t redis_ms;
    uint64_t monotonic_us;
};

#endif
