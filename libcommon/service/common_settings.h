/*
 * The settings that both services have, with the rows that read them.
 */
#ifndef TEMPMESSENGER_COMMON_SETTINGS_H
#define TEMPMESSENGER_COMMON_SETTINGS_H

#include "log.h"
#include "settings.h"

enum {
    HTTP_THREADS_MAX = 256,
    CONNECTIONS_MAX = 1000000,
    SERVICE_TOKEN_MAX = 512,
    SHUTDOWN_TIMEOUT_MAX_MS = 10 * 60 * 1000,
    /* STORE_TIMEOUT and UPSTREAM_TIMEOUT: of the calls that a request waits for. */
    CALL_TIMEOUT_MIN_MS = 10,
    CALL_TIMEOUT_MAX_MS = 60 * 1000,
};

struct common_settings {
    char *bind_address;    /* an IPv4 or IPv6 address */
    unsigned port;         /* 0: any free one */
    unsigned http_threads; /* 0: by cores */
    unsigned max_connections;
    enum log_level log_level;
    enum log_format log_format;
    uint64_t shutdown_timeout_ms;
    char *service_token; /* NULL: none */
    char *metrics_token; /* NULL: none */
    bool healthcheck;    /* do not serve: see healthcheck.h */
};

/* The words of LOG_LEVEL and LOG_FORMAT, in the order of their enums. */
extern const char *const common_settings_log_levels[];
extern const char *const common_settings_log_formats[];

/* For setting.valid. */
bool common_settings_address_valid(const char *text, const char **ret_rule);
bool common_settings_token_valid(const char *text, const char **ret_rule);

/* The rows of a program whose struct `type` has its struct common_settings as member `common`. */
/* clang-format off */
#define COMMON_SETTINGS(type, default_port)                                                        \
    {.name = "BIND_ADDRESS", SETTING_TEXT_AT(type, common.bind_address),                           \
     .fallback = "127.0.0.1", .valid = common_settings_address_valid,                              \
     .help = "the address to listen on"},                                                          \
    {.name = "PORT", SETTING_UNSIGNED_AT(type, common.port),                                       \
     .fallback = (default_port), .maximum = 65535,                                                 \
     .help = "the port to listen on; 0 takes any free one"},                                       \
    {.name = "HTTP_THREADS", SETTING_UNSIGNED_AT(type, common.http_threads),                       \
     .fallback = "auto", .zero_word = "auto", .minimum = 1, .maximum = HTTP_THREADS_MAX,           \
     .help = "how many threads answer requests; auto goes by the number of cores"},                \
    {.name = "MAX_CONNECTIONS", SETTING_UNSIGNED_AT(type, common.max_connections),                 \
     .fallback = "10000", .minimum = 1, .maximum = CONNECTIONS_MAX,                                \
     .help = "how many event streams may be open at a time"},                                      \
    {.name = "LOG_LEVEL", SETTING_CHOICE_AT(type, common.log_level),                               \
     .fallback = "info", .choices = common_settings_log_levels,                                    \
     .help = "what to log: error, warning, info (with each request) or debug"},                    \
    {.name = "LOG_FORMAT", SETTING_CHOICE_AT(type, common.log_format),                             \
     .fallback = "auto", .choices = common_settings_log_formats,                                   \
     .help = "text or json; auto is text on a terminal and json elsewhere"},                       \
    {.name = "SHUTDOWN_TIMEOUT", SETTING_DURATION_AT(type, common.shutdown_timeout_ms),            \
     .fallback = "5s", .maximum = SHUTDOWN_TIMEOUT_MAX_MS,                                         \
     .help = "how long a stop waits for requests under way"},                                      \
    {.name = "SERVICE_TOKEN", SETTING_SECRET_AT(type, common.service_token),                       \
     .valid = common_settings_token_valid,                                                         \
     .help = "the secret that the services share; it travels as a bearer token"},                  \
    {.name = "METRICS_TOKEN", SETTING_SECRET_AT(type, common.metrics_token),                       \
     .valid = common_settings_token_valid,                                                         \
     .help = "the bearer token that /metrics requires"},                                           \
    {.name = "HEALTHCHECK", SETTING_SWITCH_AT(type, common.healthcheck),                           \
     .help = "ask the service that runs with these settings whether it is alive, and exit 0 or 1"}
/* clang-format on */

#endif
