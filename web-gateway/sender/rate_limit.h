/*
 * How often each client may write: a token bucket for each client, refilled continuously.
 *
 * A bucket holds `count` tokens and refills from empty to full within the window, so a client may
 * send `count` at once and then as many a window. Buckets live in a table of fixed size. When it is
 * full, a new client takes the fullest bucket among eight: its former owner starts again with all
 * tokens, so under a flood from very many addresses the limit grows softer; it never refuses a
 * client for what others did, and never allocates.
 *
 * Time is given by the caller, on the monotonic clock. Any thread.
 */
#ifndef TEMPMESSENGER_RATE_LIMIT_H
#define TEMPMESSENGER_RATE_LIMIT_H

#include "cleanup.h"
#include "client_hash.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RATE_LIMIT_CLIENTS_MAX = 65536,     /* buckets, 32 bytes each */
    RATE_LIMIT_COUNT_MAX = 1000000,     /* tokens */
    RATE_LIMIT_WINDOW_MAX_MS = 86400000 /* a day */
};

/* Room for either header value and its NUL. */
enum { RATE_LIMIT_HEADER_SIZE = 64 };

/* What the headers of an answer report. */
struct rate_limit_state {
    uint32_t limit;     /* tokens of a full bucket */
    uint32_t window_s;  /* seconds from empty to full, rounded up */
    uint32_t remaining; /* whole tokens left */
    uint32_t next_s;    /* seconds until there is one more, rounded up, at least 1 */
};

struct rate_limit;

/* `count` tokens a window, each from 1 to its maximum. NULL when they are not, when out of memory
 * or without the kernel's random numbers. */
struct rate_limit *rate_limit_new(uint32_t count, uint64_t window_ms);

/* Takes NULL. No other call may be under way. */
void rate_limit_free(struct rate_limit *limiter);

CLEANUP_DEFINE(struct rate_limit, rate_limit_free)

/* Takes one of the client's tokens; false if there is none. Sets *ret_state either way. A `now_us`
 * before the last one counts as the last one. */
bool rate_limit_take(struct rate_limit *limiter, const uint8_t key[CLIENT_KEY_SIZE],
                     uint64_t now_us, struct rate_limit_state *ret_state);

/* The values of the headers RateLimit-Policy and RateLimit as in
 * draft-ietf-httpapi-ratelimit-headers 08 to 11: `"default";q=20;w=1` and `"default";r=19;t=1`. */
void rate_limit_format(const struct rate_limit_state *state,
                       char ret_policy[RATE_LIMIT_HEADER_SIZE],
                       char ret_limit[RATE_LIMIT_HEADER_SIZE]);

#endif
