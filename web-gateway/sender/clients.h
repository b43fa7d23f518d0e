/*
 * The client addresses that have something open here, and how many of each kind.
 *
 * A client is remembered while it has something open, so the table is as large as what is open.
 *
 * Any thread.
 */
#ifndef TEMPMESSENGER_CLIENTS_H
#define TEMPMESSENGER_CLIENTS_H

#include "cleanup.h"
#include "client_hash.h"

enum clients_kind { CLIENTS_CONNECTION, CLIENTS_STREAM, CLIENTS_KINDS };

struct client;
struct clients;

/* `max` is how many of each kind one client may have; 0: any number. NULL when out of memory or
 * without the kernel's random numbers. */
struct clients *clients_new(const unsigned max[CLIENTS_KINDS]);

/* Nothing may be open. Takes NULL. */
void clients_free(struct clients *clients);

CLEANUP_DEFINE(struct clients, clients_free)

/* The client opens one more, which clients_close ends. NULL where it has as many as it may, and
 * when out of memory. */
struct client *clients_open(struct clients *clients, const uint8_t key[CLIENT_KEY_SIZE],
                            enum clients_kind kind);

/* The client may be freed by this. */
void clients_close(struct client *client, enum clients_kind kind);

#endif
