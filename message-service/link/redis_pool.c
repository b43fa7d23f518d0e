/*
 * A stack of idle connections: the last one given back is the first one lent, so that a quiet
 * service keeps few of them busy and finds those alive. `used` counts what is lent, `idle_count`
 * what is not, together at most `max`.
 *
 * A server that restarts breaks all connections that were kept alive, and a network may swallow
 * them without a word: the first call to notice drops the idle ones with its own, and tries once
 * more over a new one. Both tries share one timeout, of which the first gets half. What failed on a
 * new connection is not tried again. Connections that nobody used for a while are closed before a
 * firewall on the way forgets them.
 *
 * The breaker judges whether the server is reached. An error reply is an answer: it reaches the
 * caller as UNAVAILABLE, and the next call asks again.
 */
#include "redis_pool.h"

#include "breaker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct idle {
    struct redis_connection *connection;
    uint64_t since_us; /* by the pool's clock */
};

struct redis_pool {
    struct redis_url url;
    uint64_t timeout_us;
    int stop_fd;
    const struct clock *clock;
    struct breaker breaker;

    pthread_mutex_t lock; /* over all below */
    pthread_cond_t given_back;
    struct idle *idle; /* the one unused for longest first */
    unsigned idle_count;
    unsigned used;
    unsigned max;
};

/* One call, and how long it may take. */
struct call {
    const struct redis_pool_script *script; /* NULL: a plain command */
    const struct redis_command *command;
    uint64_t end_us; /* of both tries */
    redisReply *reply;
};

enum error_code redis_pool_open(const struct redis_pool_config *config,
                                struct redis_pool **ret_pool, struct error *err)
{
    struct redis_pool *pool = calloc(1, sizeof *pool);
    struct idle *idle = calloc(config->connections, sizeof *idle);
    if (!pool || !idle) {
        free(pool);
        free(idle);
        return error_because(err, ERROR_INTERNAL, "redis: out of memory");
    }
    pool->url = *config->url;
    pool->timeout_us = config->timeout_ms * 1000u;
    pool->stop_fd = config->stop_fd;
    pool->clock = config->clock;
    pool->idle = idle;
    pool->max = config->connections;
    breaker_init(&pool->breaker, config->clock, (uint64_t)REDIS_POOL_BREAKER_OPEN_MS * 1000u);
    pthread_mutex_init(&pool->lock, NULL);
    clock_cond_init(&pool->given_back);
    *ret_pool = pool;
    return ERROR_NONE;
}

static void close_idle(struct redis_pool *pool)
{
    LOCKED(&pool->lock);
    while (pool->idle_count)
        redis_connection_free(pool->idle[--pool->idle_count].connection);
}

/* Closes what was idle for too long; under the lock. */
static void close_stale(struct redis_pool *pool)
{
    uint64_t now_us = clock_monotonic_us(pool->clock);
    unsigned stale = 0;
    while (stale < pool->idle_count &&
           now_us - pool->idle[stale].since_us >= (uint64_t)REDIS_POOL_IDLE_MS * 1000u)
        redis_connection_free(pool->idle[stale++].connection);
    pool->idle_count -= stale;
    memmove(pool->idle, pool->idle + stale, pool->idle_count * sizeof *pool->idle);
}

void redis_pool_free(struct redis_pool *pool)
{
    if (!pool)
        return;
    close_idle(pool);
    pthread_cond_destroy(&pool->given_back);
    pthread_mutex_destroy(&pool->lock);
    breaker_fini(&pool->breaker);
    explicit_bzero(&pool->url, sizeof pool->url);
    free(pool->idle);
    free(pool);
}

/* Takes the right to one connection, and an idle one if there is one; *ret_connection is NULL if
 * there is none. */
static enum error_code lease(struct redis_pool *pool, uint64_t deadline_us,
                             struct redis_connection **ret_connection, struct error *err)
{
    struct timespec until = clock_timespec(deadline_us);
    LOCKED(&pool->lock);
    while (pool->used == pool->max) {
        int result = pthread_cond_timedwait(&pool->given_back, &pool->lock, &until);
        if (result == ETIMEDOUT && pool->used == pool->max)
            return error_because(err, ERROR_UNAVAILABLE, "redis: all %u connections are busy",
                                 pool->max);
    }
    pool->used++;
    close_stale(pool);
    *ret_connection = pool->idle_count ? pool->idle[--pool->idle_count].connection : NULL;
    return ERROR_NONE;
}

/* Gives back the right, and the connection (may be NULL) for others to use unless it is broken. */
static void give_back(struct redis_pool *pool, struct redis_connection *connection)
{
    if (connection && redis_connection_broken(connection)) {
        redis_connection_free(connection);
        connection = NULL;
    }
    LOCKED(&pool->lock);
    close_stale(pool);
    if (connection)
        pool->idle[pool->idle_count++] = (struct idle){connection, clock_monotonic_us(pool->clock)};
    pool->used--;
    pthread_cond_signal(&pool->given_back);
}

