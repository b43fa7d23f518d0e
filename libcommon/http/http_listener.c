/*
 * MHD_quiesce_daemon is what libmicrohttpd has to stop listening, but it aborts the process now and
 * then: it takes the socket from a thread's epoll set while that thread does the same (0.9.75).
 * Instead a socket that does nothing takes the listening one's place under its number: the kernel
 * then takes the listening one from all sets at once.
 *
 * Where the process is out of descriptors libmicrohttpd either asks the kernel for the connection
 * again and again, with all the CPU time there is, or takes no more until one that its thread has
 * ends. So this program has its own accept4, which closes one kept in reserve to take the
 * connection, hangs up on it, and says that it was its peer who did.
 */
#include "http_listener.h"

#include "cleanup.h"
#include "metrics.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    PAUSE_MS = 10,  /* where not even the reserve helps */
};

static struct {
    pthread_mutex_t lock;
    int null; /* what a descriptor in reserve stands for */
    int fd;   /* -1: none */
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER, .null = -1, .fd = -1};

static struct metrics_counter refused;

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

/* Under its lock. */
static void fill_reserve(void)
{
    if (reserve.null < 0)
        reserve.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (reserve.fd < 0)
        reserve.fd = fcntl(reserve.null, F_DUPFD_CLOEXEC, 0);
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
    {
        LOCKED(&reserve.lock);
        fill_reserve();
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

/* ---- out of descriptors ---- */

/* Takes the next connection and closes it by putting the reserve in its place again; false where
 * that was not possible. Under the lock, as each accept is, so that no other thread takes a
 * connection with the reserve's descriptor. */
static bool refuse(int fd)
{
    fill_reserve();
    if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) != 1)
        return true; /* there is none any more */
    close(reserve.fd);
    reserve.fd = accept(fd, NULL, NULL);
    if (reserve.fd < 0)
        return false;
    metrics_count(&refused);
    return dup3(reserve.null, reserve.fd, O_CLOEXEC) >= 0;
}

int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *addr_len, int flags)
{
    __typeof__(accept4) *next;
    *(void **)&next = dlsym(RTLD_NEXT, "accept4");
    bool done;
    {
        LOCKED(&reserve.lock);
        int taken = next(fd, addr, addr_len, flags);
        if (taken >= 0 ||
            (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM))
            return taken;
        done = refuse(fd);
    }
    if (!done)
        poll(NULL, 0, PAUSE_MS);
    errno = ECONNABORTED;
    return -1;
}

uint64_t http_listener_refused(void)
{
    return metrics_counted(&refused);
}
