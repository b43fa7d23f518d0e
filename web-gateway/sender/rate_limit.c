/*
 * Token buckets in exact integers. The unit is such that a bucket refills by `count` units a
 * microsecond and a token is as many units as the window has microseconds, so no rate is rounded.
 * A bucket stores what it lacks, not what it has: zeroed memory is a table of full buckets, and
 * dropping a bucket that lacks nothing loses nothing.
 *
 * The table consists of sets of eight; client_hash.h chooses a client's, so that nobody can pick
 * addresses that meet in one set and push a neighbour out. Each call reads one set, under one lock,
 * even during an attack.
 *
 * client_address.c finds the key; the settings say whether there is a limit.
 */
#include "rate_limit.h"

#include "client_hash.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SET_WAYS = 8, SET_COUNT = RATE_LIMIT_CLIENTS_MAX / SET_WAYS };

_Static_assert((SET_COUNT & (SET_COUNT - 1)) == 0, "a set is chosen by the hash's low bits");

static const uint64_t us_per_second = 1000000;

struct bucket {
    uint8_t key[CLIENT_KEY_SIZE];
    uint64_t lacking; /* units, as of updated_us */
    uint64_t updated_us;
};

struct rate_limit {
    pthread_mutex_t mutex; /* guards the buckets */
    struct client_hash hash;
    uint64_t count;     /* tokens of a full bucket, and units refilled a microsecond */
    uint64_t window_us; /* also the units of one token */
    struct bucket buckets[RATE_LIMIT_CLIENTS_MAX];
};

struct rate_limit *rate_limit_new(uint32_t count, uint64_t window_ms)
{
    if (count == 0 || count > RATE_LIMIT_COUNT_MAX)
        return NULL;
    if (window_ms == 0 || window_ms > RATE_LIMIT_WINDOW_MAX_MS)
        return NULL;
    struct rate_limit *limiter = calloc(1, sizeof *limiter);
    if (!limiter)
        return NULL;
    if (!client_hash_init(&limiter->hash) || pthread_mutex_init(&limiter->mutex, NULL) != 0) {
        free(limiter);
        return NULL;
    }
    limiter->count = count;
    limiter->window_us = window_ms * 1000;
    return limiter;
}

void rate_limit_free(struct rate_limit *limiter)
{
    if (!limiter)
        return;
    pthread_mutex_destroy(&limiter->mutex);
    free(limiter);
}

/* The units that the bucket lacks now. The product is less than a full bucket: no overflow. */
static uint64_t lacking_at(const struct rate_limit *limiter, const struct bucket *bucket,
                           uint64_t now_us)
{
    uint64_t elapsed_us = now_us > bucket->updated_us ? now_us - bucket->updated_us : 0;
    if (elapsed_us >= limiter->window_us)
        return 0;
    uint64_t refilled = elapsed_us * limiter->count;
    return bucket->lacking > refilled ? bucket->lacking - refilled : 0;
}

/* The client's bucket. A new client gets the one of its set whose loss matters least: the fullest,
 * or of equally full ones the longest unused. */
static struct bucket *find_bucket(struct rate_limit *limiter, const uint8_t key[CLIENT_KEY_SIZE],
                                  uint64_t now_us)
{
    size_t set = (size_t)(client_hash_of(&limiter->hash, key) & (SET_COUNT - 1));
    struct bucket *ways = &limiter->buckets[set * SET_WAYS];
    struct bucket *victim = NULL;
    uint64_t victim_lacking = 0;
    for (size_t i = 0; i < SET_WAYS; i++) {
        if (memcmp(ways[i].key, key, CLIENT_KEY_SIZE) == 0)
            return &ways[i];
        uint64_t lacking = lacking_at(limiter, &ways[i], now_us);
        bool better = !victim || lacking < victim_lacking ||
                      (lacking == victim_lacking && ways[i].updated_us < victim->updated_us);
        if (better) {
            victim = &ways[i];
            victim_lacking = lacking;
        }
    }
    *victim = (struct bucket){0};
    memcpy(victim->key, key, CLIENT_KEY_SIZE);
    return victim;
}

static uint64_t divide_up(uint64_t number, uint64_t by)
{
    return number / by + (number % by != 0);
}

/* `lacking` is never 0 here: a token was just taken, or none was left. */
static void describe(const struct rate_limit *limiter, uint64_t lacking,
                     struct rate_limit_state *ret_state)
{
    uint64_t left = limiter->count * limiter->window_us - lacking;
    uint64_t to_next = limiter->window_us - left % limiter->window_us;
    uint64_t next_us = divide_up(to_next, limiter->count);
    *ret_state = (struct rate_limit_state){
        .limit = (uint32_t)limiter->count,
        .window_s = (uint32_t)divide_up(limiter->window_us, us_per_second),
        .remaining = (uint32_t)(left / limiter->window_us),
        .next_s = (uint32_t)divide_up(next_us, us_per_second),
    };
}

bool rate_limit_take(struct rate_limit *limiter, const uint8_t key[CLIENT_KEY_SIZE],
                     uint64_t now_us, struct rate_limit_state *ret_state)
{
    LOCKED(&limiter->mutex);
    struct bucket *bucket = find_bucket(limiter, key, now_us);
    bucket->lacking = lacking_at(limiter, bucket, now_us);
    if (now_us > bucket->updated_us)
        bucket->updated_us = now_us;
    bool allowed = bucket->lacking <= (limiter->count - 1) * limiter->window_us;
    if (allowed)
        bucket->lacking += limiter->window_us;
    describe(limiter, bucket->lacking, ret_state);
    return allowed;
}

void rate_limit_format(const struct rate_limit_state *state,
                       char ret_policy[RATE_LIMIT_HEADER_SIZE],
                       char ret_limit[RATE_LIMIT_HEADER_SIZE])
{
    snprintf(ret_policy, RATE_LIMIT_HEADER_SIZE, "\"default\";q=%u;w=%u", state->limit,
             state->window_s);
    snprintf(ret_limit, RATE_LIMIT_HEADER_SIZE, "\"default\";r=%u;t=%u", state->remaining,
             state->next_s);
}
