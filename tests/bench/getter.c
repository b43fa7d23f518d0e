/*
 * Just enough of HTTP/1.1 to read: the status and the length of an answer count, its body is passed
 * over. A connection that the server closes between two answers is opened again; one that breaks
 * off within an answer is an error.
 */
#include "getter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_MAX = 64 * 1024 };

static char shared[READ_MAX];

static void disconnect(struct getter *getter)
{
    if (getter->connected)
        close(getter->watcher.fd);
    getter->connected = false;
}

/* Reads the head, which is there whole and ends in a NUL. */
static void take_head(struct getter *getter)
{
    static const char length[] = "\r\nContent-Length:";
    const char *header = strcasestr(getter->head, length);
    if (strncmp(getter->head, "HTTP/1.1 ", 9) != 0 || !header)
        loop_fail("no answer with a length: %.300s", getter->head);
    getter->status = (unsigned)strtoul(getter->head + 9, NULL, 10);
    getter->body_left = strtoul(header + sizeof length - 1, NULL, 10);
    getter->closing = strcasestr(getter->head, "\r\nConnection: close") != NULL;
    getter->head_done = true;
}

/* Takes what of `bytes` belongs to the head; returns how much that is. */
static size_t add_to_head(struct getter *getter, const char *bytes, size_t len)
{
    size_t before = getter->head_len;
    size_t room = sizeof getter->head - 1 - before;
    size_t taken = len < room ? len : room;
    memcpy(getter->head + before, bytes, taken);
    getter->head[before + taken] = '\0';
    const char *end = strstr(getter->head, "\r\n\r\n");
    if (!end) {
        if (taken < len)
            loop_fail("an answer's head is longer than %d bytes", GETTER_HEAD_MAX);
        getter->head_len += taken;
        return taken;
    }
    size_t head_len = (size_t)(end + 4 - getter->head);
    getter->head[head_len] = '\0';
    take_head(getter);
    return head_len - before;
}

static void take(struct getter *getter, const char *bytes, size_t len)
{
    if (!getter->head_done) {
        size_t taken = add_to_head(getter, bytes, len);
        bytes += taken;
        len -= taken;
        if (!getter->head_done)
            return;
    }
    if (len > getter->body_left)
        loop_fail("more came than the answer's length: %.300s", getter->head);
    getter->body_left -= len;
    if (getter->body_left)
        return;
    getter->busy = false;
    if (getter->closing)
        disconnect(getter);
    getter->answered(getter, getter->status);
}

static void on_ready(struct watcher *watcher)
{
    struct getter *getter = (struct getter *)watcher;
    ssize_t got = recv(watcher->fd, shared, sizeof shared, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 && getter->busy)
        loop_fail("an answer broke off: %s", got ? strerror(errno) : "closed");
    if (got <= 0)
        disconnect(getter);
    else
        take(getter, shared, (size_t)got);
}

void getter_init(struct getter *getter, const struct loop *loop, const struct sockaddr_in *address,
                 unsigned source, void (*answered)(struct getter *getter, unsigned status))
{
    *getter = (struct getter){.watcher.ready = on_ready,
                              .loop = loop,
                              .address = *address,
                              .source = source,
                              .answered = answered};
}

void getter_fini(struct getter *getter)
{
    disconnect(getter);
}

void getter_ask(struct getter *getter, const char *path)
{
    char request[512];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    if (len < 0 || (size_t)len >= sizeof request)
        loop_fail("the path is too long: %s", path);
    if (!getter->connected) {
        getter->watcher.fd = loop_connect(&getter->address, getter->source);
        loop_watch(getter->loop, &getter->watcher);
        getter->connected = true;
    }
    getter->busy = true;
    getter->head_done = false;
    getter->head_len = 0;
    loop_send(getter->watcher.fd, request, (size_t)len);
}
