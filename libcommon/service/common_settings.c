/*
 * The rules of the shared settings beyond their kinds. The rows are a macro in the header, because
 * each service places them in a struct of its own.
 */
#include "common_settings.h"

#include "text.h"

#include <arpa/inet.h>
#include <string.h>

const char *const common_settings_log_levels[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_DEBUG + 1] = NULL,
};

const char *const common_settings_log_formats[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JSON] = "json",
    [LOG_FORMAT_JSON + 1] = NULL,
};

bool common_settings_address_valid(const char *text, const char **ret_rule)
{
    struct in6_addr address; /* has room for either family */
    *ret_rule = "an IPv4 or IPv6 address such as 127.0.0.1 or ::1";
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

bool common_settings_token_valid(const char *text, const char **ret_rule)
{
    size_t len = strlen(text);
    *ret_rule = "1 to 512 visible ASCII characters";
    _Static_assert(SERVICE_TOKEN_MAX == 512, "the rule names the limit");
    return len && len <= SERVICE_TOKEN_MAX && text_visible_ascii(text, len);
}
