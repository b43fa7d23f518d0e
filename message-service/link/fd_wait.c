/*
 * poll counts from its call and can be interrupted, so the time left is computed again for each.
 * Its milliseconds are rounded up: it must not wake before the deadline and spin until it.
 */
#include "fd_wait.h"

#include "clock.h"

#include <limits.h>

int fd_wait_poll_ms(uint64_t deadline_us)
{
    if (deadline_us == UINT64_MAX)
        return -1;
    uint64_t now_us = clock_now_us();
    uint64_t left_ms = deadline_us > now_us ? (deadline_us - now_us + 999) / 1000 : 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

enum fd_wait_outcome fd_wait(int fd, short events, uint64_t deadline_us, int stop_fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
    for (;;) {
        int left_ms = fd_wait_poll_ms(deadline_us);
        int ready = poll(fds, 2, left_ms);
        if (ready > 0)
            return fds[1].revents ? FD_STOPPED : FD_READY;
        if (left_ms == 0)
            return FD_TIMED_OUT;
    }
}
