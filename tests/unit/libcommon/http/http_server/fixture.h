/*
 * A real server over loopback, whose streams the test owns once they are taken, and clients that
 * are plain sockets.
 */
#ifndef TEMPMESSENGER_TESTS_FIXTURE_H
#define TEMPMESSENGER_TESTS_FIXTURE_H

#include "buffer.h"
#include "http_server.h"
#include "http_takeover.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    FIXTURE_WAIT_MS = 20000, /* only a failing test waits so long */
    FIXTURE_LARGE = 64 * 1024,
};

/*
 * What the server has: GET /text answers "text", GET /large FIXTURE_LARGE bytes, GET /stream is a
 * stream; the same below /waiting after a handler that had to wait.
 */
extern struct fixture {
    struct http_server *server;
    size_t files;              /* that were open before any client came */
    _Atomic unsigned freed;    /* streams that libmicrohttpd's side gave back without a take */
    _Atomic unsigned asked;    /* streams that a handler made */
    _Atomic unsigned reads;    /* of answers from a callback, which is what libmicrohttpd knows */
    _Atomic unsigned frees;    /* of them */
    _Atomic unsigned complete; /* requests of whatever kind */
    _Atomic unsigned complete_at_free; /* `complete` at the last of `frees` */
} fixture;

void fixture_set_up(void);
void fixture_tear_down(void);

/* Waits for the next stream to be taken; the test's to close. */
struct http_takeover *fixture_await_take(void);

/* The streams that were taken, and not yet handed out by fixture_await_take. */
size_t fixture_takes(void);

/* A client's socket, connected; it waits at most FIXTURE_WAIT_MS for bytes. */
int fixture_connect(void);

/* The same in two steps, for who is to have a socket before there are no descriptors left. */
int fixture_socket(void);
void fixture_connect_socket(int fd);
void fixture_send(int fd, const char *text);

/* "GET <path> HTTP/1.1" */
void fixture_get(int fd, const char *path);

/* Appends what comes until `text` ends with `end`; false where the peer's end comes before. */
bool fixture_read_until(int fd, struct buffer *text, const char *end);

/* How the connection ends: 0, or the errno of it. All that comes before is appended. */
int fixture_read_all(int fd, struct buffer *text);

/* The files that this process has open. */
size_t fixture_open_files(void);

/* From here on this process can open `left` files more, until they are given back. */
void fixture_leave_files(size_t left);
void fixture_give_files_back(void);

/* Waits until `condition` holds. */
#define fixture_await(condition)                                                                   \
    do {                                                                                           \
        for (int waited = 0; !(condition) && waited < FIXTURE_WAIT_MS; waited += 5)                \
            poll(NULL, 0, 5);                                                                      \
        ck_assert_msg(condition, "in time: %s", #condition);                                       \
    } while (0)

#endif
