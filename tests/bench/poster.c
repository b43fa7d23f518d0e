/*
 * Just enough of HTTP/1.1 to post: an answer is a status, a length and a body nobody reads.
 */
#include "poster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The length of the answer's body as its headers, which end in a NUL, tell. */
static size_t body_length(const char *head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *header = strcasestr(head, name);
    return header ? strtoul(header + sizeof name - 1, NULL, 10) : 0;
}

/* Whether a whole answer is there; *ret_status is its status. */
static bool answer_complete(struct poster_connection *connection, unsigned long *ret_status)
{
    char *answer = connection->answer;
    answer[connection->answer_len] = '\0';
    char *head_end = strstr(answer, "\r\n\r\n");
    if (!head_end)
        return false;
    size_t head_len = (size_t)(head_end + 4 - answer);
    char after = answer[head_len];
    answer[head_len] = '\0';
    size_t whole = head_len + body_length(answer);
    answer[head_len] = after;
    if (whole > connection->answer_len)
        return false;
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || whole < connection->answer_len)
        loop_fail("not the answer to a post: %.60s", answer);
    *ret_status = strtoul(answer + 9, NULL, 10);
    return true;
}

static void on_ready(struct watcher *watcher)
{
    struct poster_connection *connection = (struct poster_connection *)watcher;
    ssize_t got = recv(watcher->fd, connection->answer + connection->answer_len,
                       POSTER_ANSWER_MAX - 1 - connection->answer_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        loop_fail("a post broke off: %s", got ? strerror(errno) : "closed");
    connection->answer_len += (size_t)got;
    unsigned long status;
    if (!answer_complete(connection, &status))
        return;
    connection->answer_len = 0;
    if (status == 503 || status == 429) {
        connection->poster->refused++;
        loop_send(watcher->fd, connection->request, connection->request_len);
        return;
    }
    if (status < 200 || status > 299)
        loop_fail("a post was answered: %.300s", connection->answer);
    connection->busy = false;
    connection->poster->answered++;
}

void poster_start(struct poster *poster, const struct loop *loop, const struct sockaddr_in *address,
                  unsigned connections)
{
    *poster = (struct poster){.count = connections};
    poster->connections = calloc(connections, sizeof *poster->connections);
    if (!poster->connections)
        loop_fail("out of memory");
    for (unsigned i = 0; i < connections; i++) {
        struct poster_connection *connection = &poster->connections[i];
        connection->poster = poster;
        connection->watcher.fd = loop_connect(address, i);
        connection->watcher.ready = on_ready;
        loop_watch(loop, &connection->watcher);
    }
}

void poster_stop(struct poster *poster)
{
    for (unsigned i = 0; i < poster->count; i++)
        close(poster->connections[i].watcher.fd);
    free(poster->connections);
    poster->connections = NULL;
}

struct poster_connection *poster_free_connection(struct poster *poster)
{
    for (unsigned i = 0; i < poster->count; i++)
        if (!poster->connections[i].busy)
            return &poster->connections[i];
    return NULL;
}

void poster_send(struct poster_connection *connection, const char *path, const char *body,
                 size_t len)
{
    int request_len = snprintf(connection->request, sizeof connection->request,
                               "POST %s HTTP/1.1\r\nHost: bench\r\nX-EventSource-Event: message\r\n"
                               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                               path, len, (int)len, body);
    if (request_len < 0 || (size_t)request_len >= sizeof connection->request)
        loop_fail("a post is too long");
    connection->request_len = (size_t)request_len;
    connection->busy = true;
    loop_send(connection->watcher.fd, connection->request, connection->request_len);
}
