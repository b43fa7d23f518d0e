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
    char *message_service_url; /* without a slash at its end: a path is appended as it is */
    uint64_t upstream_timeout_ms;
    char *template_dir;
    struct setting_rate rate_limit; /* of a client address' writes */
    struct address_block trusted_proxies[TRUSTED_PROXIES_MAX];
    size_t trusted_proxies_count;
    const char *allowed_origins[ALLOWED_ORIGINS_MAX]; /* as origin_allowed takes them */
    size_t allowed_origins_count;

    char *trusted_proxies_text; /* what the lists were read from; the origins point into theirs */
    char *allowed_origins_text;
};

/* settings_load for this program: fills *ret_settings, which the caller frees with
 * gateway_settings_fini unless the outcome is another than SETTINGS_OK. */
enum settings_outcome gateway_settings_load(int argc, char *const argv[], char *const envp[],
                                            FILE *out, FILE *err,
                                            struct gateway_settings *ret_settings)
    __attribute__((warn_unused_result));

/* Takes a zeroed struct. */
void gateway_settings_fini(struct gateway_settings *settings);

#endif
