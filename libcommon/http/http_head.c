/*
 * libmicrohttpd (0.9.75) reads leniently: it takes the first of two Content-Lengths, cuts a value
 * at a NUL, joins folded lines or loses them, and lets white space into names. Whoever stands
 * before us may read the same bytes differently, and then two requests are one, or one is two. So
 * what is ambiguous is refused.
 *
 * What was cut is not shown, but can be seen. A head lies in one piece in the connection's memory:
 * line ends and colons have become NULs, and each line begins where the one before it ended. Where
 * the next name is anywhere else, there was a NUL in the line, or the line was folded, which has
 * it copied to another place. Only a NUL at the end of a line that ends in LF alone looks like CR
 * LF.
 */
#include "http_head.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char token_bytes[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char host_bytes[] = "-._~%!$&'()*+,;=0123456789"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct check {
    const char *at; /* where the line before ended: its first NUL */
    const char *fault;
    const char *host;
    unsigned lengths, codings, hosts; /* lines of these names */
};

/* Whether a line may begin at `next`, behind the end of another: LF or CR LF is between. */
static bool follows(const char *line_end, const char *next)
{
    return next == line_end + 1 || (next == line_end + 2 && line_end[1] == '\0');
}

static bool has_control(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return true;
    return false;
}

static const char *line_fault(struct check *check, const char *name, const char *value, size_t len)
{
    if (!follows(check->at, name))
        return "a NUL in a header line, or a folded one";
    if (!*name || name[strspn(name, token_bytes)])
        return "a header's name is no token";
    if (has_control(value, len))
        return "a control character in a header's value";
    if (strcasecmp(name, "Content-Length") == 0 && ++check->lengths > 1)
        return "more than one Content-Length";
    if (strcasecmp(name, "Host") == 0) {
        check->host = value;
        if (++check->hosts > 1)
            return "more than one Host";
    }
    /* To the letter: with a blank behind it, it is another coding to libmicrohttpd. */
    if (strcasecmp(name, "Transfer-Encoding") == 0 &&
        (++check->codings > 1 || strcasecmp(value, "chunked") != 0))
        return "a transfer coding other than chunked";
    return NULL;
}

static enum MHD_Result check_line(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t len)
{
    struct check *check = context;
    (void)kind, (void)name_len;
    check->fault = line_fault(check, name, value ? value : "", len);
    if (value)
        check->at = value + len;
    return check->fault ? MHD_NO : MHD_YES;
}

/* uri-host [ ":" port ] (RFC 9110, 7.2), with white space around it. */
static bool is_host(const char *host)
{
    size_t len = host[0] == '[' ? 1 + strspn(host + 1, "0123456789abcdefABCDEF:.") : 0;
    if (len && (len == 1 || host[len++] != ']'))
        return false;
    if (!len)
        len = strspn(host, host_bytes);
    if (!len)
        return false;
    host += len;
    if (*host == ':')
        host += 1 + strspn(host + 1, "0123456789");
    return host[strspn(host, " \t")] == '\0';
}

static const char *target_fault(const struct http_head *head)
{
    const char *target = head->target_text;
    const char *scheme_end = strstr(target, "://");
    if (head->target != head->method + strlen(head->method) + 1)
        return "a NUL or white space in the request line";
    if (head->version != head->target_end + 1)
        return "a NUL in the target";
    for (const char *at = target; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return "white space or a control character in the target";
    bool is_path = target[0] == '/' || !scheme_end;
    if (!is_path && strncasecmp(target, "http://", 7) != 0 &&
        strncasecmp(target, "https://", 8) != 0)
        return "the target's scheme is not HTTP's";
    return NULL;
}

const char *http_head_fault(struct MHD_Connection *connection, const struct http_head *head)
{
    struct check check = {.at = head->version + strlen(head->version)};
    size_t size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    check.fault = target_fault(head);
    if (!check.fault)
        MHD_get_connection_values_n(connection, MHD_HEADER_KIND, check_line, &check);
    if (check.fault)
        return check.fault;
    /* Behind the last line there is the empty one alone: the ends of two lines. */
    const char *end = head->method + size;
    if (end - check.at < 2 || end - check.at > 4 ||
        memcmp(check.at, "\0\0\0", (size_t)(end - check.at)) != 0)
        return "a NUL in a header line, or a folded one";
    if (check.lengths && check.codings)
        return "a Content-Length beside a Transfer-Encoding";
    if (!check.hosts)
        return strcmp(head->version, "HTTP/1.0") == 0 ? NULL : "no Host";
    return is_host(check.host) ? NULL : "a malformed Host";
}

/* A name or value of a header lies in the connection's own memory, and libmicrohttpd compares names
 * in any case: it does not mind the change. */
static char *writable(const char *text)
{
    union {
        const char *lent;
        char *own;
    } cast = {.lent = text};
    return cast.own;
}

static enum MHD_Result unify_line(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t len)
{
    (void)context, (void)kind;
    char *lower = writable(name);
    for (size_t i = 0; i < name_len; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    char *trimmed = writable(value);
    while (trimmed && len && (trimmed[len - 1] == ' ' || trimmed[len - 1] == '\t'))
        trimmed[--len] = '\0';
    return MHD_YES;
}

void http_head_unify(struct MHD_Connection *connection)
{
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, unify_line, NULL);
}
