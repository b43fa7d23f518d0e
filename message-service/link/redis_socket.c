/*
 * hiredis connects too, but resolves names without a deadline and cannot be interrupted; it gets
 * the connected socket instead.
 *
 * A host may have several addresses, some of them dead. They are tried in the resolver's order, and
 * none may use up the time of those after it.
 */
#include "redis_socket.h"

#include "clock.h"
#include "fd_wait.h"
#include "host_lookup.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Waits until the socket is connected. Returns 0, or why it is not: an errno. */
static int await_connected(int fd, uint64_t deadline_us, int stop_fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    switch (fd_wait(fd, POLLOUT, deadline_us, stop_fd)) {
    case FD_TIMED_OUT: return ETIMEDOUT;
    case FD_STOPPED: return ECANCELED;
    case FD_READY: break;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/* Connects to one address. Returns 0 and sets *ret_fd, or why it could not: an errno. */
static int connect_to(const struct sockaddr *address, socklen_t size, uint64_t deadline_us,
                      int stop_fd, int *ret_fd)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int error = connect(fd, address, size) == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = await_connected(fd, deadline_us, stop_fd);
    if (error) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static int connect_unix(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return connect_to((const struct sockaddr *)&address, sizeof address, 0, -1, ret_fd);
}

static int connect_tcp(const struct addrinfo *addresses, uint64_t deadline_us, int stop_fd,
                       int *ret_fd)
{
    unsigned count = 0;
    int error = ETIMEDOUT;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next)
        count++;
    for (const struct addrinfo *at = addresses; at && error != ECANCELED; at = at->ai_next) {
        uint64_t now_us = clock_now_us();
        uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
        error =
            connect_to(at->ai_addr, at->ai_addrlen, now_us + left_us / count--, stop_fd, ret_fd);
        if (error)
            continue;
        int on = 1; /* a command is one write and wants its answer now */
        setsockopt(*ret_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return 0;
    }
    return error;
}

enum error_code redis_socket_connect(const struct redis_url *url, uint64_t deadline_us, int stop_fd,
                                     int *ret_fd, struct error *err)
{
    int error;
    if (url->path[0]) {
        error = connect_unix(url->path, ret_fd);
    } else {
        CLEANUP(host_lookup_release) struct host_lookup *lookup = NULL;
        enum error_code code =
            host_lookup(url->host, url->port, deadline_us, stop_fd, &lookup, err);
        if (code)
            return code;
        error = connect_tcp(host_lookup_addresses(lookup), deadline_us, stop_fd, ret_fd);
    }
    if (!error)
        return ERROR_NONE;
    return error_because(err, ERROR_UNAVAILABLE, "redis: cannot connect: %s", strerror(error));
}
