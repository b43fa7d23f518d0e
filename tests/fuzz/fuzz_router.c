/*
 * A request's path against a table like the services' own. If a path matches, its values are texts
 * that are not empty, and encoding them and matching again gives the same values. Decoding never
 * makes a text longer, and restores an encoded one to the byte.
 */
#include "buffer.h"
#include "cleanup.h"
#include "http_params.h"
#include "http_router.h"
#include "input.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { ENCODED_MAX = 16 * 1024 * 1024 };

static const struct http_route routes[] = {
    {.path = "/messages"},
    {.path = "/messages/:id"},
    {.path = "/"},
    {.path = "/rooms/:room"},
    {.path = "/rooms/:room/events"},
    {.path = "/rooms/:room/messages"},
    {.path = "/rooms/:room/messages/:id"},
    {.path = "/static/:file"},
};

static const struct http_route *match(const char *path, struct http_params *ret_params)
{
    const struct http_route *route =
        http_router_match(routes, sizeof routes / sizeof routes[0], path);
    REQUIRE(!route || http_params_read(route, path, ret_params));
    return route;
}

static void append_encoded(struct buffer *buffer, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buffer_append_format(buffer, i % 2 ? "%%%02x" : "%%%02X", (unsigned char)bytes[i]);
}

/* The route's path with the values in their places. */
static void append_path(struct buffer *path, const char *pattern, const struct http_params *params)
{
    for (size_t i = 0; *pattern; pattern += strcspn(pattern, "/")) {
        buffer_append(path, "/", 1);
        pattern++;
        if (*pattern == ':') {
            append_encoded(path, params->values[i], strlen(params->values[i]));
            i++;
        } else {
            buffer_append(path, pattern, strcspn(pattern, "/"));
        }
    }
}

static void check_again(const struct http_route *route, const struct http_params *params)
{
    CLEANUP_FINI(buffer_fini) struct buffer path;
    CLEANUP_FINI(http_params_fini) struct http_params again = {0};
    buffer_init(&path, ENCODED_MAX);
    append_path(&path, route->path, params);
    REQUIRE(!path.failed && match(path.data, &again) == route);
    REQUIRE(again.count == params->count);
    for (size_t i = 0; i < params->count; i++) {
        const char *value = params->values[i];
        REQUIRE(again.names[i] == params->names[i]);
        REQUIRE(!text_valid_utf8(value, strlen(value)) || strcmp(again.values[i], value) == 0);
    }
}

static void check_match(const char *path)
{
    CLEANUP_FINI(http_params_fini) struct http_params params = {0};
    const struct http_route *route = match(path, &params);
    if (!route) {
        REQUIRE(!params.count);
        return;
    }
    REQUIRE(params.count <= HTTP_PARAMS_MAX);
    for (size_t i = 0; i < params.count; i++)
        REQUIRE(params.values[i][0] && strlen(params.values[i]) <= strlen(path));
    REQUIRE(!http_params_get(&params, "id") == !strstr(route->path, ":id"));
    check_again(route, &params);
}

static void check_decode(const char *bytes, size_t len)
{
    CLEANUP_FINI(buffer_fini) struct buffer encoded;
    char *decoded = malloc(len);
    REQUIRE(decoded || !len);
    size_t decoded_len = text_percent_decode(bytes, len, decoded);
    REQUIRE(decoded_len <= len && (decoded_len == len || memchr(bytes, '%', len)));
    free(decoded);

    buffer_init(&encoded, ENCODED_MAX);
    append_encoded(&encoded, bytes, len);
    REQUIRE(!encoded.failed);
    if (!len)
        return;
    REQUIRE(text_percent_decode(encoded.data, encoded.len, encoded.data) == len);
    REQUIRE(memcmp(encoded.data, bytes, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    struct input same = input;
    size_t rest_len;
    char *path = input_string(&input, '\0');
    char *rest = input_rest(&same, &rest_len);
    check_match(path);
    check_decode(rest, rest_len);
    free(rest);
    free(path);
    return 0;
}
