/*
 * The backends `redis:` and `unix:`: the same Redis, reached over TCP or over a socket in the file
 * system. One call is one script is one round trip; the scripts are beside this file, in scripts/,
 * and say what is atomic and why.
 *
 * Here are the calls. Keys are made in redis_key.c, connections, retries and the breaker are
 * redis_pool.c's, answers are read in redis_answer.c, the stored form of a message is
 * redis_message.c's, and redis_subscriber.c reads what is published.
 *
 * Needs Redis 6.2 or later (SET with PXAT).
 */
#include "redis_store.h"

#include "random_id.h"
#include "redis_answer.h"
#include "redis_key.h"
#include "redis_list.h"
#include "redis_message.h"
#include "redis_pool.h"
#include "redis_scripts.h"
#include "redis_subscriber.h"
#include "redis_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DECIMAL_SIZE = 21,
    CONTENT_MAX = 1023 * 1024, /* such that a message's JSON with it stays within its own limit */
};

/* No room's name. */
#define CHECKED_ROOM ""

struct redis_store {
    char prefix[REDIS_PREFIX_MAX + 1];
    char room_max_messages[DECIMAL_SIZE];
    char room_max_bytes[DECIMAL_SIZE];
    uint64_t timeout_us;
    int db;
    const struct clock *clock;
    struct redis_ended ended;
    struct redis_pool *pool;
    struct redis_subscriber *subscriber;
};

static void format_decimal(uint64_t number, char ret_text[DECIMAL_SIZE])
{
    snprintf(ret_text, DECIMAL_SIZE, "%" PRIu64, number);
}

static bool redis_url_valid(const char *url)
{
    struct redis_url parsed;
    return redis_url_parse(url, &parsed);
}

static void redis_free(void *state)
{
    struct redis_store *store = state;
    redis_subscriber_free(store->subscriber);
    redis_pool_free(store->pool);
    redis_ended_fini(&store->ended);
    free(store);
}

static enum error_code open_connections(struct redis_store *store,
                                        const struct message_store_config *config,
                                        const struct redis_url *url, struct error *err)
{
    struct redis_pool_config pool = {
        .url = url,
        .timeout_ms = config->timeout_ms,
        .connections = config->connections,
        .clock = config->clock,
        .stop_fd = -1,
    };
    struct redis_subscriber_config subscriber = {
        .url = url,
        .prefix = config->prefix,
        .timeout_ms = config->timeout_ms,
        .clock = config->clock,
        .ended = &store->ended,
    };
    enum error_code code = redis_pool_open(&pool, &store->pool, err);
    return code ? code : redis_subscriber_new(&subscriber, &store->subscriber, err);
}

static enum error_code redis_open(const struct message_store_config *config, void **ret_state,
                                  struct error *err)
{
    struct redis_url url;
    if (!redis_url_parse(config->url, &url))
        return error_because(err, ERROR_INTERNAL, "redis: not a URL of Redis");
    if (strlen(config->prefix) > REDIS_PREFIX_MAX)
        return error_because(err, ERROR_INTERNAL, "redis: a prefix has at most %d bytes",
                             REDIS_PREFIX_MAX);
    struct redis_store *store = calloc(1, sizeof *store);
    if (!store)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    snprintf(store->prefix, sizeof store->prefix, "%s", config->prefix);
    format_decimal(config->room_max_messages, store->room_max_messages);
    format_decimal(config->room_max_bytes, store->room_max_bytes);
    store->timeout_us = config->timeout_ms * 1000u;
    redis_ended_init(&store->ended);
    store->db = url.db;
    store->clock = config->clock;
    enum error_code code = open_connections(store, config, &url, err);
    if (code) {
        redis_free(store);
        return code;
    }
    *ret_state = store;
    return ERROR_NONE;
}

/* The keys and arguments of save.lua, which a command borrows. */
struct save {
    struct buffer content;
    char message[REDIS_KEY_SIZE];
    char index[REDIS_KEY_SIZE];
    char event[REDIS_KEY_SIZE];
    char sizes[REDIS_KEY_SIZE];
    char record[REDIS_KEY_SIZE]; /* empty: none */
    char channel[REDIS_KEY_SIZE];
    char size[DECIMAL_SIZE];
    char ttl_ms[DECIMAL_SIZE];
};

static void save_fini(struct save *save)
{
    buffer_fini(&save->content);
}

/* False when out of memory; to be freed either way. */
static bool save_init(const struct redis_store *store, const char *id, const char *room,
                      const struct draft *draft, const char *idempotency_key, struct save *save)
{
    buffer_init(&save->content, CONTENT_MAX);
    redis_message_append_content(&save->content, room, draft);
    redis_key_make(store->prefix, room, REDIS_KEY_MESSAGE, id, save->message);
    redis_key_make(store->prefix, room, REDIS_KEY_INDEX, "", save->index);
    redis_key_make(store->prefix, room, REDIS_KEY_EVENT, "", save->event);
    redis_key_make(store->prefix, room, REDIS_KEY_SIZES, "", save->sizes);
    save->record[0] = '\0';
    if (idempotency_key)
        redis_key_make(store->prefix, room, REDIS_KEY_IDEMPOTENCY, idempotency_key, save->record);
    redis_key_make_channel(store->prefix, room, store->db, save->channel);
    format_decimal(draft_size(draft), save->size);
    format_decimal(draft->ttl_ms, save->ttl_ms);
    return !save->content.failed;
}

