/*
 * A few kept-alive connections that post, one request at a time on each.
 */
#ifndef TEMPMESSENGER_BENCH_POSTER_H
#define TEMPMESSENGER_BENCH_POSTER_H

#include "loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { POSTER_REQUEST_MAX = 2048, POSTER_ANSWER_MAX = 4096, POSTER_CONNECTIONS_MAX = 64 };

struct poster;

struct poster_connection {
    struct watcher watcher;
    struct poster *poster;
    bool busy;
    char request[POSTER_REQUEST_MAX]; /* kept to be sent again after a 503 */
    size_t request_len;
    char answer[POSTER_ANSWER_MAX];
    size_t answer_len;
};

struct poster {
    struct poster_connection *connections;
    unsigned count;
    uint64_t answered; /* 2xx */
    uint64_t refused;  /* 503 and 429, which were sent again */
};

void poster_start(struct poster *poster, const struct loop *loop, const struct sockaddr_in *address,
                  unsigned connections);
void poster_stop(struct poster *poster);

/* A connection that is free, or NULL. */
struct poster_connection *poster_free_connection(struct poster *poster);

/* Posts; the answer is taken by the loop. */
void poster_send(struct poster_connection *connection, const char *path, const char *body,
                 size_t len);

#endif
