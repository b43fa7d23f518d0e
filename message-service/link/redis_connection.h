/*
 * One connection to a Redis: signed in, with a deadline on everything that can block.
 *
 * A connection is one thread's at a time. Writing to a closed one raises SIGPIPE, which the process
 * ignores.
 */
#ifndef TEMPMESSENGER_REDIS_CONNECTION_H
#define TEMPMESSENGER_REDIS_CONNECTION_H

#include "cleanup.h"
#include "error.h"
#include "redis_command.h"
#include "redis_reply.h"
#include "redis_url.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_connection;

/*
 * Connects, and signs in (AUTH) and selects the database where `url` says so, all before
 * `deadline_us` on CLOCK_MONOTONIC. Here and in later calls, waiting ends with UNAVAILABLE when
 * `stop_fd` (-1: none) is readable; it is borrowed for the connection's life.
 * UNAVAILABLE: the server cannot be reached, or refuses us; TIMEOUT: it does not answer.
 * The cause never holds the password.
 */
enum error_code redis_connection_open(const struct redis_url *url, uint64_t deadline_us,
                                      int stop_fd, struct redis_connection **ret_connection,
                                      struct error *err) ERROR_MUST_USE;

/* Closes. Takes NULL. */
void redis_connection_free(struct redis_connection *connection);

CLEANUP_DEFINE(struct redis_connection, redis_connection_free)

/*
 * Sends `command` and waits for its reply, which the caller frees with redis_reply_free; an error
 * reply is a reply too. UNAVAILABLE: the connection is lost; TIMEOUT: no answer by `deadline_us`.
 * After both the command may or may not have been carried out, and the connection is broken.
 */
enum error_code redis_connection_call(struct redis_connection *connection,
                                      const struct redis_command *command, uint64_t deadline_us,
                                      redisReply **ret_reply, struct error *err) ERROR_MUST_USE;

/*
 * The same in parts that never wait, for a caller that polls the socket: queue a command, send what
 * of the queue the socket takes, receive what is there, and take replies one by one (*ret_reply is
 * NULL where no whole one is there yet). UNAVAILABLE: the connection is lost.
 */
enum error_code redis_connection_queue(struct redis_connection *connection,
                                       const struct redis_command *command,
                                       struct error *err) ERROR_MUST_USE;
enum error_code redis_connection_send(struct redis_connection *connection,
                                      struct error *err) ERROR_MUST_USE;
enum error_code redis_connection_receive(struct redis_connection *connection,
                                         struct error *err) ERROR_MUST_USE;
enum error_code redis_connection_next_reply(struct redis_connection *connection,
                                            redisReply **ret_reply,
                                            struct error *err) ERROR_MUST_USE;

/* The socket, to be polled; and whether a part of the queue waits to be sent. */
int redis_connection_fd(const struct redis_connection *connection);
bool redis_connection_has_unsent(const struct redis_connection *connection);

/* Whether it is of no further use. */
bool redis_connection_broken(const struct redis_connection *connection);

#endif
