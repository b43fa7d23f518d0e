/*
 * Faults that only a store behind a connection can have: each test has a real redis-server of its
 * own, and breaks it. The contract of all backends is in test_message_store.c.
 */
#include "message_store.h"
#include "redis_store.h"

#include "redis_server.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TTL_MS = 60000,
    TIMEOUT_MS = 300,
    AT_ONCE_MS = 200,   /* for what does not wait for anything */
    SLACK_MS = 400,     /* that a busy machine may add to a bound */
    RECOVERY_MS = 5000, /* at most, until a store that was away is used again */
    ROOM_MAX_MESSAGES = 100000,
    ROOM_MAX_BYTES = 64 << 20,
};

static struct redis_server *server;
static struct message_store *store;

static uint64_t room_max_bytes = ROOM_MAX_BYTES;

static struct message_store *open_url(const char *url, const char *prefix, unsigned connections)
{
    struct message_store_config config = {
        .url = url,
        .prefix = prefix,
        .timeout_ms = TIMEOUT_MS,
        .room_max_messages = ROOM_MAX_MESSAGES,
        .room_max_bytes = room_max_bytes,
        .connections = connections,
        .clock = &clock_system,
    };
    struct message_store *opened = NULL;
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_NONE);
    return opened;
}

static struct message_store *open_more(const char *prefix, unsigned connections)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, "", "", url);
    return open_url(url, prefix, connections);
}

static void start(const struct redis_server_options *options)
{
    server = redis_server_start(options);
    store = open_more("p", 2);
}

static void setup(void)
{
    start(&(struct redis_server_options){0});
}

static void teardown(void)
{
    message_store_free(store);
    redis_server_free(server);
    store = NULL;
    server = NULL;
}

static uint64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

static enum error_code try_save_in(struct message_store *in, const char *room, const char *text,
                                   struct error *err)
{
    struct draft draft = {
        .text = (char *)(uintptr_t)text, .text_len = strlen(text), .ttl_ms = TTL_MS};
    struct message *message = NULL;
    enum error_code code = message_store_save(in, room, &draft, NULL, &message, err);
    message_release(message);
    return code;
}

static enum error_code try_save(const char *text, struct error *err)
{
    return try_save_in(store, "lobby", text, err);
}

static void save(const char *text)
{
    struct error err = {0};
    enum error_code code = try_save(text, &err);
    ck_assert_msg(code == ERROR_NONE, "save: %d, %s", (int)code, err.cause);
}

static size_t count_in(struct message_store *in, const char *room)
{
    struct message_list list = {0};
    struct error err = {0};
    enum error_code code = message_store_list(in, room, &list, &err);
    ck_assert_msg(code == ERROR_NONE, "list: %d, %s", (int)code, err.cause);
    size_t count = list.count;
    message_list_fini(&list);
    return count;
}

static size_t count(void)
{
    return count_in(store, "lobby");
}

