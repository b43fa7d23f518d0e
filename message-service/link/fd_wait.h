/*
 * Waiting for a file descriptor, with a deadline and a descriptor that ends the wait.
 */
#ifndef TEMPMESSENGER_FD_WAIT_H
#define TEMPMESSENGER_FD_WAIT_H

#include <poll.h>
#include <stdint.h>

enum fd_wait_outcome { FD_READY, FD_TIMED_OUT, FD_STOPPED };

/* Waits until `fd` has one of `events` (or an error, which the next call on it returns), until
 * `deadline_us` on CLOCK_MONOTONIC, or until `stop_fd` (-1: none) is readable. Any thread. */
enum fd_wait_outcome fd_wait(int fd, short events, uint64_t deadline_us, int stop_fd);

/* Milliseconds from now to `deadline_us` as poll takes them, rounded up; -1, no timeout, for
 * UINT64_MAX. */
int fd_wait_poll_ms(uint64_t deadline_us);

#endif
