/*
 * MHD_quiesce_daemon is what libmicrohttpd has to stop listening, but it aborts the process now and
 * then: it takes the socket from a thread's epoll set while that thread does the same (0.9.75).
 * Instead a socket that does nothing takes the listening one's place under its number: the kernel
 * then takes the listening one from all sets at once.
 */
#include "http_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 /* the kernel cuts it to net.core.somaxconn */ };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *text, unsigned port, union socket_address *address)
{
    *address = (union socket_address){0};
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return sizeof address->v6;
    }
    return 0;
}

static bool bind_and_listen(int fd, union socket_address *address, socklen_t len)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(fd, &address->any, len) == 0 && listen(fd, BACKLOG) == 0 &&
           getsockname(fd, &address->any, &len) == 0;
}

int http_listener_open(const char *address, unsigned port, unsigned *ret_port)
{
    union socket_address bound;
    socklen_t len = parse_address(address, port, &bound);
    if (!len) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && !bind_and_listen(fd, &bound, len)) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    *ret_port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    return fd;
}

void http_listener_stop(int fd)
{
    int nothing = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (nothing < 0)
        return;
    dup3(nothing, fd, O_CLOEXEC);
    close(nothing);
}