/* Calls until the store answers again; the breaker and the server may need a moment. */
static void await_recovery(void)
{
    uint64_t late_ms = now_ms() + RECOVERY_MS;
    while (message_store_check(store, NULL)) {
        ck_assert_uint_lt(now_ms(), late_ms);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
}

/* Sends a command whose answer is of no interest, but must not be an error. */
static void send_command(const char *command)
{
    redisReply *reply = redis_server_command(server, command);
    ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static long long ask_number(const char *command)
{
    redisReply *reply = redis_server_command(server, command);
    ck_assert_int_eq(reply->type, REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

/* What the stores share and what keeps them apart */

START_TEST(test_redis_store__two_stores_see_each_other)
{
    struct message_store *other = open_more("p", 1);
    save("mine");
    ck_assert_int_eq(try_save_in(other, "lobby", "yours", NULL), ERROR_NONE);
    ck_assert_uint_eq(count(), 2);
    ck_assert_uint_eq(count_in(other, "lobby"), 2);
    message_store_free(other);
}
END_TEST

START_TEST(test_redis_store__prefixes_are_apart)
{
    struct message_store *other = open_more("q", 1);
    save("mine");
    ck_assert_uint_eq(count_in(other, "lobby"), 0);
    message_store_free(other);
}
END_TEST

START_TEST(test_redis_store__list_of_any_length_is_whole)
{
    static const unsigned lengths[] = {499, 500, 501, 1001};
    unsigned saved = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (; saved < lengths[i]; saved++)
            save("x");
        ck_assert_uint_eq(count(), lengths[i]);
    }
}
END_TEST

static unsigned calls_of(const char *command);

/* Neither the longest messages, as JSON six times as long, nor many short ones come in one answer.
 */
START_TEST(test_redis_store__large_room_comes_in_pieces)
{
    enum { LARGE = 4096, COUNT = 200 };
    char text[LARGE + 1];
    memset(text, '\x01', LARGE);
    text[LARGE] = '\0';
    for (int i = 0; i < COUNT; i++)
        save(text);
    send_command("CONFIG RESETSTAT");
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, "lobby", &list, NULL), ERROR_NONE);
    ck_assert_uint_eq(list.count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(list.messages[i]->text_len, LARGE);
    for (size_t i = 1; i < COUNT; i++)
        ck_assert_uint_gt(list.messages[i]->number, list.messages[i - 1]->number);
    ck_assert_uint_eq(list.position.number, list.messages[COUNT - 1]->number);
    ck_assert_uint_ge(calls_of("evalsha"), COUNT * LARGE / (128 * 1024));
    message_list_fini(&list);
}
END_TEST

/* A piece begins behind the last message of the one before, even where all end together. */
START_TEST(test_redis_store__messages_that_end_together_are_listed_once)
{
    enum { COUNT = 1200 };
    for (int i = 0; i < COUNT; i++)
        save("x");
    send_command("EVAL for\t_,id\tin\tipairs(redis.call('ZRANGE',KEYS[1],0,-1))do\t"
                 "redis.call('ZADD',KEYS[1],redis.call('TIME')[1]*1000+60000,id)end;return\t1 "
                 "1 p:{lobby}:index");
    ck_assert_uint_eq(count(), COUNT);
}
END_TEST

static void *keep_saving(void *argument)
{
    _Atomic bool *stop = argument;
    while (!*stop)
        save("y");
    return NULL;
}

/* What is accepted between two pieces is not in the list, whose position says so. */
START_TEST(test_redis_store__list_is_of_one_moment)
{
    _Atomic bool stop = false;
    pthread_t writer;
    for (int i = 0; i < 1100; i++)
        save("x");
    ck_assert_int_eq(pthread_create(&writer, NULL, keep_saving, &stop), 0);
    for (int round = 0; round < 10; round++) {
        struct message_list list = {0};
        ck_assert_int_eq(message_store_list(store, "lobby", &list, NULL), ERROR_NONE);
        ck_assert_uint_ge(list.count, 1100);
        for (size_t i = 1; i < list.count; i++)
            ck_assert_uint_gt(list.messages[i]->number, list.messages[i - 1]->number);
        ck_assert_uint_eq(list.position.number, list.messages[list.count - 1]->number);
        message_list_fini(&list);
    }
    stop = true;
    pthread_join(writer, NULL);
}
END_TEST

START_TEST(test_redis_store__same_id_is_one_message)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, "", "", url);
    struct message_store_config config = {.url = url,
                                          .prefix = "p",
                                          .timeout_ms = TIMEOUT_MS,
                                          .room_max_messages = 1,
                                          .room_max_bytes = 100,
                                          .connections = 1,
                                          .clock = &clock_system};
    void *state = NULL;
    ck_assert_int_eq(redis_store_unix_backend.open(&config, &state, NULL), ERROR_NONE);
    const char *id = "0123456789abcdef0123456789abcdef";
    char text[] = "once";
    struct draft draft = {.text = text, .text_len = 4, .ttl_ms = TTL_MS};
    struct message *first = NULL, *again = NULL;
    ck_assert_int_eq(redis_store_unix_backend.save(state, id, "lobby", &draft, NULL, &first, NULL),
                     ERROR_NONE);
    ck_assert_int_eq(redis_store_unix_backend.save(state, id, "lobby", &draft, NULL, &again, NULL),
                     ERROR_NONE);
    ck_assert_uint_eq(first->number, again->number);
    ck_assert_int_eq(first->created_at_ms, again->created_at_ms);
    ck_assert_uint_eq(count(), 1);
    message_release(first);
    message_release(again);
    redis_store_unix_backend.free(state);
}
END_TEST

START_TEST(test_redis_store__foreign_values_hide_nothing)
{
    save("mine");
    send_command("SET p:{lobby}:message:00000000000000000000000000000000 rubbish");
    send_command("ZADD p:{lobby}:index 99999999999999 00000000000000000000000000000000");
    send_command("ZADD p:{lobby}:index 99999999999999 nothing");
    ck_assert_uint_eq(count(), 1);
    struct message *message = NULL;
    ck_assert_int_eq(
        message_store_find(store, "lobby", "00000000000000000000000000000000", &message, NULL),
        ERROR_MESSAGE_NOT_FOUND);
}
END_TEST

START_TEST(test_redis_store__key_of_another_type_is_unavailable)
{
    struct error err = {0};
    send_command("SET p:{lobby}:index x");
    ck_assert_int_eq(try_save("x", &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "WRONGTYPE"));
    ck_assert_int_eq(ask_number("DBSIZE"), 1);
}
END_TEST

/* What is published */

START_TEST(test_redis_store__save_publishes_the_message)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, "", "", url);
    redisContext *subscriber = redisConnectUnix(url + strlen("unix://"));
    freeReplyObject(redisCommand(subscriber, "SUBSCRIBE p:{lobby}:events"));
    save("news");
    save("more");
    unsigned long long numbers[2], epochs[2];
    for (int i = 0; i < 2; i++) {
        redisReply *reply = NULL;
        ck_assert_int_eq(redisGetReply(subscriber, (void **)&reply), REDIS_OK);
        const char *payload = reply->element[2]->str;
        int json_at = 0;
        ck_assert_int_eq(sscanf(payload, "%llu %llu %n", &numbers[i], &epochs[i], &json_at), 2);
        ck_assert_ptr_nonnull(
            strstr(payload + json_at, i ? "\"message\":\"more\"" : "\"message\":\"news\""));
        ck_assert_int_eq(payload[json_at], '{');
        freeReplyObject(reply);
    }
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, "lobby", &list, NULL), ERROR_NONE);
    ck_assert_uint_eq(list.messages[0]->number, numbers[0]);
    ck_assert_uint_eq(list.messages[1]->number, numbers[1]);
    ck_assert_uint_eq(list.position.number, numbers[1]);
    ck_assert_uint_eq(epochs[0], numbers[0]);
    ck_assert_uint_eq(epochs[1], numbers[0]);
    ck_assert_uint_eq(list.position.epoch, epochs[0]);
    message_list_fini(&list);
    redisFree(subscriber);
}
END_TEST

