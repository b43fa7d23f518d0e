/*
 * The headers that the services parse: Accept, Origin and Host, X-Forwarded-For, Idempotency-Key
 * and Last-Event-ID. One line each, in the order of `struct headers`.
 */
#include "accept.h"
#include "buffer.h"
#include "cleanup.h"
#include "client_address.h"
#include "event_id.h"
#include "idempotency_key.h"
#include "input.h"
#include "origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORWARDED_MAX = 16 * 1024 * 1024 };

struct headers {
    char *accept;
    char *origin;
    char *host;
    char *allowed;
    char *peer;
    char *trusted;
    char *forwarded_for;
    char *key;
    char *event_id;
};

static void check_accept(const char *accept)
{
    bool plain = accept_prefers_plain_text(accept);
    REQUIRE(!plain || strlen(accept) <= ACCEPT_MAX);
    REQUIRE(!plain || strcasestr(accept, "text/") || strstr(accept, "*/*"));
}

static void check_origin(const struct headers *headers)
{
    const char *const allowed[] = {headers->allowed};
    const char *const own[] = {headers->origin};
    bool valid = origin_valid(headers->origin);
    bool here = origin_allowed(headers->origin, headers->host, NULL, 0);
    bool listed = origin_allowed(headers->origin, NULL, allowed, 1);
    REQUIRE(origin_allowed(NULL, headers->host, allowed, 1));
    REQUIRE(origin_allowed(headers->origin, headers->host, allowed, 1) == (here || listed));
    REQUIRE(origin_allowed(headers->origin, NULL, own, 1) == valid);
    REQUIRE(!origin_allowed(headers->origin, NULL, NULL, 0));
    REQUIRE(valid || (!here && !listed));
    REQUIRE(!listed || origin_valid(headers->allowed));
    REQUIRE(listed == origin_allowed(headers->allowed, NULL, own, 1));
}

/* Reads an IPv4 or IPv6 address; NULL if it is neither. */
static const struct sockaddr *read_peer(const char *text, struct sockaddr_storage *storage)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        memcpy(storage, &ipv4, sizeof ipv4);
    else if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1)
        memcpy(storage, &ipv6, sizeof ipv6);
    else
        return NULL;
    return (const struct sockaddr *)storage;
}

static bool same_client(const struct client_address *a, const struct client_address *b)
{
    return memcmp(a->key, b->key, IP_ADDRESS_SIZE) == 0 && strcmp(a->text, b->text) == 0;
}

/* The client's address stands for itself, and hearsay on the left of the header changes nothing. */
static void check_client(const struct headers *headers)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_storage found = {0};
    struct address_block trusted = {0};
    struct client_address client, again;
    const struct sockaddr *peer = read_peer(headers->peer, &storage);
    size_t count = address_block_parse(headers->trusted, &trusted) ? 1 : 0;
    client_address_find(peer, headers->forwarded_for, &trusted, count, &client);
    if (!peer) {
        REQUIRE(strcmp(client.text, "unknown") == 0);
        return;
    }
    REQUIRE(read_peer(client.text, &found));
    client_address_find((const struct sockaddr *)&found, NULL, NULL, 0, &again);
    REQUIRE(same_client(&client, &again));

    CLEANUP_FINI(buffer_fini) struct buffer header;
    buffer_init(&header, FORWARDED_MAX);
    buffer_append_format(&header, "nobody, %s", headers->forwarded_for);
    REQUIRE(!header.failed);
    client_address_find(peer, header.data, &trusted, count, &again);
    REQUIRE(same_client(&client, &again));

    client_address_find(peer, headers->forwarded_for, NULL, 0, &client);
    client_address_find(peer, NULL, &trusted, count, &again);
    REQUIRE(same_client(&client, &again));
}

static void check_key(const char *value)
{
    char key[IDEMPOTENCY_KEY_SIZE];
    char again[IDEMPOTENCY_KEY_SIZE];
    char quoted[IDEMPOTENCY_KEY_SIZE + 2];
    if (!idempotency_key_parse(value, key))
        return;
    size_t len = strlen(key);
    REQUIRE(len >= 1 && len <= IDEMPOTENCY_KEY_MAX);
    for (size_t i = 0; i < len; i++)
        REQUIRE(key[i] >= '!' && key[i] <= '~');
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    REQUIRE(idempotency_key_parse(quoted, again) && strcmp(again, key) == 0);
}

static void check_event_id(const char *text)
{
    struct event_id id;
    char written[EVENT_ID_SIZE];
    if (!event_id_parse(text, &id))
        return;
    REQUIRE(id.number <= EVENT_NUMBER_MAX);
    event_id_format(id, written);
    REQUIRE(strcmp(written, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    struct headers headers;
    char **const each[] = {
        &headers.accept,  &headers.origin,        &headers.host, &headers.allowed,  &headers.peer,
        &headers.trusted, &headers.forwarded_for, &headers.key,  &headers.event_id,
    };
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
        *each[i] = input_string(&input, '\n');
    check_accept(headers.accept);
    check_origin(&headers);
    check_client(&headers);
    check_key(headers.key);
    check_event_id(headers.event_id);
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
        free(*each[i]);
    return 0;
}
