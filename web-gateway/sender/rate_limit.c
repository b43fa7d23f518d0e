/*
 * Token buckets in exact integers. The unit is such that a bucket refills by `count` units a
 * microsecond and a token is as many units as the window has microseconds, so no rate is rounded.
 * A bucket stores what it lacks, not what it has: zeroed memory is a table of full buckets, and
 * dropping a bucket that lacks nothing loses nothing.
 *
 * The table consists of sets of eight. SipHash-2-4 under a random key of this process chooses a
 * client's set, so nobody can pick addresses that meet in one set and push a neighbour out. Each
 * call reads one set, under one lock, even during an attack.
 *
 * client_address.c finds the key; the settings say whether there is a limit.
 */
#include "rate_limit.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SET_WAYS = 8, SET_COUNT = RATE_LIMIT_CLIENTS_MAX / SET_WAYS };

_Static_assert((SET_COUNT & (SET_COUNT - 1)) == 0, "a set is chosen by the hash's low bits");

static const uint64_t us_per_second = 1000000;

struct bucket {
    uint8_t key[RATE_LIMIT_KEY_SIZE];
    uint64_t lacking; /* units, as of updated_us */
    uint64_t updated_us;
};

struct rate_limit {
    pthread_mutex_t mutex; /* guards the buckets */
    uint64_t seed[2];
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
    ssize_t seeded = getrandom(limiter->seed, sizeof limiter->seed, 0);
    if (seeded != sizeof limiter->seed || pthread_mutex_init(&limiter->mutex, NULL) != 0) {
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

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* The words are read in the host's byte order: the hash never leaves the process. */
static uint64_t hash_key(const uint64_t seed[2], const uint8_t key[RATE_LIMIT_KEY_SIZE])
{
    uint64_t v[4] = {
        seed[0] ^ 0x736f6d6570736575,
        seed[1] ^ 0x646f72616e646f6d,
        seed[0] ^ 0x6c7967656e657261,
        seed[1] ^ 0x7465646279746573,
    };
    uint64_t words[3] = {0, 0, (uint64_t)RATE_LIMIT_KEY_SIZE << 56};
    memcpy(words, key, RATE_LIMIT_KEY_SIZE);
    for (int i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_rounds(v, 2);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
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
static struct bucket *find_bucket(struct rate_limit *limiter,
                                  const uint8_t key[RATE_LIMIT_KEY_SIZE], uint64_t now_us)
{
    size_t set = (size_t)(hash_key(limiter->seed, key) & (SET_COUNT - 1));
    struct bucket *ways = &limiter->buckets[set * SET_WAYS];
    struct bucket *victim = NULL;
    uint64_t victim_lacking = 0;
    for (size_t i = 0; i < SET_WAYS; i++) {
        if (memcmp(ways[i].key, key, RATE_LIMIT_KEY_SIZE) == 0)
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
    memcpy(victim->key, key, RATE_LIMIT_KEY_SIZE);
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

bool rate_limit_take(struct rate_limit *limiter, const uint8_t key[RATE_LIMIT_KEY_SIZE],
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
