/*
 * One reader of an event stream over HTTP/1.1: its headers are checked, its chunks, if it
 * has any, are put together, and what comes is handed on.
 */
#ifndef TEMPMESSENGER_BENCH_EVENT_STREAM_H
#define TEMPMESSENGER_BENCH_EVENT_STREAM_H

#include "loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { EVENT_STREAM_HEAD_MAX = 2048 };

struct event_stream {
    struct watcher watcher;
    /* Gets what came, behind what it left before; returns how much of it is done with. */
    size_t (*consume)(struct event_stream *stream, const char *text, size_t len);
    bool open;         /* the headers are all there and say 200 */
    bool plain;        /* no chunks: what comes is the stream until it ends */
    uint64_t *opened;  /* counts the streams that are open */
    uint64_t *bytes;   /* counts what came over the wire */
    size_t chunk_left; /* of the chunk that is being read, its line end included */
    char *kept;        /* headers, or what the consumer left; only as long as there is something */
    size_t kept_len;
    char size_line[20]; /* a chunk's size, as far as it has come */
    size_t size_len;
};

/* Connects and asks for `path`. The callbacks and counters are set. */
void event_stream_start(struct event_stream *stream, const struct loop *loop,
                        const struct sockaddr_in *address, unsigned source, const char *path);

void event_stream_stop(struct event_stream *stream);

#endif
