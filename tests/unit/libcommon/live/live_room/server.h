/*
 * What the tests of the rooms have in place of the real server and the real loops: the answers to
 * the streams, and one loop, whose thread each test is itself.
 */
#ifndef TEMPMESSENGER_TESTS_SERVER_H
#define TEMPMESSENGER_TESTS_SERVER_H

#include "http_exchange.h"
#include "http_takeover.h"

#include <stdbool.h>
#include <stdint.h>

struct http_exchange {
    bool head;
    bool fails; /* http_answer_stream does */
    int status;
    bool unbuffered;
    char last_event_id[64];
    const struct http_stream_ops *ops;
    void *stream;
};

/* Sleeps until the loop is woken once more than `wakes` times. Returns when that was. */
uint64_t server_await_wake(unsigned wakes);
unsigned server_wakes(void);

#endif
