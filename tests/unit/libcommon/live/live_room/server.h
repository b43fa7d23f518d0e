/*
 * What the tests of the rooms have in place of the real server: its connections, and the answers on
 * them. A connection's thread is a test's own: it serves what server_readable says it may.
 */
#ifndef TEMPMESSENGER_TESTS_SERVER_H
#define TEMPMESSENGER_TESTS_SERVER_H

#include "http_exchange.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One thread that serves connections: it reads those that are not suspended, and sleeps where there
 * are none. */
struct server_thread {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool resumed;        /* one of its connections was, since it last looked */
    uint64_t resumed_us; /* when the last one was, by the system's clock */
};

struct http_connection {
    struct server_thread *thread;
    bool suspended; /* under thread->lock, like `resuming` */
    bool resuming;  /* takes effect when the thread looks */
};

struct http_exchange {
    struct http_connection *connection;
    bool head;
    bool fails; /* http_answer_stream does */
    int status;
    bool unbuffered;
    char last_event_id[64];
    const struct http_stream_ops *ops;
    void *stream;
};

/* Of the tests that need no more than one. */
extern struct server_thread server_only_thread;

/* Whether the server reads this connection now. */
bool server_readable(struct http_connection *connection);

#endif
