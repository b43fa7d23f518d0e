/*
 * A hash table of fixed size with chains, under one lock: there are at most as many clients as
 * connections and streams are open.
 */
#include "clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 /* a power of two */ };

struct client {
    struct client *next; /* of the same slot */
    struct clients *clients;
    uint8_t key[CLIENT_KEY_SIZE];
    unsigned open[CLIENTS_KINDS];
};

struct clients {
    pthread_mutex_t lock; /* over the slots and all that hangs on them */
    struct client_hash hash;
    unsigned max[CLIENTS_KINDS];
    struct client *slots[SLOTS];
};

struct clients *clients_new(const unsigned max[CLIENTS_KINDS])
{
    struct clients *clients = calloc(1, sizeof *clients);
    if (!clients)
        return NULL;
    if (!client_hash_init(&clients->hash)) {
        free(clients);
        return NULL;
    }
    pthread_mutex_init(&clients->lock, NULL);
    memcpy(clients->max, max, sizeof clients->max);
    return clients;
}

void clients_free(struct clients *clients)
{
    if (!clients)
        return;
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

/* Where the pointer to the client stands, or NULL at the end of its chain. */
static struct client **place_of(struct clients *clients, const uint8_t key[CLIENT_KEY_SIZE])
{
    struct client **place = &clients->slots[client_hash_of(&clients->hash, key) & (SLOTS - 1)];
    while (*place && memcmp((*place)->key, key, CLIENT_KEY_SIZE) != 0)
        place = &(*place)->next;
    return place;
}

static struct client *client_new(struct clients *clients, const uint8_t key[CLIENT_KEY_SIZE])
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->clients = clients;
    memcpy(client->key, key, CLIENT_KEY_SIZE);
    return client;
}

struct client *clients_open(struct clients *clients, const uint8_t key[CLIENT_KEY_SIZE],
                            enum clients_kind kind)
{
    LOCKED(&clients->lock);
    struct client **place = place_of(clients, key);
    if (!*place)
        *place = client_new(clients, key);
    struct client *client = *place;
    if (!client || (clients->max[kind] && client->open[kind] == clients->max[kind]))
        return NULL;
    client->open[kind]++;
    return client;
}

static bool has_nothing_open(const struct client *client)
{
    for (unsigned kind = 0; kind < CLIENTS_KINDS; kind++)
        if (client->open[kind])
            return false;
    return true;
}

void clients_close(struct client *client, enum clients_kind kind)
{
    LOCKED(&client->clients->lock);
    client->open[kind]--;
    if (!has_nothing_open(client))
        return;
    *place_of(client->clients, client->key) = client->next;
    free(client);
}
