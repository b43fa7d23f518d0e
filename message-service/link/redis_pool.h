/*
 * Connections to one Redis, kept alive and lent out for one call each, behind a breaker.
 *
 * Any thread may call redis_pool_call and redis_pool_eval, any number at once; a call has a
 * connection to itself. It takes at most twice the timeout in all: once until one of the
 * connections is free, once to connect and for the answer. No call may be under way at
 * redis_pool_free.
 */
#ifndef TEMPMESSENGER_REDIS_POOL_H
#define TEMPMESSENGER_REDIS_POOL_H

#include "clock.h"
#include "error.h"
#include "redis_connection.h"
#include "redis_url.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REDIS_POOL_BREAKER_OPEN_MS = 500, /* calls fail at once for this long after a failure */
    REDIS_POOL_IDLE_MS = 30 * 1000, /* a connection unused for so long is closed at the next call */
};

struct redis_pool_config {
    const struct redis_url *url; /* copied */
    uint64_t timeout_ms;
    unsigned connections;      /* at most; at least 1 */
    const struct clock *clock; /* the breaker's, and of idleness; borrowed for the pool's life */
    int stop_fd;               /* when readable, calls under way end at once; -1: none; borrowed */
};

/* A script: its text, and the SHA-1 of that in hex digits, by which the server knows it. */
struct redis_pool_script {
    const char *text;
    const char *sha1;
};

struct redis_pool;

/* Connects to nothing yet. INTERNAL when out of memory. */
enum error_code redis_pool_open(const struct redis_pool_config *config,
                                struct redis_pool **ret_pool, struct error *err) ERROR_MUST_USE;

/* Closes all connections. Takes NULL. */
void redis_pool_free(struct redis_pool *pool);

/*
 * Carries out `command`, which must do no harm if it is carried out twice: where a connection that
 * was kept alive turns out to be lost, or is silent for half the timeout, the command is sent once
 * more over a new one. *ret_reply,
 * never an error reply, is freed by the caller with redis_reply_free.
 * UNAVAILABLE (cannot be reached, connection lost, all connections busy, breaker open, or an error
 * reply; retry_after_s is set) or TIMEOUT (reached, no answer); the cause says which. Unless the
 * breaker was open, the command may have been carried out all the same.
 */
enum error_code redis_pool_call(struct redis_pool *pool, const struct redis_command *command,
                                redisReply **ret_reply, struct error *err) ERROR_MUST_USE;

/* Whether the last call was answered, or none was made yet. Never waits. */
bool redis_pool_up(struct redis_pool *pool);

/* Begins the command that redis_pool_eval completes; keys and arguments follow with
 * redis_command_add. */
void redis_pool_eval_begin(struct redis_command *command, const struct redis_pool_script *script,
                           const char *key_count);

/* As redis_pool_call, with a command that runs `script`, which is loaded where the server does not
 * have it. */
enum error_code redis_pool_eval(struct redis_pool *pool, const struct redis_pool_script *script,
                                const struct redis_command *command, redisReply **ret_reply,
                                struct error *err) ERROR_MUST_USE;

#endif
