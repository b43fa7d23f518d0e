/*
 * hiredis' blocking calls bound each read() alone, so a long answer in small pieces could take any
 * time. This file drives hiredis' reader and buffers by hand, over a socket that does not block,
 * with poll() in between; the deadline is that of the whole answer.
 *
 * How many connections there are, and what is tried again, is decided in redis_pool.c.
 */
#include "redis_connection.h"

#include "fd_wait.h"
#include "redis_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct redis_connection {
    redisContext *context;
    int stop_fd;
    bool unsent; /* something is in hiredis' output buffer */
    bool broken;
};

static enum error_code lost(struct redis_connection *connection, struct error *err)
{
    connection->broken = true;
    return error_because(err, ERROR_UNAVAILABLE, "redis: connection lost: %s",
                         connection->context->errstr);
}

static enum error_code timed_out(struct redis_connection *connection, struct error *err)
{
    connection->broken = true;
    return error_because(err, ERROR_TIMEOUT, "redis: no answer in time");
}

static enum error_code await(struct redis_connection *connection, short events,
                             uint64_t deadline_us, struct error *err)
{
    switch (fd_wait(connection->context->fd, events, deadline_us, connection->stop_fd)) {
    case FD_READY: return ERROR_NONE;
    case FD_TIMED_OUT: return timed_out(connection, err);
    case FD_STOPPED: break;
    }
    connection->broken = true;
    return error_because(err, ERROR_UNAVAILABLE, "redis: stopping");
}

enum error_code redis_connection_queue(struct redis_connection *connection,
                                       const struct redis_command *command, struct error *err)
{
    struct redis_command copy = *command; /* hiredis lacks a const */
    if (redisAppendCommandArgv(connection->context, copy.count, copy.arguments, copy.lens) !=
        REDIS_OK)
        return lost(connection, err);
    connection->unsent = true;
    return ERROR_NONE;
}

enum error_code redis_connection_send(struct redis_connection *connection, struct error *err)
{
    int done = 0;
    if (redisBufferWrite(connection->context, &done) != REDIS_OK)
        return lost(connection, err);
    connection->unsent = !done;
    return ERROR_NONE;
}

enum error_code redis_connection_receive(struct redis_connection *connection, struct error *err)
{
    return redisBufferRead(connection->context) == REDIS_OK ? ERROR_NONE : lost(connection, err);
}

enum error_code redis_connection_next_reply(struct redis_connection *connection,
                                            redisReply **ret_reply, struct error *err)
{
    void *reply = NULL;
    if (redisGetReplyFromReader(connection->context, &reply) != REDIS_OK)
        return lost(connection, err);
    *ret_reply = reply;
    return ERROR_NONE;
}

static enum error_code send_command(struct redis_connection *connection,
                                    const struct redis_command *command, uint64_t deadline_us,
                                    struct error *err)
{
    enum error_code code = redis_connection_queue(connection, command, err);
    if (!code)
        code = redis_connection_send(connection, err);
    while (!code && connection->unsent) {
        code = await(connection, POLLOUT, deadline_us, err);
        if (!code)
            code = redis_connection_send(connection, err);
    }
    return code;
}

static enum error_code receive_reply(struct redis_connection *connection, uint64_t deadline_us,
                                     redisReply **ret_reply, struct error *err)
{
    for (;;) {
        redisReply *reply = NULL;
        enum error_code code = redis_connection_next_reply(connection, &reply, err);
        if (!code && !reply)
            code = await(connection, POLLIN, deadline_us, err);
        if (!code && !reply)
            code = redis_connection_receive(connection, err);
        if (code)
            return code;
        if (reply) {
            *ret_reply = reply;
            return ERROR_NONE;
        }
    }
}

enum error_code redis_connection_call(struct redis_connection *connection,
                                      const struct redis_command *command, uint64_t deadline_us,
                                      redisReply **ret_reply, struct error *err)
{
    enum error_code code = send_command(connection, command, deadline_us, err);
    return code ? code : receive_reply(connection, deadline_us, ret_reply, err);
}

static enum error_code connect_to(const struct redis_url *url, uint64_t deadline_us,
                                  struct redis_connection *connection, struct error *err)
{
    int fd;
    enum error_code code = redis_socket_connect(url, deadline_us, connection->stop_fd, &fd, err);
    if (code)
        return code;
    connection->context = redisConnectFd(fd);
    if (!connection->context) {
        close(fd);
        return error_because(err, ERROR_UNAVAILABLE, "redis: out of memory");
    }
    /* hiredis takes the socket for a blocking one, and would take EAGAIN for an error. */
    connection->context->flags &= ~REDIS_BLOCK;
    return ERROR_NONE;
}

/* A command of the greeting, which must be answered with OK. */
static enum error_code greet(struct redis_connection *connection,
                             const struct redis_command *command, uint64_t deadline_us,
                             struct error *err)
{
    redisReply *reply;
    enum error_code code = redis_connection_call(connection, command, deadline_us, &reply, err);
    if (code)
        return code;
    if (reply->type == REDIS_REPLY_ERROR) {
        /* The first word alone: some servers repeat the arguments after it, the password too. */
        code = error_because(err, ERROR_UNAVAILABLE, "redis: %s refused: %.*s",
                             command->arguments[0], (int)strcspn(reply->str, " "), reply->str);
    }
    redis_reply_free(reply);
    return code;
}

static enum error_code sign_in(struct redis_connection *connection, const struct redis_url *url,
                               uint64_t deadline_us, struct error *err)
{
    if (!url->password[0])
        return ERROR_NONE;
    struct redis_command command = {0};
    redis_command_add_string(&command, "AUTH");
    if (url->user[0])
        redis_command_add_string(&command, url->user);
    redis_command_add_string(&command, url->password);
    return greet(connection, &command, deadline_us, err);
}

static enum error_code select_db(struct redis_connection *connection, const struct redis_url *url,
                                 uint64_t deadline_us, struct error *err)
{
    if (!url->db)
        return ERROR_NONE;
    char db[16];
    snprintf(db, sizeof db, "%d", url->db);
    struct redis_command command = {0};
    redis_command_add_string(&command, "SELECT");
    redis_command_add_string(&command, db);
    return greet(connection, &command, deadline_us, err);
}

enum error_code redis_connection_open(const struct redis_url *url, uint64_t deadline_us,
                                      int stop_fd, struct redis_connection **ret_connection,
                                      struct error *err)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return error_because(err, ERROR_UNAVAILABLE, "redis: out of memory");
    connection->stop_fd = stop_fd;
    enum error_code code = connect_to(url, deadline_us, connection, err);
    if (!code)
        code = sign_in(connection, url, deadline_us, err);
    if (!code)
        code = select_db(connection, url, deadline_us, err);
    if (code)
        goto fail;
    *ret_connection = connection;
    return ERROR_NONE;
fail:
    redis_connection_free(connection);
    return code;
}

void redis_connection_free(struct redis_connection *connection)
{
    if (!connection)
        return;
    if (connection->context)
        redisFree(connection->context);
    free(connection);
}

int redis_connection_fd(const struct redis_connection *connection)
{
    return connection->context->fd;
}

bool redis_connection_has_unsent(const struct redis_connection *connection)
{
    return connection->unsent;
}

bool redis_connection_broken(const struct redis_connection *connection)
{
    return connection->broken;
}