/* Redis' clock was set back. */

START_TEST(test_redis_store__time_does_not_go_back_under_a_message)
{
    save("first");
    uint64_t ahead_us = clock_wall_us(&clock_system) + 20u * 1000 * 1000;
    freeReplyObject(redis_server_command(server, "HSET p:{lobby}:event last %llu",
                                         (unsigned long long)ahead_us));
    save("second");
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, "lobby", &list, NULL), ERROR_NONE);
    ck_assert_uint_eq(list.count, 2);
    const struct message *second = list.messages[1];
    ck_assert_uint_eq(second->number, ahead_us + 1);
    ck_assert_int_eq(second->created_at_ms, (int64_t)(ahead_us / 1000));
    ck_assert_uint_eq(list.position.number, second->number);
    /* The first has 20 s less to live, in the list and by itself. */
    struct message *found = NULL;
    ck_assert_int_eq(message_store_find(store, "lobby", list.messages[0]->id, &found, NULL),
                     ERROR_NONE);
    ck_assert_uint_le(message_expires_in_ms(list.messages[0], clock_now_us()), TTL_MS - 20000);
    ck_assert_uint_le(message_expires_in_ms(found, clock_now_us()), TTL_MS - 20000);
    message_release(found);
    message_list_fini(&list);
}
END_TEST

START_TEST(test_redis_store__empty_room_does_not_keep_a_time_ahead)
{
    send_command("HSET p:{lobby}:event last 8000000000000000 epoch 7000000000000001");
    save("x");
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, "lobby", &list, NULL), ERROR_NONE);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_lt(list.position.number, 8000000000000000);
    ck_assert_uint_eq(list.position.epoch, list.position.number);
    message_list_fini(&list);
}
END_TEST

/* Once the process has seen it end. */
START_TEST(test_redis_store__ended_message_does_not_come_back)
{
    char text[] = "short";
    struct draft draft = {.text = text, .text_len = 5, .ttl_ms = 200};
    struct message *message = NULL, *found = NULL;
    save("long");
    ck_assert_int_eq(message_store_save(store, "lobby", &draft, NULL, &message, NULL), ERROR_NONE);
    ck_assert_uint_eq(count(), 2);
    while (count() > 1 || clock_now_us() <= message->deadline_us)
        ;
    long long ends = (long long)(clock_wall_us(&clock_system) / 1000) + TTL_MS;
    freeReplyObject(redis_server_command(
        server,
        "SET p:{lobby}:message:%s {\"id\":\"%s\",\"room\":\"lobby\",\"message\":\"short\","
        "\"created_at\":1,\"expires_at\":%lld,\"number\":%llu,\"epoch\":1}",
        message->id, message->id, ends, (unsigned long long)message->number));
    freeReplyObject(
        redis_server_command(server, "ZADD p:{lobby}:index %lld %s", ends, message->id));
    ck_assert_uint_eq(count(), 1);
    ck_assert_int_eq(message_store_find(store, "lobby", message->id, &found, NULL),
                     ERROR_MESSAGE_NOT_FOUND);
    message_release(message);
}
END_TEST

/* Whether it takes messages */

START_TEST(test_redis_store__check_leaves_nothing_behind)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(message_store_check(store, NULL), ERROR_NONE);
    uint64_t late_ms = now_ms() + RECOVERY_MS;
    while (ask_number("DBSIZE") > 0)
        ck_assert_uint_lt(now_ms(), late_ms);
}
END_TEST

