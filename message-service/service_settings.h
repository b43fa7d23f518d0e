/*
 * The settings of the message service.
 */
#ifndef TEMPMESSENGER_SERVICE_SETTINGS_H
#define TEMPMESSENGER_SERVICE_SETTINGS_H

#include "common_settings.h"
#include "settings.h"

enum {
    STORE_PREFIX_MAX = 64,
    MESSAGE_BYTES_MAX = 65536,
    ROOM_MESSAGES_MAX = 1000000,
    ROOM_BYTES_LEAST = 64 * 1024,
    ROOM_BYTES_MOST = 256 * 1024 * 1024,
};

/* The bounds of MESSAGE_TTL, MESSAGE_TTL_MIN and MESSAGE_TTL_MAX: 100 ms and 30 days. */
#define MESSAGE_TTL_LEAST_MS UINT64_C(100)
#define MESSAGE_TTL_MOST_MS (UINT64_C(30) * 24 * 60 * 60 * 1000)

struct service_settings {
    struct common_settings common;
    char *store_url;
    char *store_prefix;
    uint64_t store_timeout_ms;
    uint64_t message_ttl_ms; /* between the next two */
    uint64_t message_ttl_min_ms;
    uint64_t message_ttl_max_ms;
    size_t message_max_bytes;
    unsigned room_max_messages;
    size_t room_max_bytes; /* holds the longest message, with any author */
};

/* For settings_load: fills a struct service_settings. */
extern const struct settings_program service_settings_program;

#endif
