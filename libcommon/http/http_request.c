/*
 * Reading a request, over Ulfius' struct: nothing of Ulfius is seen beyond this folder.
 */
#include "http_request.h"

#include "http_exchange_private.h"
#include "http_server_private.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TRACESTATE_MAX = 512 }; /* what W3C's Trace Context asks of everyone to pass on */

const char *http_request_param(const struct http_exchange *exchange, const char *name)
{
    return http_params_get(&exchange->params, name);
}

/* The query's first value of `name`, as it stands, and its length; NULL if there is none. */
static const char *find_query(const struct http_exchange *exchange, const char *name,
                              size_t *ret_len)
{
    const char *at = strchr(exchange->request.http_url, '?');
    size_t name_len = strlen(name);
    while (at) {
        const char *field = at + 1;
        at = strchr(field, '&');
        if (strncmp(field, name, name_len) != 0 || field[name_len] != '=')
            continue;
        const char *value = field + name_len + 1;
        *ret_len = at ? (size_t)(at - value) : strlen(value);
        return value;
    }
    return NULL;
}

bool http_request_has_query(const struct http_exchange *exchange, const char *name)
{
    size_t len;
    return find_query(exchange, name, &len) != NULL;
}

bool http_request_query(const struct http_exchange *exchange, const char *name, char *ret_value,
                        size_t size)
{
    size_t len;
    const char *value = find_query(exchange, name, &len);
    if (!value || len >= size)
        return false;
    ret_value[text_percent_decode(value, len, ret_value)] = '\0';
    return true;
}

const char *http_request_header(const struct http_exchange *exchange, const char *name)
{
    return u_map_get_case(exchange->request.map_header, name);
}

enum error_code http_request_body_too_long(const struct http_exchange *exchange, struct error *err)
{
    return error_set(err, ERROR_TOO_LARGE, "The body is longer than %zu bytes",
                     exchange->server->config.body_max);
}

enum error_code http_request_body(const struct http_exchange *exchange, const void **ret_body,
                                  size_t *ret_len, struct error *err)
{
    if (exchange->request.binary_body_length > exchange->server->config.body_max)
        return http_request_body_too_long(exchange, err);
    *ret_len = exchange->request.binary_body_length;
    *ret_body = *ret_len ? exchange->request.binary_body : "";
    return ERROR_NONE;
}

bool http_request_content_type_is(const struct http_exchange *exchange, const char *media_type)
{
    const char *value = http_request_header(exchange, "Content-Type");
    if (!value)
        return false;
    size_t len = strlen(media_type);
    return strncasecmp(value, media_type, len) == 0 && strchr("; \t", value[len]) != NULL;
}

bool http_request_is_head(const struct http_exchange *exchange)
{
    return exchange->method == HTTP_HEAD;
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}

enum error_code http_request_may_block(const struct http_exchange *exchange)
{
    return exchange->may_block ? ERROR_NONE : HTTP_WOULD_BLOCK;
}

/* version "-" trace-id "-" parent-id "-" flags; a trace or parent of zeros alone is invalid. */
const char *http_request_traceparent(const struct http_exchange *exchange)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    const char *value = http_request_header(exchange, "traceparent");
    if (!value || strlen(value) != sizeof form - 1)
        return NULL;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? value[i] != '-' : !strchr("0123456789abcdef", value[i]))
            return NULL;
    bool no_trace = strspn(value + 3, "0") == 32;
    bool no_parent = strspn(value + 36, "0") == 16;
    return no_trace || no_parent || strncmp(value, "ff", 2) == 0 ? NULL : value;
}

const char *http_request_tracestate(const struct http_exchange *exchange)
{
    const char *value = http_request_header(exchange, "tracestate");
    if (!value || !value[0] || strlen(value) > TRACESTATE_MAX ||
        !http_request_traceparent(exchange))
        return NULL;
    for (const char *at = value; *at; at++)
        if (*at != '\t' && (*at < ' ' || *at > '~'))
            return NULL;
    return value;
}

const struct http_server *http_request_server(const struct http_exchange *exchange)
{
    return exchange->server;
}

const struct sockaddr *http_request_peer(const struct http_exchange *exchange)
{
    return MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        ->client_addr;
}

/* The opaque part of an entity tag, quotes included: what weak comparison compares. */
static const char *opaque_tag(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

bool http_request_etag_matches(const struct http_exchange *exchange, const char *etag)
{
    const char *list = http_request_header(exchange, "If-None-Match");
    if (!list)
        return false;
    if (strcmp(list, "*") == 0)
        return true;
    /* An opaque tag stands between quotes and has none inside, so finding it whole is enough. */
    return strstr(list, opaque_tag(etag)) != NULL;
}
