/*
 * Must cost less than what it measures: one recv into a buffer shared by all streams, behind what
 * the stream kept; the chunks' frames are cut out, and the rest is read, in place.
 */
#include "event_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEPT_MAX = 4 * 1024 * 1024,
    READ_MAX = 128 * 1024,
    LINE_END = 2,
};

static char shared[KEPT_MAX + READ_MAX];

static void keep(struct event_stream *stream, const char *bytes, size_t len)
{
    if (len > KEPT_MAX)
        loop_fail("an event stream's piece is longer than %d bytes", KEPT_MAX);
    if (len != stream->kept_len) {
        free(stream->kept);
        stream->kept = len ? malloc(len) : NULL;
        if (len && !stream->kept)
            loop_fail("out of memory");
        stream->kept_len = len;
    }
    if (len)
        memcpy(stream->kept, bytes, len);
}

/* Takes one byte of a chunk's size line; at its end the chunk's length is known. */
static void take_size_byte(struct event_stream *stream, char byte)
{
    if (byte != '\n') {
        if (stream->size_len == sizeof stream->size_line - 1)
            loop_fail("a chunk's size is no number");
        stream->size_line[stream->size_len++] = byte;
        return;
    }
    char *end;
    stream->size_line[stream->size_len] = '\0';
    unsigned long size = strtoul(stream->size_line, &end, 16);
    if (end == stream->size_line || *end != '\r')
        loop_fail("a chunk's size is no number");
    if (size == 0)
        loop_fail("an event stream ended");
    stream->size_len = 0;
    stream->chunk_left = size + LINE_END;
}

/* Moves what is sent in bytes[0..len) to `to`, which is not behind it; returns the end. */
static char *unchunk(struct event_stream *stream, const char *bytes, size_t len, char *to)
{
    const char *end = bytes + len;
    if (stream->plain) {
        memmove(to, bytes, len);
        return to + len;
    }
    while (bytes < end) {
        if (!stream->chunk_left) {
            take_size_byte(stream, *bytes++);
            continue;
        }
        size_t left = (size_t)(end - bytes);
        size_t step = left < stream->chunk_left ? left : stream->chunk_left;
        size_t data = stream->chunk_left > LINE_END ? stream->chunk_left - LINE_END : 0;
        if (data > step)
            data = step;
        memmove(to, bytes, data);
        to += data;
        bytes += step;
        stream->chunk_left -= step;
    }
    return to;
}

/* Whether the headers have ended; *ret_len is their length, *ret_plain says: no chunks follow. */
static bool take_head(const char *bytes, size_t len, size_t *ret_len, bool *ret_plain)
{
    static const char good[] = "HTTP/1.1 200 ";
    static const char chunked[] = "chunked";
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (!end && len < EVENT_STREAM_HEAD_MAX)
        return false;
    if (len < sizeof good || memcmp(bytes, good, sizeof good - 1) != 0 || !end)
        loop_fail("no event stream but: %.*s", (int)(len < 60 ? len : 60), bytes);
    *ret_len = (size_t)(end + 4 - bytes);
    *ret_plain = !memmem(bytes, *ret_len, chunked, sizeof chunked - 1);
    return true;
}

static void on_ready(struct watcher *watcher)
{
    struct event_stream *stream = (struct event_stream *)watcher;
    size_t kept = stream->kept_len;
    if (kept)
        memcpy(shared, stream->kept, kept);
    ssize_t got = recv(stream->watcher.fd, shared + kept, READ_MAX, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        loop_fail("an event stream broke off: %s", got ? strerror(errno) : "closed");
    *stream->bytes += (uint64_t)got;

    char *text_end;
    if (stream->open) {
        text_end = unchunk(stream, shared + kept, (size_t)got, shared + kept);
    } else {
        size_t head;
        if (!take_head(shared, kept + (size_t)got, &head, &stream->plain)) {
            keep(stream, shared, kept + (size_t)got);
            return;
        }
        stream->open = true;
        ++*stream->opened;
        text_end = unchunk(stream, shared + head, kept + (size_t)got - head, shared);
    }
    size_t len = (size_t)(text_end - shared);
    size_t done = stream->consume(stream, shared, len);
    keep(stream, shared + done, len - done);
}

void event_stream_start(struct event_stream *stream, const struct loop *loop,
                        const struct sockaddr_in *address, unsigned source, const char *path)
{
    char request[512];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n", path);
    if (len < 0 || (size_t)len >= sizeof request)
        loop_fail("the path is too long: %s", path);
    stream->watcher.fd = loop_connect(address, source);
    stream->watcher.ready = on_ready;
    loop_send(stream->watcher.fd, request, (size_t)len);
    loop_watch(loop, &stream->watcher);
}

void event_stream_stop(struct event_stream *stream)
{
    close(stream->watcher.fd);
    free(stream->kept);
    stream->kept = NULL;
}
