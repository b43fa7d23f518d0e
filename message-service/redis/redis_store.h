/*
 * Redis (6.2 or newer) as a store, which any number of processes can share.
 */
#ifndef TEMPMESSENGER_REDIS_STORE_H
#define TEMPMESSENGER_REDIS_STORE_H

#include "message_store_backend.h"

extern const struct message_store_backend redis_store_backend;

/* The same over a unix socket. */
extern const struct message_store_backend redis_store_unix_backend;

#endif