static void save_command(const struct redis_store *store, const struct save *save, const char *id,
                         struct redis_command *ret_command)
{
    *ret_command = (struct redis_command){0};
    redis_pool_eval_begin(ret_command, &redis_scripts_save, save->record[0] ? "5" : "4");
    redis_command_add_string(ret_command, save->message);
    redis_command_add_string(ret_command, save->index);
    redis_command_add_string(ret_command, save->event);
    redis_command_add_string(ret_command, save->sizes);
    if (save->record[0])
        redis_command_add_string(ret_command, save->record);
    redis_command_add_string(ret_command, id);
    redis_command_add(ret_command, save->content.data, save->content.len);
    redis_command_add_string(ret_command, save->size);
    redis_command_add_string(ret_command, save->ttl_ms);
    redis_command_add_string(ret_command, store->room_max_messages);
    redis_command_add_string(ret_command, store->room_max_bytes);
    redis_command_add_string(ret_command, save->channel);
}

static enum error_code redis_save(void *state, const char *id, const char *room,
                                  const struct draft *draft, const char *idempotency_key,
                                  struct message **ret_message, struct error *err)
{
    struct redis_store *store = state;
    CLEANUP_FINI(save_fini) struct save save;
    if (!save_init(store, id, room, draft, idempotency_key, &save))
        return error_because(err, ERROR_INTERNAL, "out of memory");
    struct redis_command command;
    save_command(store, &save, id, &command);
    uint64_t end_us = clock_now_us() + store->timeout_us;
    for (;;) {
        CLEANUP(redis_reply_free) redisReply *reply = NULL;
        enum error_code code =
            redis_pool_eval(store->pool, &redis_scripts_save, &command, &reply, err);
        if (code)
            return code;
        if (redis_answer_again(reply)) {
            if (clock_now_us() < end_us)
                continue;
            return error_because(err, ERROR_TIMEOUT, "redis: the room is still being measured");
        }
        code = redis_answer_saved(reply, store->clock, ret_message, err);
        if (!code)
            redis_ended_check(&store->ended, *ret_message, clock_monotonic_us(store->clock));
        return code;
    }
}

static enum error_code redis_list_room(void *state, const char *room, struct message_list *ret_list,
                                       struct error *err)
{
    struct redis_store *store = state;
    const struct redis_lister lister = {store->pool, store->prefix, store->clock, &store->ended};
    struct redis_moment moment;
    return redis_list(&lister, room, ret_list, &moment, err);
}

static enum error_code redis_find(void *state, const char *room, const char *id,
                                  struct message **ret_message, struct error *err)
{
    struct redis_store *store = state;
    char key[REDIS_KEY_SIZE], event[REDIS_KEY_SIZE];
    redis_key_make(store->prefix, room, REDIS_KEY_MESSAGE, id, key);
    redis_key_make(store->prefix, room, REDIS_KEY_EVENT, "", event);
    struct redis_command command = {0};
    redis_pool_eval_begin(&command, &redis_scripts_find, "2");
    redis_command_add_string(&command, key);
    redis_command_add_string(&command, event);
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    CLEANUP(message_release) struct message *message = NULL;
    enum error_code code = redis_pool_eval(store->pool, &redis_scripts_find, &command, &reply, err);
    if (!code)
        code = redis_answer_found(reply, store->clock, &message, err);
    if (!code && redis_ended_check(&store->ended, message, clock_monotonic_us(store->clock)))
        code = ERROR_MESSAGE_NOT_FOUND;
    if (!code)
        *ret_message = message_retain(message);
    return code;
}

static void redis_listen(void *state, const struct message_store_listener *listener)
{
    struct redis_store *store = state;
    redis_subscriber_listen(store->subscriber, listener);
}

static bool redis_watch(void *state, const char *room)
{
    struct redis_store *store = state;
    return redis_subscriber_watch(store->subscriber, room);
}

static void redis_unwatch(void *state, const char *room)
{
    struct redis_store *store = state;
    redis_subscriber_unwatch(store->subscriber, room);
}

static enum error_code ping(struct redis_store *store, struct error *err)
{
    struct redis_command command = {0};
    redis_command_add_string(&command, "PING");
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    return redis_pool_call(store->pool, &command, &reply, err);
}

/* A save for a millisecond, into a room that no client can name: where Redis is full, read-only or
 * lacks a right, that says so. The PING before it says more clearly that a password is missing. */
static enum error_code redis_check(void *state, struct error *err)
{
    struct redis_store *store = state;
    char id[MESSAGE_ID_SIZE], text[] = "";
    const struct draft draft = {.text = text, .ttl_ms = 1};
    CLEANUP_FINI(save_fini) struct save save;
    if (!save_init(store, "", CHECKED_ROOM, &draft, NULL, &save) || !random_id_make(id))
        return error_because(err, ERROR_INTERNAL, "out of memory or of random bytes");
    redis_key_make(store->prefix, CHECKED_ROOM, REDIS_KEY_MESSAGE, id, save.message);
    enum error_code code = ping(store, err);
    if (code)
        return code;
    struct redis_command command;
    save_command(store, &save, id, &command);
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    return redis_pool_eval(store->pool, &redis_scripts_save, &command, &reply, err);
}

static bool redis_up(void *state)
{
    struct redis_store *store = state;
    return redis_pool_up(store->pool);
}

/* The two differ in how the server is addressed. */
#define BACKEND(its_scheme, its_form)                                                              \
    {                                                                                              \
        .scheme = (its_scheme), .form = (its_form), .url_valid = redis_url_valid,                  \
        .open = redis_open, .free = redis_free, .save = redis_save, .list = redis_list_room,       \
        .find = redis_find, .listen = redis_listen, .watch = redis_watch,                          \
        .unwatch = redis_unwatch, .check = redis_check, .up = redis_up,                            \
    }

const struct message_store_backend redis_store_backend =
    BACKEND("redis", "//[user:password@]host[:port][/db]");

const struct message_store_backend redis_store_unix_backend = BACKEND("unix", "///path");