START_TEST(test_redis_store__check_needs_what_a_save_needs)
{
    static const char *const faults[][2] = {
        {"ACL SETUSER default resetchannels", "ACL SETUSER default allchannels"},
        {"ACL SETUSER default -zadd", "ACL SETUSER default +zadd"},
        {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"},
        {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        send_command(faults[i][0]);
        ck_assert_msg(message_store_check(store, NULL) == ERROR_UNAVAILABLE, "%s", faults[i][0]);
        send_command(faults[i][1]);
        await_recovery();
    }
}
END_TEST

/* Rights */

START_TEST(test_redis_store__missing_right_leaves_nothing_behind)
{
    static const char *const rights[] = {"resetchannels", "-zadd", "-hset",
                                         "-pexpireat",    "-set",  "-zremrangebyscore"};
    struct error err = {0};
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        freeReplyObject(redis_server_command(server, "ACL SETUSER default allchannels +@all"));
        freeReplyObject(redis_server_command(server, "ACL SETUSER default %s", rights[i]));
        ck_assert_int_eq(try_save("x", &err), ERROR_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(err.cause, "NOPERM"));
        ck_assert_int_eq(ask_number("DBSIZE"), 0);
    }
    freeReplyObject(redis_server_command(server, "ACL SETUSER default allchannels +@all"));
    save("x");
}
END_TEST

/* The room's bytes, beside services of the release before */

/* Opens a second store whose rooms hold `bytes`. */
static struct message_store *open_bounded(uint64_t bytes)
{
    room_max_bytes = bytes;
    struct message_store *bounded = open_more("p", 2);
    room_max_bytes = ROOM_MAX_BYTES;
    return bounded;
}

/* What save.lua of the release before left in Redis: no size, and no sum. */
static void save_as_before(int which, const char *text)
{
    long long ends = (long long)(clock_wall_us(&clock_system) / 1000) + TTL_MS;
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", (unsigned)which);
    freeReplyObject(redis_server_command(
        server,
        "SET p:{lobby}:message:%s "
        "{\"id\":\"%s\",\"room\":\"lobby\",\"author\":\"Ada\",\"message\":\"%s\","
        "\"created_at\":1,\"expires_at\":%lld,\"number\":%d,\"epoch\":1} PXAT %lld",
        id, id, text, ends, which, ends));
    freeReplyObject(
        redis_server_command(server, "ZREMRANGEBYSCORE p:{lobby}:index -inf %lld", ends - TTL_MS));
    freeReplyObject(redis_server_command(server, "ZADD p:{lobby}:index %lld %s", ends, id));
    freeReplyObject(redis_server_command(server, "PEXPIREAT p:{lobby}:index %lld", ends));
    freeReplyObject(redis_server_command(server, "HSET p:{lobby}:event last %d epoch 1", which));
}

START_TEST(test_redis_store__measures_what_has_no_size)
{
    struct message_store *bounded = open_bounded(10);
    save_as_before(1, "1234");
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1234", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(ask_number("HLEN p:{lobby}:sizes"), 1);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "123", NULL), ERROR_NONE);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1", NULL), ERROR_ROOM_FULL);
    message_store_free(bounded);
}
END_TEST

START_TEST(test_redis_store__counts_what_others_save_in_between)
{
    struct message_store *bounded = open_bounded(15);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1234", NULL), ERROR_NONE);
    save_as_before(1, "1");
    ck_assert_int_eq(try_save_in(bounded, "lobby", "12345678", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "123", NULL), ERROR_NONE);
    save_as_before(2, "");
    ck_assert_int_eq(try_save_in(bounded, "lobby", "12", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1", NULL), ERROR_NONE);
    ck_assert_uint_eq(count(), 5);
    message_store_free(bounded);
}
END_TEST

START_TEST(test_redis_store__lost_sizes_are_measured_again)
{
    struct message_store *bounded = open_bounded(10);
    char text[] = "12";
    struct draft draft = {.text = text, .text_len = 2, .ttl_ms = 50};
    struct message *message = NULL;
    ck_assert_int_eq(message_store_save(bounded, "lobby", &draft, NULL, &message, NULL),
                     ERROR_NONE);
    message_release(message);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "12345678", NULL), ERROR_NONE);
    send_command("DEL p:{lobby}:sizes");
    uint64_t late_ms = now_ms() + RECOVERY_MS;
    while (try_save_in(bounded, "lobby", "12", NULL) == ERROR_ROOM_FULL)
        ck_assert_uint_lt(now_ms(), late_ms);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(ask_number("HLEN p:{lobby}:sizes"), 2);
    message_store_free(bounded);
}
END_TEST

/* More than one call of the script measures. */
START_TEST(test_redis_store__a_large_room_is_measured_in_parts)
{
    enum { LARGE = 60000, COUNT = 40 };
    char *large = calloc(1, LARGE + 1);
    memset(large, 'x', LARGE);
    for (int i = 1; i <= COUNT; i++)
        save_as_before(i, large);
    struct message_store *bounded = open_bounded(COUNT * (LARGE + 3) + 1);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "12", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_save_in(bounded, "lobby", "1", NULL), ERROR_NONE);
    message_store_free(bounded);
    free(large);
}
END_TEST

/* What is left behind */

START_TEST(test_redis_store__nothing_outlives_the_messages)
{
    char text[] = "short";
    struct draft draft = {.text = text, .text_len = 5, .ttl_ms = 50};
    for (int i = 0; i < 2; i++) {
        struct message *message = NULL;
        ck_assert_int_eq(
            message_store_save(store, "lobby", &draft, i ? "key" : NULL, &message, NULL),
            ERROR_NONE);
        message_release(message);
    }
    uint64_t late_ms = now_ms() + RECOVERY_MS;
    while (ask_number("DBSIZE") > 0)
        ck_assert_uint_lt(now_ms(), late_ms);
}
END_TEST

START_TEST(test_redis_store__index_forgets_the_expired)
{
    char text[] = "short";
    struct draft draft = {.text = text, .text_len = 5, .ttl_ms = 1};
    for (int i = 0; i < 100; i++) {
        struct message *message = NULL;
        ck_assert_int_eq(message_store_save(store, "lobby", &draft, NULL, &message, NULL),
                         ERROR_NONE);
        message_release(message);
    }
    save("long");
    struct message_list list = {0};
    while (message_store_list(store, "lobby", &list, NULL) == ERROR_NONE && list.count > 1)
        message_list_fini(&list);
    message_list_fini(&list);
    send_command("HSET p:{lobby}:event sums 0"); /* so that it does not wait for a second */
    save("longer");
    ck_assert_int_eq(ask_number("ZCARD p:{lobby}:index"), 2);
    ck_assert_int_eq(ask_number("HLEN p:{lobby}:sizes"), 2);
}
END_TEST

