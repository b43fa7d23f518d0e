/*
 * Where a client's address stands in a table: a hash under a random key of this process, so that
 * nobody can pick addresses that meet in one place.
 *
 * Any thread.
 */
#ifndef TEMPMESSENGER_CLIENT_HASH_H
#define TEMPMESSENGER_CLIENT_HASH_H

#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_KEY_SIZE = 16 }; /* as of struct client_address */

struct client_hash {
    uint64_t seed[2];
};

/* False without the kernel's random numbers. */
bool client_hash_init(struct client_hash *hash);

uint64_t client_hash_of(const struct client_hash *hash, const uint8_t key[CLIENT_KEY_SIZE]);

#endif
