/*
 * libmicrohttpd has no way to hand a connection over but an upgrade with status 101, so this takes
 * the socket away from under it:
 *
 * - the socket gets a second descriptor, which is ours;
 * - the number that libmicrohttpd has is taken out of its thread's epoll set and given to one end
 *   of a socket pair whose other end is closed;
 * - the number is put back into the set: the hang-up that it reports makes libmicrohttpd clean the
 *   connection up at its next turn, and close the number.
 *
 * All of it happens on the connection's own thread, within one call of libmicrohttpd's, which sees
 * nothing in between. The thread's epoll set is the one that it last waited on (epoll_wait.h). A
 * connection that was suspended before is in no set; then the pair's end, which nobody else has, is
 * in the set by itself and leaves it when its number is closed.
 */
#include "http_takeover.h"

#include "epoll_wait.h"
#include "http_access_log.h"
#include "http_exchange_private.h"
#include "http_server_private.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket whose peer is gone; -1 where none can be had. */
static int dead_socket(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    close(pair[1]);
    return pair[0];
}

/* Gives libmicrohttpd's number to `dead`. */
static bool replace(struct MHD_Connection *connection, int fd, int dead)
{
    int set = epoll_wait_of_thread();
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = connection};
    epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
    return dup3(dead, fd, O_CLOEXEC) >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Takes the socket itself: its new descriptor, or -1. */
static int take_socket(struct MHD_Connection *connection)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    int taken = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int dead = taken >= 0 ? dead_socket() : -1;
    if (dead >= 0 && !replace(connection, fd, dead))
        /* Half done cannot be undone: libmicrohttpd would wait for a socket that it has lost. */
        abort();
    if (dead >= 0)
        close(dead);
    else if (taken >= 0)
        close(taken);
    return dead >= 0 ? taken : -1;
}

static void set_options(int fd)
{
    int on = 1;
    int buffer = HTTP_TAKEOVER_SEND_BUFFER;
    unsigned timeout_ms = HTTP_TAKEOVER_PEER_TIMEOUT_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

struct http_takeover *http_takeover_new(struct http_exchange *exchange)
{
    struct http_takeover *takeover = calloc(1, sizeof *takeover);
    if (!takeover)
        return NULL;
    int fd = take_socket(exchange->connection);
    if (fd < 0) {
        free(takeover);
        return NULL;
    }
    set_options(fd);
    takeover->fd = fd;
    takeover->chunked = strcmp(exchange->request.http_protocol, "HTTP/1.0") != 0;
    takeover->server = exchange->server;
    takeover->connection = exchange->open_connection;
    http_connections_take(takeover->connection, fd);
    takeover->log = http_access_log_keep(exchange);
    exchange->taken = true;
    return takeover;
}

/* Takes off what the peer has sent since, which would turn the close into a reset and destroy what
 * is still on its way to the peer. */
static void discard_input(int fd)
{
    enum { INPUT_MAX = 16 * 1024 };
    char input[INPUT_MAX];
    recv(fd, input, sizeof input, MSG_DONTWAIT);
}

void http_takeover_close(struct http_takeover *takeover)
{
    struct http_server *server = takeover->server;
    http_access_log_write_kept(takeover->log);
    discard_input(takeover->fd);
    http_connections_release(takeover->connection);
    close(takeover->fd);
    free(takeover);
    http_server_request_ends(server, true);
}
