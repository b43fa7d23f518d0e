/*
 * What the load programs stand on: one thread, one epoll, and giving up in one line.
 */
#ifndef TEMPMESSENGER_BENCH_LOOP_H
#define TEMPMESSENGER_BENCH_LOOP_H

#include <netinet/in.h>
#include <stdint.h>

/* A socket that is waited for; the first member of what it belongs to. */
struct watcher {
    int fd;
    void (*ready)(struct watcher *watcher); /* there is something to read */
};

struct loop {
    int epoll_fd;
};

/* CLOCK_MONOTONIC. */
uint64_t loop_now_us(void);

/* Says why, in one line, and ends the process: a benchmark that went wrong has no result. */
_Noreturn void loop_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A decimal number between `minimum` and `maximum`; fails, naming `what`, where it is none. */
unsigned long loop_number(const char *what, const char *text, unsigned long minimum,
                          unsigned long maximum);

/* "127.0.0.1:8000". */
struct sockaddr_in loop_address(const char *text);

/* A connected socket without delay. `source` spreads the connections over the addresses 127.0.0.1
 * to 127.0.0.16, so that there are ports enough. */
int loop_connect(const struct sockaddr_in *address, unsigned source);

/* Sends all of it or fails: what is sent here is short. */
void loop_send(int fd, const char *bytes, size_t len);

void loop_init(struct loop *loop);
void loop_watch(const struct loop *loop, struct watcher *watcher);

/* Serves what is ready; waits for it until `until_us` at most. */
void loop_run(const struct loop *loop, uint64_t until_us);

#endif
