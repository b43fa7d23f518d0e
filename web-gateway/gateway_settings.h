/*
 * The settings of the web gateway.
 */
#ifndef TEMPMESSENGER_GATEWAY_SETTINGS_H
#define TEMPMESSENGER_GATEWAY_SETTINGS_H

#include "client_address.h"
#include "common_settings.h"
#include "settings.h"

enum { TRUSTED_PROXIES_MAX = 64, ALLOWED_ORIGINS_MAX = 64 };

struct gateway_settings {
    struct common_settings common;
    char *message_service_url; /* without a slash at its end, so that a path can be appended */
    uint64_t upstream_timeout_ms;
    char *template_dir;
    struct setting_rate rate_limit; /* of the writes of one client address */
    struct address_block trusted_proxies[TRUSTED_PROXIES_MAX];
    size_t trusted_proxies_count;
    unsigned client_max_streams;     /* of one client address; 0: any number */
    unsigned client_max_connections; /* the same */
    struct setting_rate room_open_limit;
    const char *allowed_origins[ALLOWED_ORIGINS_MAX]; /* as origin_allowed takes them */
    size_t allowed_origins_count;

    char *trusted_proxies_text; /* what the lists were read from; the origins point into theirs */
    char *allowed_origins_text;
};

/* For settings_load: fills a struct gateway_settings. Once freed, none of it may be used. */
extern const struct settings_program gateway_settings_program;

#endif