/* How many calls of `command` the server counts since the last CONFIG RESETSTAT. */
static unsigned calls_of(const char *command)
{
    redisReply *reply = redis_server_command(server, "INFO commandstats");
    char name[64];
    unsigned calls = 0;
    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const char *at = strstr(reply->str, name);
    if (at)
        ck_assert_int_eq(sscanf(at + strlen(name), "%u", &calls), 1);
    freeReplyObject(reply);
    return calls;
}

START_TEST(test_redis_store__each_call_is_one_round_trip)
{
    struct message *message = NULL;
    save("warm");
    count();
    ck_assert_int_eq(
        message_store_find(store, "lobby", "00000000000000000000000000000000", &message, NULL),
        ERROR_MESSAGE_NOT_FOUND);
    send_command("CONFIG RESETSTAT");
    for (int i = 0; i < 10; i++) {
        save("x");
        count();
        ck_assert_int_eq(
            message_store_find(store, "lobby", "00000000000000000000000000000000", &message, NULL),
            ERROR_MESSAGE_NOT_FOUND);
    }
    ck_assert_uint_eq(calls_of("evalsha"), 30);
    ck_assert_uint_eq(calls_of("script|load"), 0);
    ck_assert_uint_eq(calls_of("eval"), 0);
    ck_assert_uint_eq(calls_of("ping"), 0);
    ck_assert_uint_eq(calls_of("set"), 10); /* inside save.lua */
    ck_assert_uint_eq(calls_of("get"), 10); /* inside find.lua */
    ck_assert_uint_eq(calls_of("keys"), 0);
    ck_assert_uint_eq(calls_of("scan"), 0);
}
END_TEST

/* What breaks */

