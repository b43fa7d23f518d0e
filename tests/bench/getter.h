/*
 * A client that asks with GET, one request at a time, and keeps its connection while it can.
 */
#ifndef TEMPMESSENGER_BENCH_GETTER_H
#define TEMPMESSENGER_BENCH_GETTER_H

#include "loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { GETTER_HEAD_MAX = 4096 };

struct getter {
    struct watcher watcher;
    const struct loop *loop;
    struct sockaddr_in address;
    unsigned source;
    /* Called for each answer, when it is there whole; may ask again. */
    void (*answered)(struct getter *getter, unsigned status);
    bool connected, busy;
    char head[GETTER_HEAD_MAX]; /* as far as it has come */
    size_t head_len;
    bool head_done;
    size_t body_left;
    unsigned status;
    bool closing; /* the server has said that it closes after this answer */
};

/* Nothing is connected before the first request. */
void getter_init(struct getter *getter, const struct loop *loop, const struct sockaddr_in *address,
                 unsigned source, void (*answered)(struct getter *getter, unsigned status));
void getter_fini(struct getter *getter);

/* The getter is not busy. */
void getter_ask(struct getter *getter, const char *path);

#endif
