/*
 * hiredis' blocking calls bound each read() alone, so a long answer in small pieces could take any
 * time. Here the exchange is driven by hand, with its reader and its buffers and poll() between
 * them, and the deadline is that of the whole answer.
 *
 * Not here: how many connections there are, what is tried again and when (redis_pool.c).
 */
#include "redis_connection.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

struct redis_connection {
    redisContext *context;
    bool broken;
};

void redis_command_add(struct redis_command *command, const char *bytes, size_t len)
{
    command->arguments[command->count] = bytes;
    command->lens[command->count] = len;
    command->count++;
}

void redis_command_add_string(struct redis_command *command, const char *string)
{
    redis_command_add(command, string, strlen(string));
}

/* Microseconds to the deadline, 0 when it is past. */
static uint64_t left_us(uint64_t deadline_us)
{
    uint64_t now_us = clock_monotonic_us(&clock_system);
    return deadline_us > now_us ? deadline_us - now_us : 0;
}

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

static enum error_code wait_readable(struct redis_connection *connection, uint64_t deadline_us,
                                     struct error *err)
{
    struct pollfd socket = {.fd = connection->context->fd, .events = POLLIN};
    for (;;) {
        uint64_t left = left_us(deadline_us);
        if (!left)
            return timed_out(connection, err);
        int ready = poll(&socket, 1, (int)((left + 999) / 1000));
        if (ready > 0)
            return ERROR_NONE;
        if (ready < 0 && errno != EINTR)
            return lost(connection, err);
    }
}

static enum error_code send_command(struct redis_connection *connection,
                                    const struct redis_command *command, struct error *err)
{
    /* hiredis does not write to the arguments, it only lacks the const. */
    const char **arguments = (const char **)(uintptr_t)command->arguments;
    redisContext *context = connection->context;
    if (redisAppendCommandArgv(context, command->count, arguments, command->lens) != REDIS_OK)
        return lost(connection, err);
    int done = 0;
    while (!done) {
        errno = 0;
        if (redisBufferWrite(context, &done) == REDIS_OK)
            continue;
        /* The socket's send timeout shows as EAGAIN: the other side takes nothing in. */
        return errno == EAGAIN ? timed_out(connection, err) : lost(connection, err);
    }
    return ERROR_NONE;
}

static enum error_code receive_reply(struct redis_connection *connection, uint64_t deadline_us,
                                     redisReply **ret_reply, struct error *err)
{
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(connection->context, &reply) != REDIS_OK)
            return lost(connection, err);
        if (reply) {
            *ret_reply = reply;
            return ERROR_NONE;
        }
        enum error_code code = wait_readable(connection, deadline_us, err);
        if (code)
            return code;
        if (redisBufferRead(connection->context) != REDIS_OK)
            return lost(connection, err);
    }
}

enum error_code redis_connection_call(struct redis_connection *connection,
                                      const struct redis_command *command, uint64_t deadline_us,
                                      redisReply **ret_reply, struct error *err)
{
    enum error_code code = send_command(connection, command, err);
    return code ? code : receive_reply(connection, deadline_us, ret_reply, err);
}

static enum error_code connect_to(const struct redis_url *url, uint64_t deadline_us,
                                  struct redis_connection *connection, struct error *err)
{
    uint64_t left = left_us(deadline_us);
    if (left < 1000)
        left = 1000; /* to hiredis, zero is no timeout at all */
    struct timeval timeout = {(time_t)(left / 1000000), (suseconds_t)(left % 1000000)};
    redisContext *context = url->path[0] ? redisConnectUnixWithTimeout(url->path, timeout)
                                         : redisConnectWithTimeout(url->host, url->port, timeout);
    connection->context = context;
    if (!context)
        return error_because(err, ERROR_UNAVAILABLE, "redis: out of memory");
    if (context->err || redisSetTimeout(context, timeout) != REDIS_OK)
        return error_because(err, ERROR_UNAVAILABLE, "redis: cannot connect: %s", context->errstr);
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
        /* The first word alone: some servers repeat the arguments, the password too, behind it. */
        code = error_because(err, ERROR_UNAVAILABLE, "redis: %s refused: %.*s",
                             command->arguments[0], (int)strcspn(reply->str, " "), reply->str);
    }
    freeReplyObject(reply);
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
                                      struct redis_connection **ret_connection, struct error *err)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return error_because(err, ERROR_UNAVAILABLE, "redis: out of memory");
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

bool redis_connection_broken(const struct redis_connection *connection)
{
    return connection->broken;
}

bool redis_reply_is_error(const redisReply *reply, const char *code)
{
    size_t len = strlen(code);
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
           (reply->str[len] == ' ' || reply->str[len] == '\0');
}