START_TEST(test_redis_store__flushed_scripts_are_loaded_again)
{
    save("1");
    ck_assert_uint_eq(count(), 1);
    send_command("SCRIPT FLUSH");
    save("2");
    send_command("SCRIPT FLUSH");
    ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(test_redis_store__killed_connections_are_replaced)
{
    save("1");
    send_command("CLIENT KILL TYPE normal SKIPME yes");
    save("2");
    send_command("CLIENT KILL TYPE normal SKIPME yes");
    ck_assert_uint_eq(count(), 2);
    send_command("CLIENT KILL TYPE normal SKIPME yes");
    ck_assert_int_eq(message_store_check(store, NULL), ERROR_NONE);
}
END_TEST

START_TEST(test_redis_store__restart_keeps_the_messages)
{
    server = redis_server_start(&(struct redis_server_options){.appendonly = true});
    store = open_more("p", 2);
    save("1");
    redis_server_restart(server);
    save("2");
    ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(test_redis_store__stopped_server_is_unavailable_at_once)
{
    struct error err = {0};
    save("1");
    redis_server_stop(server);
    uint64_t began_ms = now_ms();
    ck_assert_int_eq(try_save("2", &err), ERROR_UNAVAILABLE);
    ck_assert_uint_eq(err.retry_after_s, 1);
    ck_assert_int_eq(try_save("2", NULL), ERROR_UNAVAILABLE);
    ck_assert_int_eq(message_store_check(store, NULL), ERROR_UNAVAILABLE);
    ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    redis_server_restart(server);
    await_recovery();
    save("3");
}
END_TEST

START_TEST(test_redis_store__server_that_was_never_there_is_unavailable)
{
    struct message_store *nowhere = open_url("unix:///nonexistent/redis.sock", "p", 1);
    struct error err = {0};
    ck_assert_int_eq(message_store_check(nowhere, &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "cannot connect"));
    message_store_free(nowhere);
    nowhere = open_url("redis://127.0.0.1:1", "p", 1);
    ck_assert_int_eq(message_store_check(nowhere, NULL), ERROR_UNAVAILABLE);
    message_store_free(nowhere);
}
END_TEST

START_TEST(test_redis_store__is_up_until_a_call_says_otherwise)
{
    struct message_store_metrics metrics;
    save("1");
    redis_server_stop(server);
    message_store_metrics(store, &metrics);
    ck_assert(metrics.up);
    ck_assert_int_eq(try_save("2", NULL), ERROR_UNAVAILABLE);
    uint64_t began_ms = now_ms();
    message_store_metrics(store, &metrics);
    ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    ck_assert(!metrics.up);
    ck_assert_uint_eq(metrics.calls[MESSAGE_STORE_SAVE].outcomes[ERROR_UNAVAILABLE], 1);
    ck_assert_uint_eq(metrics.calls[MESSAGE_STORE_SAVE].durations.count, 1);
    redis_server_restart(server);
    message_store_metrics(store, &metrics);
    ck_assert(!metrics.up);
    await_recovery();
    message_store_metrics(store, &metrics);
    ck_assert(metrics.up);
}
END_TEST

static void assert_times_out(void)
{
    uint64_t began_ms = now_ms();
    ck_assert_int_eq(try_save("x", NULL), ERROR_TIMEOUT);
    uint64_t took_ms = now_ms() - began_ms;
    ck_assert_uint_ge(took_ms + 1, TIMEOUT_MS);
    ck_assert_uint_le(took_ms, TIMEOUT_MS + SLACK_MS);
}

START_TEST(test_redis_store__silent_server_is_a_timeout)
{
    save("1");
    redis_server_pause(server);
    assert_times_out();
    uint64_t began_ms = now_ms();
    struct error err = {0};
    ck_assert_int_eq(try_save("x", &err), ERROR_UNAVAILABLE); /* the breaker is open */
    ck_assert_uint_eq(err.retry_after_s, 1);
    ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    redis_server_resume(server);
    await_recovery();
    save("2");
}
END_TEST

/* Points `link` to the socket of `to`. */
static void lead_to(const char *link, const struct redis_server *to)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(to, "", "", url);
    unlink(link);
    ck_assert_int_eq(symlink(url + strlen("unix://"), link), 0);
}

/* As where the network swallows connections that were kept alive: the way to the server is open,
 * but not over them. */
START_TEST(test_redis_store__silent_kept_connection_is_replaced_within_the_timeout)
{
    char url[REDIS_SERVER_URL_SIZE + 8];
    redis_server_url(server, "", "", url);
    strcat(url, ".link");
    const char *link = url + strlen("unix://");
    struct redis_server *other = redis_server_start(&(struct redis_server_options){0});
    lead_to(link, server);
    struct message_store *moving = open_url(url, "p", 2);
    ck_assert_int_eq(try_save_in(moving, "lobby", "1", NULL), ERROR_NONE);
    redis_server_pause(server);
    lead_to(link, other);
    uint64_t began_ms = now_ms();
    ck_assert_int_eq(try_save_in(moving, "lobby", "2", NULL), ERROR_NONE);
    ck_assert_uint_ge(now_ms() - began_ms, TIMEOUT_MS / 2);
    began_ms = now_ms();
    ck_assert_uint_eq(count_in(moving, "lobby"), 1);
    ck_assert_uint_le(now_ms() - began_ms, TIMEOUT_MS / 2 + SLACK_MS);
    redis_server_resume(server);
    message_store_free(moving);
    redis_server_free(other);
    unlink(link);
}
END_TEST

/* Since the last CONFIG RESETSTAT, with the one that asks. */
static long long connections_made(void)
{
    redisReply *reply = redis_server_command(server, "INFO stats");
    const char *name = "total_connections_received:";
    long long made = 0;
    ck_assert_int_eq(sscanf(strstr(reply->str, name) + strlen(name), "%lld", &made), 1);
    freeReplyObject(reply);
    return made;
}

static uint64_t fake_us = 1000000000;

static uint64_t fake_time_us(const struct clock *clock)
{
    (void)clock;
    return fake_us;
}

START_TEST(test_redis_store__connection_idle_for_long_is_closed)
{
    static const struct clock fake = {.monotonic_us = fake_time_us, .wall_us = fake_time_us};
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, "", "", url);
    struct message_store_config config = {
        .url = url,
        .prefix = "p",
        .timeout_ms = TIMEOUT_MS,
        .room_max_messages = 10,
        .room_max_bytes = 1000,
        .connections = 2,
        .clock = &fake,
    };
    struct message_store *idle = NULL;
    ck_assert_int_eq(message_store_open(&config, &idle, NULL), ERROR_NONE);
    long long before = connections_made();
    ck_assert_int_eq(message_store_check(idle, NULL), ERROR_NONE);
    fake_us += 30u * 1000 * 1000 - 1;
    ck_assert_int_eq(message_store_check(idle, NULL), ERROR_NONE);
    long long kept = connections_made() - before;
    fake_us += 30u * 1000 * 1000;
    ck_assert_int_eq(message_store_check(idle, NULL), ERROR_NONE);
    ck_assert_int_eq(connections_made() - before, kept + 2);
    message_store_free(idle);
}
END_TEST

START_TEST(test_redis_store__silent_server_is_a_timeout_on_a_new_connection)
{
    redis_server_pause(server);
    assert_times_out();
    redis_server_resume(server);
    await_recovery();
    save("2");
}
END_TEST

START_TEST(test_redis_store__silent_server_does_not_answer_the_next_call_with_the_last)
{
    save("1");
    redis_server_pause(server);
    ck_assert_int_eq(message_store_check(store, NULL), ERROR_TIMEOUT);
    redis_server_resume(server);
    await_recovery();
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(test_redis_store__full_memory_is_unavailable_and_changes_nothing)
{
    save("1");
    long long keys = ask_number("DBSIZE");
    send_command("CONFIG SET maxmemory-policy noeviction");
    send_command("CONFIG SET maxmemory 1");
    struct error err = {0};
    char text[] = "2";
    struct draft draft = {.text = text, .text_len = 1, .ttl_ms = TTL_MS};
    struct message *message = NULL;
    ck_assert_int_eq(message_store_save(store, "lobby", &draft, "key", &message, &err),
                     ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "OOM"));
    ck_assert_uint_eq(err.retry_after_s, 1);
    ck_assert_uint_eq(count(), 1); /* reading goes on */
    ck_assert_int_eq(ask_number("DBSIZE"), keys);
    ck_assert_int_eq(ask_number("ZCARD p:{lobby}:index"), 1);
    send_command("CONFIG SET maxmemory 0");
    save("3"); /* an answer is an answer: the breaker stayed closed */
}
END_TEST

