/*
 * `memory:`, the store of one process, whose messages end with the process.
 */
#ifndef TEMPMESSENGER_MEMORY_STORE_H
#define TEMPMESSENGER_MEMORY_STORE_H

#include "message_store_backend.h"

extern const struct message_store_backend memory_store_backend;

#endif
