/*
 * Both programs' settings. A line that begins with -- is a flag, any other a variable of the
 * environment. A refused start gives its reason in one line, which no value can forge and which
 * holds no secret; accepted settings are within their ranges.
 *
 * Lines that name a file are left out: a fuzzer should not open files.
 */
#include "client_address.h"
#include "gateway_settings.h"
#include "input.h"
#include "rate_limit.h"
#include "redis_url.h"
#include "service_settings.h"
#include "service_url.h"
#include "setting_value.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 64 };

/* No output may hold it if only secrets did. */
static const char marker[] = "s3cret";

struct given {
    char *lines[LINES_MAX];
    size_t count;
    char *argv[LINES_MAX + 2]; /* point into the lines */
    int argc;
    char *envp[LINES_MAX + 1];
    size_t envc;
};

static void read_lines(struct input *input, struct given *given)
{
    static char program[] = "program";
    given->argv[given->argc++] = program;
    while (input->left && given->count < LINES_MAX) {
        char *line = input_string(input, '\n');
        given->lines[given->count++] = line;
        if (strcasestr(line, "file"))
            continue;
        if (strncmp(line, "--", 2) == 0)
            given->argv[given->argc++] = line;
        else
            given->envp[given->envc++] = line;
    }
}

static bool in_secret_place(const char *line)
{
    return strncmp(line, "SERVICE_TOKEN=", strlen("SERVICE_TOKEN=")) == 0 ||
           strncmp(line, "--service-token=", strlen("--service-token=")) == 0 ||
           (strncmp(line, "STORE_URL=", strlen("STORE_URL=")) == 0 && strchr(line, '@'));
}

static bool has_secret(const struct given *given)
{
    bool secret = false;
    for (size_t i = 0; i < given->count; i++) {
        if (!strcasestr(given->lines[i], marker))
            continue;
        if (!in_secret_place(given->lines[i]))
            return false;
        secret = true;
    }
    return secret;
}

static void check_output(const struct given *given, enum settings_outcome outcome, const char *out,
                         const char *err)
{
    size_t len = strlen(err);
    REQUIRE((outcome == SETTINGS_DONE) == !!*out);
    REQUIRE((outcome == SETTINGS_INVALID) == (len > 0));
    if (!len)
        return;
    REQUIRE(strchr(err, '\n') == err + len - 1);
    for (size_t i = 0; i < len - 1; i++)
        REQUIRE((unsigned char)err[i] >= 0x20 && err[i] != 0x7f);
    REQUIRE(!has_secret(given) || !strcasestr(err, marker));
}

static void check_common(const struct common_settings *common)
{
    REQUIRE(common->bind_address && *common->bind_address && common->port <= 65535);
    REQUIRE(common->http_threads <= HTTP_THREADS_MAX);
    REQUIRE(common->max_connections >= 1 && common->max_connections <= CONNECTIONS_MAX);
    REQUIRE(common->shutdown_timeout_ms <= SHUTDOWN_TIMEOUT_MAX_MS);
    REQUIRE(!common->service_token || strlen(common->service_token) <= SERVICE_TOKEN_MAX);
}

static void check_service(const struct service_settings *settings)
{
    check_common(&settings->common);
    REQUIRE(settings->message_ttl_min_ms >= MESSAGE_TTL_LEAST_MS);
    REQUIRE(settings->message_ttl_ms >= settings->message_ttl_min_ms);
    REQUIRE(settings->message_ttl_max_ms >= settings->message_ttl_ms);
    REQUIRE(settings->message_ttl_max_ms <= MESSAGE_TTL_MOST_MS);
    REQUIRE(settings->message_max_bytes >= 1 && settings->message_max_bytes <= MESSAGE_BYTES_MAX);
    REQUIRE(settings->room_max_messages >= 1 && settings->room_max_messages <= ROOM_MESSAGES_MAX);
    REQUIRE(strlen(settings->store_prefix) <= STORE_PREFIX_MAX);
}

static void check_gateway(const struct gateway_settings *settings)
{
    check_common(&settings->common);
    REQUIRE(!settings->rate_limit.count == !settings->rate_limit.window_ms);
    REQUIRE(settings->rate_limit.count <= RATE_LIMIT_COUNT_MAX);
    REQUIRE(settings->rate_limit.window_ms <= RATE_LIMIT_WINDOW_MAX_MS);
    REQUIRE(settings->trusted_proxies_count <= TRUSTED_PROXIES_MAX);
    REQUIRE(settings->allowed_origins_count <= ALLOWED_ORIGINS_MAX);
    REQUIRE(service_url_valid(settings->message_service_url));
    REQUIRE(*settings->template_dir);
    for (size_t i = 0; i < settings->allowed_origins_count; i++)
        REQUIRE(*settings->allowed_origins[i] && !strpbrk(settings->allowed_origins[i], ", "));
}

static enum settings_outcome load_service(const struct given *given, FILE *out, FILE *err)
{
    struct service_settings settings = {0};
    enum settings_outcome outcome = settings_load(&service_settings_program, given->argc,
                                                  given->argv, given->envp, out, err, &settings);
    if (outcome == SETTINGS_OK) {
        check_service(&settings);
        settings_fini(&service_settings_program, &settings);
    }
    REQUIRE(!settings.store_url && !settings.common.service_token && !settings.message_ttl_ms);
    return outcome;
}

static enum settings_outcome load_gateway(const struct given *given, FILE *out, FILE *err)
{
    struct gateway_settings settings = {0};
    enum settings_outcome outcome = settings_load(&gateway_settings_program, given->argc,
                                                  given->argv, given->envp, out, err, &settings);
    if (outcome == SETTINGS_OK) {
        check_gateway(&settings);
        settings_fini(&gateway_settings_program, &settings);
    }
    REQUIRE(!settings.template_dir && !settings.common.service_token && !settings.common.port);
    return outcome;
}

static void check_load(const struct given *given, bool gateway)
{
    char *out_text = NULL;
    char *err_text = NULL;
    size_t out_len;
    size_t err_len;
    FILE *out = open_memstream(&out_text, &out_len);
    FILE *err = open_memstream(&err_text, &err_len);
    REQUIRE(out && err);
    enum settings_outcome outcome =
        gateway ? load_gateway(given, out, err) : load_service(given, out, err);
    REQUIRE(fclose(out) == 0 && fclose(err) == 0);
    check_output(given, outcome, out_text, err_text);
    free(out_text);
    free(err_text);
}

/* The grammars that stand on their own. */
static void check_value(const char *text)
{
    uint64_t ms;
    uint64_t again;
    char written[SETTING_DURATION_SIZE];
    struct redis_url url;
    struct address_block block;
    if (setting_value_duration(text, &ms)) {
        setting_value_format_duration(ms, written);
        REQUIRE(setting_value_duration(written, &again) && again == ms);
    }
    if (redis_url_parse(text, &url))
        REQUIRE(!url.path[0] != !url.host[0] && url.port >= 0 && url.port <= 65535);
    /* A wider one of IPv6 holds no IPv4 address, be it its own. */
    if (address_block_parse(text, &block) && block.prefix_bits >= 96)
        REQUIRE(block.prefix_bits <= 128 && address_block_contains(&block, block.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    struct given given = {0};
    read_lines(&input, &given);
    check_load(&given, false);
    check_load(&given, true);
    for (size_t i = 0; i < given.count; i++) {
        const char *equals = strchr(given.lines[i], '=');
        check_value(equals ? equals + 1 : given.lines[i]);
        free(given.lines[i]);
    }
    return 0;
}