START_TEST(test_redis_store__full_memory_refuses_though_something_expired)
{
    send_command("CONFIG SET maxmemory-policy noeviction");
    save("1");
    send_command("ZADD p:{lobby}:index 1 11111111111111111111111111111111");
    send_command("CONFIG SET maxmemory 1");
    ck_assert_int_eq(try_save("2", NULL), ERROR_UNAVAILABLE);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(test_redis_store__read_only_server_is_unavailable_for_saving)
{
    save("1");
    send_command("REPLICAOF 127.0.0.1 1");
    struct error err = {0};
    ck_assert_int_eq(try_save("2", &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "READONLY"));
    send_command("REPLICAOF NO ONE");
    save("3");
    ck_assert_uint_eq(count(), 2);
}
END_TEST

/* Signing in */

static const char secret[] = "s3cret";

static void start_with_password(void)
{
    server = redis_server_start(&(struct redis_server_options){.tcp = true, .password = secret});
}

static enum error_code check_as(const char *userinfo, const char *db, struct error *err)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, userinfo, db, url);
    struct message_store *opened = open_url(url, "p", 1);
    enum error_code code = message_store_check(opened, err);
    message_store_free(opened);
    return code;
}

START_TEST(test_redis_store__password_alone_signs_in)
{
    ck_assert_int_eq(check_as(":s3cret@", "", NULL), ERROR_NONE);
}
END_TEST

START_TEST(test_redis_store__user_and_password_sign_in)
{
    send_command("ACL SETUSER ada on >p@ss ~* &* +@all");
    ck_assert_int_eq(check_as("ada:p%40ss@", "", NULL), ERROR_NONE);
    ck_assert_int_eq(check_as("eve:p%40ss@", "", NULL), ERROR_UNAVAILABLE);
}
END_TEST

START_TEST(test_redis_store__wrong_password_is_unavailable_and_not_revealed)
{
    struct error err = {0};
    ck_assert_int_eq(check_as(":wr0ng@", "", &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "WRONGPASS"));
    ck_assert_ptr_null(strstr(err.cause, "wr0ng"));
    ck_assert_str_eq(err.detail, "");
}
END_TEST

START_TEST(test_redis_store__no_password_where_one_is_needed_is_unavailable)
{
    struct error err = {0};
    ck_assert_int_eq(check_as("", "", &err), ERROR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.cause, "NOAUTH"));
}
END_TEST

START_TEST(test_redis_store__database_comes_from_the_url)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, ":s3cret@", "/3", url);
    struct message_store *third = open_url(url, "p", 1);
    redis_server_url(server, ":s3cret@", "", url);
    struct message_store *first = open_url(url, "p", 1);
    ck_assert_int_eq(try_save_in(third, "lobby", "x", NULL), ERROR_NONE);
    ck_assert_uint_eq(count_in(third, "lobby"), 1);
    ck_assert_uint_eq(count_in(first, "lobby"), 0);
    ck_assert_int_eq(check_as(":s3cret@", "/9999", NULL), ERROR_UNAVAILABLE);
    message_store_free(third);
    message_store_free(first);
}
END_TEST

/* Many threads */

enum { THREADS = 8, ROUNDS = 20 };

struct caller {
    pthread_t thread;
    unsigned codes[ERROR_COUNT];
    uint64_t longest_ms;
};

static void *call_often(void *argument)
{
    struct caller *caller = argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began_ms = now_ms();
        caller->codes[try_save_in(store, "busy", "x", NULL)]++;
        uint64_t took_ms = now_ms() - began_ms;
        if (took_ms > caller->longest_ms)
            caller->longest_ms = took_ms;
    }
    return NULL;
}

static void start_callers(struct caller callers[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){0};
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
}

/* How often all threads together got `code`. */
static unsigned join_callers(struct caller callers[THREADS], enum error_code code)
{
    unsigned sum = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_le(callers[i].longest_ms, 2 * TIMEOUT_MS + SLACK_MS);
        sum += callers[i].codes[code];
    }
    return sum;
}

START_TEST(test_redis_store__connections_are_at_most_as_many_as_allowed)
{
    struct caller callers[THREADS];
    send_command("CONFIG RESETSTAT");
    start_callers(callers);
    ck_assert_uint_eq(join_callers(callers, ERROR_NONE), THREADS * ROUNDS);
    ck_assert_int_le(connections_made(), 2 + 1); /* and the one that asks */
    ck_assert_uint_eq(count_in(store, "busy"), THREADS * ROUNDS);
}
END_TEST

START_TEST(test_redis_store__silent_server_holds_up_no_thread_for_long)
{
    struct caller callers[THREADS];
    save("1");
    redis_server_pause(server);
    start_callers(callers);
    ck_assert_uint_eq(join_callers(callers, ERROR_NONE), 0);
    redis_server_resume(server);
    await_recovery();
}
END_TEST

