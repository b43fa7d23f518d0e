/*
 * One HTTP request over a plain socket. It leaves the settings to main and uses no HTTP library:
 * what is asked of the answer is the three digits of its status.
 *
 * One deadline holds for connecting, sending and reading together, so that a service that accepts
 * and then hangs, or sends a byte a second, is found out in time. It is kept by poll on a socket that
 * never blocks.
 */
#include "healthcheck.h"
#include "cleanup.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { US_PER_MS = 1000 };

static const char request[] = "GET /livez HTTP/1.1\r\n"
                              "Host: localhost\r\n"
                              "User-Agent: healthcheck\r\n"
                              "Connection: close\r\n\r\n";

/* What the answer must begin with, but for the digit at VERSION_AT. */
static const char expected[] = "HTTP/1.1 200";
enum { EXPECTED_LEN = sizeof expected - 1, VERSION_AT = 7 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct check {
    int fd;
    uint64_t deadline_us;
    const char *why; /* set where something failed */
};

static void close_check(struct check *check)
{
    if (check->fd >= 0)
        close(check->fd);
}

/* The length of the address, or 0 where `text` is none. */
static socklen_t read_address(const char *text, unsigned port, union socket_address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, text, &ret_address->v4.sin_addr) == 1) {
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = htons((uint16_t)port);
        if (ret_address->v4.sin_addr.s_addr == htonl(INADDR_ANY))
            ret_address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof ret_address->v4;
    }
    if (inet_pton(AF_INET6, text, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = htons((uint16_t)port);
        if (IN6_IS_ADDR_UNSPECIFIED(&ret_address->v6.sin6_addr))
            ret_address->v6.sin6_addr = in6addr_loopback;
        return sizeof ret_address->v6;
    }
    return 0;
}

static bool fail(struct check *check, const char *why)
{
    check->why = why;
    return false;
}

/* Waits until `events` may be tried; false, with a reason, where the time is up. */
static bool wait_for(struct check *check, short events)
{
    for (;;) {
        uint64_t now_us = clock_monotonic_us(&clock_system);
        if (now_us >= check->deadline_us)
            return fail(check, "no answer in time");
        struct pollfd file = {.fd = check->fd, .events = events};
        int left_ms = (int)((check->deadline_us - now_us + US_PER_MS - 1) / US_PER_MS);
        int ready = poll(&file, 1, left_ms);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return fail(check, strerror(errno));
    }
}

static bool connect_to(struct check *check, const union socket_address *address, socklen_t len)
{
    check->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (check->fd < 0)
        return fail(check, strerror(errno));
    if (connect(check->fd, &address->any, len) == 0)
        return true;
    if (errno != EINPROGRESS)
        return fail(check, strerror(errno));
    if (!wait_for(check, POLLOUT))
        return false;
    int error = 0;
    socklen_t error_len = sizeof error;
    if (getsockopt(check->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
        error = errno;
    return !error || fail(check, strerror(error));
}

/* Whether the call that just failed is worth another try, once `events` come. */
static bool again(struct check *check, short events)
{
    if (errno != EAGAIN && errno != EINTR)
        return fail(check, strerror(errno));
    return wait_for(check, events);
}

static bool send_request(struct check *check)
{
    size_t sent = 0;
    while (sent < sizeof request - 1) {
        ssize_t count = send(check->fd, request + sent, sizeof request - 1 - sent, MSG_NOSIGNAL);
        if (count >= 0)
            sent += (size_t)count;
        else if (!again(check, POLLOUT))
            return false;
    }
    return true;
}

static bool read_status(struct check *check)
{
    char answer[EXPECTED_LEN + 1] = {0};
    size_t len = 0;
    while (len < EXPECTED_LEN) {
        ssize_t count = recv(check->fd, answer + len, EXPECTED_LEN - len, 0);
        if (count > 0)
            len += (size_t)count;
        else if (count == 0)
            return fail(check, "closed without an answer");
        else if (!again(check, POLLIN))
            return false;
    }
    answer[VERSION_AT] = expected[VERSION_AT];
    return memcmp(answer, expected, EXPECTED_LEN) == 0 || fail(check, "the answer is not 200");
}

bool healthcheck_run(const char *program, const char *address, unsigned port, uint64_t timeout_ms,
                     FILE *out)
{
    CLEANUP_FINI(close_check)
    struct check check = {
        .fd = -1,
        .deadline_us = clock_monotonic_us(&clock_system) + timeout_ms * US_PER_MS,
    };
    union socket_address target;
    socklen_t len = read_address(address, port, &target);
    bool alive;
    if (!len || !port || port > UINT16_MAX)
        alive = fail(&check, "its address and port are not known");
    else
        alive = connect_to(&check, &target, len) && send_request(&check) && read_status(&check);
    if (alive)
        fprintf(out, "%s: alive\n", program);
    else
        fprintf(out, "%s: not alive: %s\n", program, check.why);
    return alive;
}