/* Loads the call's script. Where the server refuses, its error is the call's reply. */
static enum error_code load(struct redis_connection *connection, struct call *call,
                            uint64_t deadline_us, struct error *err)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, "SCRIPT");
    redis_command_add_string(&command, "LOAD");
    redis_command_add_string(&command, call->script->text);
    redisReply *reply;
    enum error_code code = redis_connection_call(connection, &command, deadline_us, &reply, err);
    if (code)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        call->reply = reply;
    else
        redis_reply_free(reply);
    return ERROR_NONE;
}

static enum error_code ask(struct redis_connection *connection, struct call *call,
                           uint64_t deadline_us, struct error *err)
{
    enum error_code code =
        redis_connection_call(connection, call->command, deadline_us, &call->reply, err);
    if (code || !call->script || !redis_reply_is_error(call->reply, "NOSCRIPT"))
        return code;
    redis_reply_free(call->reply);
    call->reply = NULL;
    code = load(connection, call, deadline_us, err);
    if (code || call->reply)
        return code;
    return redis_connection_call(connection, call->command, deadline_us, &call->reply, err);
}

/* Makes the call over *connection, or over a new one where that is NULL. */
static enum error_code attempt(struct redis_pool *pool, struct redis_connection **connection,
                               struct call *call, uint64_t deadline_us, struct error *err)
{
    if (!*connection) {
        enum error_code code =
            redis_connection_open(&pool->url, deadline_us, pool->stop_fd, connection, err);
        if (code)
            return code;
    }
    return ask(*connection, call, deadline_us, err);
}

/* Makes the call, once more where a connection that was kept alive was lost or silent. */
static enum error_code reach(struct redis_pool *pool, struct call *call, struct error *err)
{
    struct redis_connection *connection = NULL;
    enum error_code code = lease(pool, clock_now_us() + pool->timeout_us, &connection, err);
    if (code)
        return code;
    call->end_us = clock_now_us() + pool->timeout_us;
    bool kept_alive = connection;
    code = attempt(pool, &connection, call, call->end_us - (kept_alive ? pool->timeout_us / 2 : 0),
                   err);
    if (code && kept_alive) {
        redis_connection_free(connection);
        connection = NULL;
        close_idle(pool);
        code = attempt(pool, &connection, call, call->end_us, err);
    }
    give_back(pool, connection);
    return code;
}

/* An error reply as an error. A read-only server may have been replaced by another at the same
 * address, so connections to it are not kept. */
static enum error_code refused(struct redis_pool *pool, redisReply *reply, struct error *err)
{
    error_because(err, ERROR_UNAVAILABLE, "redis: %s", reply->str);
    if (redis_reply_is_error(reply, "READONLY"))
        close_idle(pool);
    redis_reply_free(reply);
    return ERROR_UNAVAILABLE;
}

static enum error_code carry_out(struct redis_pool *pool, struct call *call, redisReply **ret_reply,
                                 struct error *err)
{
    enum error_code code;
    if (!breaker_allow(&pool->breaker)) {
        code = ERROR_UNAVAILABLE;
        error_because(err, code, "redis: not reached a moment ago");
    } else {
        code = reach(pool, call, err);
        if (code)
            breaker_failure(&pool->breaker);
        else
            breaker_success(&pool->breaker);
    }
    if (!code && call->reply->type == REDIS_REPLY_ERROR)
        code = refused(pool, call->reply, err);
    if (!code)
        *ret_reply = call->reply;
    else if (err && code == ERROR_UNAVAILABLE)
        err->retry_after_s = 1;
    return code;
}

enum error_code redis_pool_call(struct redis_pool *pool, const struct redis_command *command,
                                redisReply **ret_reply, struct error *err)
{
    struct call call = {.command = command};
    return carry_out(pool, &call, ret_reply, err);
}

bool redis_pool_up(struct redis_pool *pool)
{
    return breaker_closed(&pool->breaker);
}

void redis_pool_eval_begin(struct redis_command *command, const struct redis_pool_script *script,
                           const char *key_count)
{
    redis_command_add_string(command, "EVALSHA");
    redis_command_add_string(command, script->sha1);
    redis_command_add_string(command, key_count);
}

enum error_code redis_pool_eval(struct redis_pool *pool, const struct redis_pool_script *script,
                                const struct redis_command *command, redisReply **ret_reply,
                                struct error *err)
{
    struct call call = {.script = script, .command = command};
    return carry_out(pool, &call, ret_reply, err);
}
