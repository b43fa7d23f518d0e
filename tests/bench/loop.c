/*
 * Sockets are level-triggered and read once each time they are ready: one system call for a
 * delivery, and none to find out that there is no more.
 */
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum {
    EVENTS_AT_ONCE = 256,
    SOURCE_ADDRESSES = 16,
};

uint64_t loop_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void loop_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

unsigned long loop_number(const char *what, const char *text, unsigned long minimum,
                          unsigned long maximum)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number < minimum || number > maximum)
        loop_fail("%s: \"%s\" is not a number from %lu to %lu", what, text, minimum, maximum);
    return number;
}

struct sockaddr_in loop_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        loop_fail("\"%s\" is not an IPv4 address and a port", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        loop_fail("\"%s\" is not an IPv4 address", host);
    address.sin_port = htons((uint16_t)loop_number("port", colon + 1, 1, UINT16_MAX));
    return address;
}

int loop_connect(const struct sockaddr_in *address, unsigned source)
{
    int on = 1;
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source % SOURCE_ADDRESSES),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        loop_fail("cannot connect: %s", strerror(errno));
    return fd;
}

void loop_send(int fd, const char *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        loop_fail("cannot send: %s", strerror(errno));
}

void loop_init(struct loop *loop)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        loop_fail("epoll_create1: %s", strerror(errno));
}

void loop_watch(const struct loop *loop, struct watcher *watcher)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watcher};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watcher->fd, &event) != 0)
        loop_fail("epoll_ctl: %s", strerror(errno));
}

void loop_run(const struct loop *loop, uint64_t until_us)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t now_us = loop_now_us();
    uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
    struct timespec timeout = {
        .tv_sec = (time_t)(left_us / 1000000u),
        .tv_nsec = (long)(left_us % 1000000u * 1000u),
    };
    int count = epoll_pwait2(loop->epoll_fd, events, EVENTS_AT_ONCE, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        loop_fail("epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct watcher *watcher = events[i].data.ptr;
        watcher->ready(watcher);
    }
}