START_TEST(test_redis_store__threads_survive_killed_connections)
{
    struct caller callers[THREADS];
    start_callers(callers);
    for (int i = 0; i < 5; i++)
        send_command("CLIENT KILL TYPE normal SKIPME yes");
    unsigned saved = join_callers(callers, ERROR_NONE);
    await_recovery();
    /* A save whose answer was lost may have been carried out; one that was answered was, once. */
    ck_assert_uint_ge(count_in(store, "busy"), saved);
    ck_assert_uint_le(count_in(store, "busy"), THREADS * ROUNDS);
}
END_TEST

static Suite *redis_store_suite(void)
{
    Suite *suite = suite_create("redis_store");
    TCase *tests = tcase_create("redis");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_redis_store__two_stores_see_each_other);
    tcase_add_test(tests, test_redis_store__prefixes_are_apart);
    tcase_add_test(tests, test_redis_store__list_of_any_length_is_whole);
    tcase_add_test(tests, test_redis_store__large_room_comes_in_pieces);
    tcase_add_test(tests, test_redis_store__messages_that_end_together_are_listed_once);
    tcase_add_test(tests, test_redis_store__list_is_of_one_moment);
    tcase_add_test(tests, test_redis_store__same_id_is_one_message);
    tcase_add_test(tests, test_redis_store__foreign_values_hide_nothing);
    tcase_add_test(tests, test_redis_store__key_of_another_type_is_unavailable);
    tcase_add_test(tests, test_redis_store__save_publishes_the_message);
    tcase_add_test(tests, test_redis_store__time_does_not_go_back_under_a_message);
    tcase_add_test(tests, test_redis_store__empty_room_does_not_keep_a_time_ahead);
    tcase_add_test(tests, test_redis_store__ended_message_does_not_come_back);
    tcase_add_test(tests, test_redis_store__missing_right_leaves_nothing_behind);
    tcase_add_test(tests, test_redis_store__check_leaves_nothing_behind);
    tcase_add_test(tests, test_redis_store__check_needs_what_a_save_needs);
    tcase_add_test(tests, test_redis_store__nothing_outlives_the_messages);
    tcase_add_test(tests, test_redis_store__index_forgets_the_expired);
    tcase_add_test(tests, test_redis_store__measures_what_has_no_size);
    tcase_add_test(tests, test_redis_store__counts_what_others_save_in_between);
    tcase_add_test(tests, test_redis_store__lost_sizes_are_measured_again);
    tcase_add_test(tests, test_redis_store__a_large_room_is_measured_in_parts);
    tcase_add_test(tests, test_redis_store__each_call_is_one_round_trip);
    tcase_add_test(tests, test_redis_store__flushed_scripts_are_loaded_again);
    tcase_add_test(tests, test_redis_store__killed_connections_are_replaced);
    tcase_add_test(tests, test_redis_store__stopped_server_is_unavailable_at_once);
    tcase_add_test(tests, test_redis_store__is_up_until_a_call_says_otherwise);
    tcase_add_test(tests, test_redis_store__server_that_was_never_there_is_unavailable);
    tcase_add_test(tests, test_redis_store__silent_server_is_a_timeout);
    tcase_add_test(tests, test_redis_store__silent_server_is_a_timeout_on_a_new_connection);
    tcase_add_test(tests, test_redis_store__silent_kept_connection_is_replaced_within_the_timeout);
    tcase_add_test(tests, test_redis_store__connection_idle_for_long_is_closed);
    tcase_add_test(tests,
                   test_redis_store__silent_server_does_not_answer_the_next_call_with_the_last);
    tcase_add_test(tests, test_redis_store__full_memory_is_unavailable_and_changes_nothing);
    tcase_add_test(tests, test_redis_store__full_memory_refuses_though_something_expired);
    tcase_add_test(tests, test_redis_store__read_only_server_is_unavailable_for_saving);
    tcase_add_test(tests, test_redis_store__connections_are_at_most_as_many_as_allowed);
    tcase_add_test(tests, test_redis_store__silent_server_holds_up_no_thread_for_long);
    tcase_add_test(tests, test_redis_store__threads_survive_killed_connections);
    suite_add_tcase(suite, tests);
    return suite;
}

static void add_own_servers(Suite *suite)
{
    TCase *durable = tcase_create("durable");
    tcase_set_timeout(durable, 30);
    tcase_add_checked_fixture(durable, NULL, teardown);
    tcase_add_test(durable, test_redis_store__restart_keeps_the_messages);
    suite_add_tcase(suite, durable);
    TCase *password = tcase_create("password");
    tcase_set_timeout(password, 30);
    tcase_add_checked_fixture(password, start_with_password, teardown);
    tcase_add_test(password, test_redis_store__password_alone_signs_in);
    tcase_add_test(password, test_redis_store__user_and_password_sign_in);
    tcase_add_test(password, test_redis_store__wrong_password_is_unavailable_and_not_revealed);
    tcase_add_test(password, test_redis_store__no_password_where_one_is_needed_is_unavailable);
    tcase_add_test(password, test_redis_store__database_comes_from_the_url);
    suite_add_tcase(suite, password);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    redis_server_begin();
    Suite *suite = redis_store_suite();
    add_own_servers(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    redis_server_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
