/*
 * SipHash-2-4 over the 16 bytes of a key.
 */
#include "client_hash.h"

#include <string.h>
#include <sys/random.h>

bool client_hash_init(struct client_hash *hash)
{
    return getrandom(hash->seed, sizeof hash->seed, 0) == sizeof hash->seed;
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
uint64_t client_hash_of(const struct client_hash *hash, const uint8_t key[CLIENT_KEY_SIZE])
{
    uint64_t v[4] = {
        hash->seed[0] ^ 0x736f6d6570736575,
        hash->seed[1] ^ 0x646f72616e646f6d,
        hash->seed[0] ^ 0x6c7967656e657261,
        hash->seed[1] ^ 0x7465646279746573,
    };
    uint64_t words[3] = {0, 0, (uint64_t)CLIENT_KEY_SIZE << 56};
    memcpy(words, key, CLIENT_KEY_SIZE);
    for (int i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_rounds(v, 2);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
