/*
 * Watching a Redis that fails, stops, restarts, forgets or publishes malformed messages: each test
 * has a real redis-server of its own. The contract of all backends is in test_message_watch.c.
 */
#include "message_store.h"

#include "recorder.h"
#include "redis_server.h"
#include "redis_subscriber_link.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TTL_MS = 60000,
    TIMEOUT_MS = 300,
    AT_ONCE_MS = 200, /* for what does not wait for anything */
    SLACK_MS = 1500,  /* that a busy machine may add to a bound */
    WRITERS = 8,
    ROUNDS = 40,
    ROOM_MAX_BYTES = 64 << 20,
};

static struct redis_server *server;
static struct message_store *store;
static struct recorder recorder;

static struct message_store *open_at(const char *userinfo, const char *db)
{
    char url[REDIS_SERVER_URL_SIZE];
    redis_server_url(server, userinfo, db, url);
    struct message_store_config config = {
        .url = url,
        .prefix = "p",
        .timeout_ms = TIMEOUT_MS,
        .room_max_messages = 100000,
        .room_max_bytes = ROOM_MAX_BYTES,
        .connections = 2,
        .clock = &clock_system,
    };
    struct message_store *opened = NULL;
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_NONE);
    return opened;
}

static struct message_store *open_as(const char *userinfo)
{
    return open_at(userinfo, "");
}

static void listen_to(struct message_store *opened, struct recorder *by)
{
    struct message_store_listener listener = recorder_listener(by);
    message_store_listen(opened, &listener);
}

static void start(const struct redis_server_options *options)
{
    server = redis_server_start(options);
    recorder_init(&recorder);
    store = open_as("");
    listen_to(store, &recorder);
}

static void setup(void)
{
    start(&(struct redis_server_options){0});
}

static void setup_durable(void)
{
    start(&(struct redis_server_options){.appendonly = true});
}

static void setup_tcp(void)
{
    start(&(struct redis_server_options){.tcp = true});
}

static void teardown(void)
{
    message_store_free(store);
    recorder_fini(&recorder);
    redis_server_free(server);
}

static void send_command(const char *command)
{
    redisReply *reply = redis_server_command(server, command);
    ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static void publish(const char *room, const char *payload, size_t len)
{
    char channel[ROOM_NAME_SIZE + 16];
    snprintf(channel, sizeof channel, "p:{%s}:events", room);
    freeReplyObject(redis_server_command(server, "PUBLISH %s %b", channel, payload, len));
}

/* How many of the server's connections have this kind. */
static size_t connections(const char *kind)
{
    redisReply *reply = redis_server_command(server, "CLIENT LIST TYPE %s", kind);
    size_t lines = 0;
    for (const char *at = reply->str; (at = strchr(at, '\n')); at++)
        lines++;
    freeReplyObject(reply);
    return lines;
}

static size_t channels(void)
{
    redisReply *reply = redis_server_command(server, "PUBSUB CHANNELS");
    size_t count = reply->elements;
    freeReplyObject(reply);
    return count;
}

static uint64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

/* Asks again and again, with a deadline, until the size is the wanted one. */
static void await_size(size_t (*ask)(void), size_t wanted)
{
    uint64_t late_ms = now_ms() + 10000;
    while (ask() != wanted) {
        ck_assert_uint_lt(now_ms(), late_ms);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}

static size_t subscribers(void)
{
    return connections("pubsub");
}

static void save(const char *room, const char *text)
{
    struct draft draft = {
        .text = (char *)(uintptr_t)text, .text_len = strlen(text), .ttl_ms = TTL_MS};
    struct message *message = NULL;
    uint64_t late_ms = now_ms() + 10000;
    while (message_store_save(store, room, &draft, NULL, &message, NULL)) {
        ck_assert_uint_lt(now_ms(), late_ms); /* the breaker may need a moment */
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    message_release(message);
}

static void watch(const char *room)
{
    size_t synced = recorder_count(&recorder, RECORD_SYNCED, room);
    ck_assert(message_store_watch(store, room));
    recorder_await(&recorder, RECORD_SYNCED, room, synced + 1);
}

/* Two stores, one connection each */

START_TEST(test_redis_watch__two_stores_hear_each_other)
{
    struct recorder others;
    recorder_init(&others);
    struct message_store *mine = store, *other = open_as("");
    listen_to(other, &others);
    watch("lobby");
    ck_assert(message_store_watch(other, "lobby"));
    recorder_await(&others, RECORD_SYNCED, "lobby", 1);
    save("lobby", "mine");
    store = other;
    save("lobby", "yours");
    store = mine;
    recorder_await_view(&recorder, "lobby", 2);
    recorder_await_view(&others, "lobby", 2);
    struct room_view here = recorder_view(&recorder, "lobby");
    struct room_view there = recorder_view(&others, "lobby");
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(here.messages[i]->json, there.messages[i]->json);
    ck_assert_uint_eq(here.position.number, there.position.number);
    ck_assert_uint_eq(here.position.epoch, there.position.epoch);
    room_view_fini(&here);
    room_view_fini(&there);
    message_store_free(other);
    recorder_fini(&others);
}
END_TEST

START_TEST(test_redis_watch__all_rooms_share_one_connection)
{
    watch("a");
    watch("b");
    watch("c");
    ck_assert_uint_eq(subscribers(), 1);
    ck_assert_uint_eq(channels(), 3);
}
END_TEST

START_TEST(test_redis_watch__no_room_needs_no_connection)
{
    ck_assert_int_eq(message_store_check(store, NULL), ERROR_NONE);
    ck_assert_uint_eq(subscribers(), 0);
    watch("a");
    watch("b");
    message_store_unwatch(store, "a");
    message_store_unwatch(store, "b");
    await_size(subscribers, 0);
    watch("a");
    ck_assert_uint_eq(subscribers(), 1);
}
END_TEST

START_TEST(test_redis_watch__left_rooms_are_unsubscribed)
{
    watch("a");
    watch("b");
    message_store_unwatch(store, "a");
    await_size(channels, 1);
}
END_TEST

/* Connections that break */

START_TEST(test_redis_watch__killed_connection_is_made_up_for)
{
    watch("lobby");
    save("lobby", "before");
    recorder_await_view(&recorder, "lobby", 1);
    send_command("CLIENT KILL TYPE pubsub");
    save("lobby", "meanwhile");
    recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", 1);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    recorder_await_view(&recorder, "lobby", 2);
    save("lobby", "after");
    recorder_await_view(&recorder, "lobby", 3);
}
END_TEST

static void *write_messages(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++)
        save("busy", "x");
    return NULL;
}

START_TEST(test_redis_watch__connections_killed_under_writes_lose_nothing)
{
    pthread_t writers[WRITERS];
    watch("busy");
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, write_messages, NULL);
    for (unsigned i = 0; i < 4; i++) {
        send_command("CLIENT KILL TYPE pubsub");
        recorder_await(&recorder, RECORD_SYNCED, "busy", i + 2);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    recorder_await_view(&recorder, "busy", WRITERS * ROUNDS);
}
END_TEST

START_TEST(test_redis_watch__killed_command_connection_is_replaced)
{
    watch("a");
    send_command("CLIENT KILL TYPE normal SKIPME yes");
    watch("b");
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_UNREACHABLE, NULL), 0);
}
END_TEST

START_TEST(test_redis_watch__restarted_server_is_heard_again)
{
    watch("lobby");
    save("lobby", "before");
    recorder_await_view(&recorder, "lobby", 1);
    redis_server_restart(server);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    save("lobby", "after");
    recorder_await_view(&recorder, "lobby", 2);
    struct room_view view = recorder_view(&recorder, "lobby");
    ck_assert_str_eq(view.messages[0]->text, "before");
    ck_assert_str_eq(view.messages[1]->text, "after");
    room_view_fini(&view);
}
END_TEST

START_TEST(test_redis_watch__absent_server_is_unreachable_until_it_comes)
{
    redis_server_stop(server);
    uint64_t began_ms = now_ms();
    ck_assert(message_store_watch(store, "lobby"));
    recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", 1);
    ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    redis_server_restart(server);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
}
END_TEST

START_TEST(test_redis_watch__each_watch_of_an_absent_server_is_answered_at_once)
{
    redis_server_stop(server);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t began_ms = now_ms();
        size_t before = recorder_count(&recorder, RECORD_UNREACHABLE, "lobby");
        ck_assert(message_store_watch(store, "lobby"));
        recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", before + 1);
        ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    }
}
END_TEST

START_TEST(test_redis_watch__silent_server_is_noticed)
{
    watch("lobby");
    redis_server_pause(server);
    uint64_t began_ms = now_ms();
    recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", 1);
    ck_assert_uint_le(now_ms() - began_ms,
                      REDIS_SUBSCRIBER_LINK_PING_US / 1000 + TIMEOUT_MS + SLACK_MS);
    redis_server_resume(server);
    size_t synced = recorder_count(&recorder, RECORD_SYNCED, "lobby");
    save("lobby", "after");
    recorder_await(&recorder, RECORD_SYNCED, "lobby", synced + 1);
    recorder_await_view(&recorder, "lobby", 1);
}
END_TEST

START_TEST(test_redis_watch__server_that_does_not_answer_is_unreachable)
{
    redis_server_pause(server);
    uint64_t began_ms = now_ms();
    ck_assert(message_store_watch(store, "lobby"));
    recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", 1);
    ck_assert_uint_le(now_ms() - began_ms, TIMEOUT_MS + SLACK_MS);
    redis_server_resume(server);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
}
END_TEST

START_TEST(test_redis_watch__short_pause_cuts_nothing)
{
    watch("lobby");
    redis_server_pause(server);
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* for it to be one at all */
    redis_server_resume(server);
    save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_UNREACHABLE, NULL), 0);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 1);
}
END_TEST

START_TEST(test_redis_watch__ends_at_once_though_the_server_is_silent)
{
    struct recorder others;
    recorder_init(&others);
    struct message_store *other = open_as("");
    listen_to(other, &others);
    redis_server_pause(server);
    ck_assert(message_store_watch(other, "lobby"));
    uint64_t began_ms = now_ms();
    message_store_free(other);
    ck_assert_uint_le(now_ms() - began_ms, AT_ONCE_MS);
    recorder_fini(&others);
    redis_server_resume(server);
}
END_TEST

START_TEST(test_redis_watch__list_that_is_refused_is_tried_again)
{
    send_command("SET p:{broken}:index x");
    ck_assert(message_store_watch(store, "broken"));
    recorder_await(&recorder, RECORD_UNREACHABLE, "broken", 2);
    watch("lobby"); /* which it does not hold up */
    save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 1);
    send_command("DEL p:{broken}:index");
    recorder_await(&recorder, RECORD_SYNCED, "broken", 1);
    save("broken", "x");
    recorder_await_view(&recorder, "broken", 1);
}
END_TEST

START_TEST(test_redis_watch__forbidden_channels_are_unreachable)
{
    send_command("ACL SETUSER ada on >pass ~* resetchannels +@all");
    struct recorder others;
    recorder_init(&others);
    struct message_store *other = open_as("ada:pass@");
    listen_to(other, &others);
    ck_assert(message_store_watch(other, "lobby"));
    recorder_await(&others, RECORD_UNREACHABLE, "lobby", 2);
    send_command("ACL SETUSER ada &*");
    recorder_await(&others, RECORD_SYNCED, "lobby", 1);
    message_store_free(other);
    recorder_fini(&others);
}
END_TEST

static void limit_output(const char *limit)
{
    redisReply *reply =
        redis_server_command(server, "CONFIG SET client-output-buffer-limit %s", limit);
    ck_assert_int_eq(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

START_TEST(test_redis_watch__databases_are_apart)
{
    struct recorder others;
    recorder_init(&others);
    struct message_store *first = store, *third = open_at("", "/3");
    listen_to(third, &others);
    watch("lobby");
    ck_assert(message_store_watch(third, "lobby"));
    recorder_await(&others, RECORD_SYNCED, "lobby", 1);
    save("lobby", "in the first");
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    store = third;
    save("lobby", "in the third");
    store = first;
    struct record added = recorder_await(&others, RECORD_ADDED, "lobby", 1);
    ck_assert_str_eq(added.messages[0]->text, "in the third");
    save("lobby", "in the first again");
    recorder_await_view(&recorder, "lobby", 2);
    recorder_await_view(&others, "lobby", 1);
    message_store_free(third);
    recorder_fini(&others);
}
END_TEST

START_TEST(test_redis_watch__too_slow_a_reader_is_made_up_for)
{
    enum { LEN = 200 * 1024 };
    char *text = calloc(1, LEN + 1);
    memset(text, 'x', LEN);
    watch("lobby");
    limit_output("pubsub 65536 0 0");
    save("lobby", text);
    recorder_await(&recorder, RECORD_UNREACHABLE, "lobby", 1);
    recorder_await_view(&recorder, "lobby", 1);
    save("lobby", "after");
    recorder_await_view(&recorder, "lobby", 2);
    free(text);
}
END_TEST

/* A store that forgets */

START_TEST(test_redis_watch__emptied_store_begins_a_new_epoch)
{
    watch("lobby");
    save("lobby", "before");
    recorder_await_view(&recorder, "lobby", 1);
    struct room_view before = recorder_view(&recorder, "lobby");
    send_command("FLUSHALL");
    save("lobby", "after");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 1);
    ck_assert_str_eq(synced.messages[0]->text, "after");
    ck_assert_uint_ne(synced.position.epoch, before.position.epoch);
    save("lobby", "more");
    recorder_await(&recorder, RECORD_ADDED, "lobby", 2);
    room_view_fini(&before);
}
END_TEST

START_TEST(test_redis_watch__emptied_store_is_seen_by_the_next_watch)
{
    save("lobby", "before");
    watch("lobby");
    send_command("FLUSHALL");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 0);
    ck_assert_uint_eq(synced.position.epoch, 0);
    ck_assert_uint_eq(synced.position.number, 0);
}
END_TEST

/* Foreign publications */

static uint64_t redis_ms(void)
{
    return clock_wall_us(&clock_system) / 1000;
}

/* Publishes what save.lua would, without saving it. */
static void publish_forged(const char *room, uint64_t number, uint64_t epoch, uint64_t created_ms,
                           uint64_t ttl_ms)
{
    char payload[512];
    int len = snprintf(payload, sizeof payload,
                       "%" PRIu64 " %" PRIu64 " {\"id\":\"%032" PRIx64 "\",\"room\":\"%s\","
                       "\"message\":\"forged\",\"created_at\":%" PRIu64 ",\"expires_at\":%" PRIu64
                       ",\"number\":%" PRIu64 ",\"epoch\":%" PRIu64 "}",
                       number, epoch, number, room, created_ms, created_ms + ttl_ms, number, epoch);
    publish("lobby", payload, (size_t)len);
}

static struct message_store_position store_position(const char *room)
{
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, room, &list, NULL), ERROR_NONE);
    struct message_store_position position = list.position;
    message_list_fini(&list);
    return position;
}

static const char *const malformed[] = {
    "",
    " ",
    "x",
    "1",
    "1 ",
    "1 1",
    "1 1 ",
    "1 1 x",
    "1 1 {}",
    "0 1 {}",
    "-1 1 {}",
    "99999999999999999 1 {}",
    "99999999999999999999999999999999 1 {}",
    "1 1 []",
    "1 1 {\"id\":1,\"room\":[],\"message\":{},\"created_at\":\"\",\"expires_at\":null}",
    "1 1 {\"id\":\"0123456789abcdef0123456789abcdef\",\"room\":\"lobby\",\"message\":\"x\","
    "\"created_at\":9223372036854775807,\"expires_at\":9223372036854775807,\"number\":1,\"epoch\":"
    "1}",
    "1 1 {\"id\":\"0123456789abcdef0123456789abcdef\",\"room\":\"other\",\"message\":\"x\","
    "\"created_at\":1,\"expires_at\":2,\"number\":1,\"epoch\":1}",
    "2 1 {\"id\":\"0123456789abcdef0123456789abcdef\",\"room\":\"lobby\",\"message\":\"x\","
    "\"created_at\":1,\"expires_at\":2,\"number\":1,\"epoch\":1}",
    "\xff\xfe\xfd",
    "%s%n%s",
};

START_TEST(test_redis_watch__malformed_publication_is_followed_by_a_list)
{
    watch("lobby");
    publish("lobby", malformed[_i], strlen(malformed[_i]));
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_UNREACHABLE, NULL), 0);
}
END_TEST

START_TEST(test_redis_watch__long_publication_with_nul_is_followed_by_a_list)
{
    enum { LEN = 4 * 1024 * 1024 };
    char *payload = calloc(1, LEN);
    watch("lobby");
    publish("lobby", payload, 10);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    memset(payload, '[', LEN);
    memcpy(payload, "1 1 ", 4);
    publish("lobby", payload, LEN);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 3);
    save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 1);
    free(payload);
}
END_TEST

START_TEST(test_redis_watch__forged_number_hides_nothing)
{
    save("lobby", "1");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    publish_forged("lobby", 9999999999999999, synced.position.epoch, redis_ms(), TTL_MS);
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    save("lobby", "2");
    synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 2);
    save("lobby", "3");
    recorder_await_view(&recorder, "lobby", 3);
}
END_TEST

START_TEST(test_redis_watch__forged_time_hides_nothing)
{
    save("lobby", "1");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    uint64_t number = synced.position.number + 1;
    publish_forged("lobby", number, synced.position.epoch, redis_ms() + 3600 * 1000, TTL_MS);
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    save("lobby", "2");
    synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 2);
}
END_TEST

/* A publication tells the number before it; one without that is of a service of the release before.
 */
START_TEST(test_redis_watch__missed_publication_is_made_up_for)
{
    save("lobby", "1");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    struct message_store_position at = synced.position;
    char payload[512];
    int len = snprintf(payload, sizeof payload,
                       "%" PRIu64 " %" PRIu64 " {\"id\":\"%032x\",\"room\":\"lobby\","
                       "\"message\":\"x\",\"created_at\":%" PRIu64 ",\"expires_at\":%" PRIu64
                       ",\"number\":%" PRIu64 ",\"epoch\":%" PRIu64 ",\"previous\":%" PRIu64 "}",
                       at.number + 9, at.epoch, 9u, redis_ms(), redis_ms() + TTL_MS, at.number + 9,
                       at.epoch, at.number + 5);
    publish("lobby", payload, (size_t)len);
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 0);
}
END_TEST

START_TEST(test_redis_watch__no_gap_is_no_reason_to_list)
{
    watch("lobby");
    recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    for (int i = 0; i < 3; i++)
        save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 3);
    struct message_store_position at = store_position("lobby");
    publish_forged("lobby", at.number + 7, at.epoch, redis_ms(), TTL_MS);
    recorder_await(&recorder, RECORD_ADDED, "lobby", 4);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_SYNCED, "lobby"), 1);
}
END_TEST

START_TEST(test_redis_watch__late_message_still_ends_in_time)
{
    save("lobby", "1");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    uint64_t number = synced.position.number + 1000000;
    uint64_t before_us = clock_now_us();
    publish_forged("lobby", number, synced.position.epoch, redis_ms() - 5000, 15000);
    struct record added = recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    uint64_t left_us = added.messages[0]->deadline_us - before_us;
    ck_assert_uint_ge(left_us, (10000 - 5) * 1000);
    ck_assert_uint_le(left_us, (10000 + 100) * 1000);
}
END_TEST

START_TEST(test_redis_watch__message_that_is_over_is_not_added)
{
    save("lobby", "1");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    uint64_t number = synced.position.number + 1000000;
    publish_forged("lobby", number, synced.position.epoch, redis_ms() - 5000, 4000);
    synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 0);
}
END_TEST

START_TEST(test_redis_watch__foreign_channels_are_ignored)
{
    watch("lobby");
    send_command("PUBLISH p:{lobby}:eventsx x");
    send_command("PUBLISH q:{lobby}:events x");
    send_command("PUBLISH p:{other}:events x");
    save("lobby", "x");
    recorder_await_view(&recorder, "lobby", 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_SYNCED, NULL), 1);
}
END_TEST

/* Many rooms */

enum { ROOMS = 500, WATCHERS = 4 };

struct watcher {
    pthread_t thread;
    unsigned seed;
    unsigned counts[ROOMS]; /* how often it watches each now */
};

static void name_room(unsigned i, char ret_name[ROOM_NAME_SIZE])
{
    snprintf(ret_name, ROOM_NAME_SIZE, "room-%u", i);
}

static void *watch_at_random(void *argument)
{
    struct watcher *watcher = argument;
    char room[ROOM_NAME_SIZE];
    for (int i = 0; i < 4000; i++) {
        unsigned at = (unsigned)rand_r(&watcher->seed) % ROOMS;
        name_room(at, room);
        if (watcher->counts[at] && rand_r(&watcher->seed) % 2) {
            watcher->counts[at]--;
            message_store_unwatch(store, room);
        } else {
            watcher->counts[at]++;
            ck_assert(message_store_watch(store, room));
        }
    }
    return NULL;
}

static unsigned sum_at(const struct watcher watchers[WATCHERS], unsigned at)
{
    unsigned sum = 0;
    for (int i = 0; i < WATCHERS; i++)
        sum += watchers[i].counts[at];
    return sum;
}

START_TEST(test_redis_watch__rooms_come_and_go_by_the_hundred)
{
    static struct watcher watchers[WATCHERS];
    for (unsigned i = 0; i < WATCHERS; i++) {
        watchers[i].seed = i + 1;
        pthread_create(&watchers[i].thread, NULL, watch_at_random, &watchers[i]);
    }
    send_command("CLIENT KILL TYPE pubsub");
    for (int i = 0; i < WATCHERS; i++)
        pthread_join(watchers[i].thread, NULL);
    char room[ROOM_NAME_SIZE];
    size_t watched = 0;
    for (unsigned at = 0; at < ROOMS; at += at % 3 + 1) {
        name_room(at, room);
        for (unsigned sum = sum_at(watchers, at); sum; sum--)
            message_store_unwatch(store, room);
        watchers[0].counts[at] = watchers[1].counts[at] = 0;
        watchers[2].counts[at] = watchers[3].counts[at] = 0;
    }
    for (unsigned at = 0; at < ROOMS; at++)
        watched += sum_at(watchers, at) > 0;
    ck_assert_uint_gt(watched, 50);
    await_size(channels, watched);
    for (unsigned at = 0; at < ROOMS; at++) {
        name_room(at, room);
        save(room, "x");
        if (sum_at(watchers, at))
            recorder_await_view(&recorder, room, 1);
    }
    ck_assert_uint_eq(subscribers(), 1);
}
END_TEST

START_TEST(test_redis_watch__thousands_of_rooms_are_made_up_for)
{
    enum { THOUSANDS = 3000 };
    char room[ROOM_NAME_SIZE];
    for (unsigned at = 0; at < THOUSANDS; at++) {
        name_room(at, room);
        ck_assert(message_store_watch(store, room));
    }
    recorder_await(&recorder, RECORD_SYNCED, NULL, THOUSANDS);
    save("room-7", "x");
    recorder_await(&recorder, RECORD_ADDED, "room-7", 1);
    send_command("CLIENT KILL TYPE pubsub");
    recorder_await(&recorder, RECORD_UNREACHABLE, NULL, THOUSANDS);
    recorder_await(&recorder, RECORD_SYNCED, NULL, 2 * THOUSANDS);
    ck_assert_uint_eq(channels(), THOUSANDS);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*setup_function)(void))
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_function, teardown);
    suite_add_tcase(suite, tests);
    return tests;
}

static Suite *redis_watch_suite(void)
{
    Suite *suite = suite_create("redis_watch");
    TCase *tests = add_case(suite, "redis", setup);
    tcase_add_test(tests, test_redis_watch__two_stores_hear_each_other);
    tcase_add_test(tests, test_redis_watch__all_rooms_share_one_connection);
    tcase_add_test(tests, test_redis_watch__no_room_needs_no_connection);
    tcase_add_test(tests, test_redis_watch__left_rooms_are_unsubscribed);
    tcase_add_test(tests, test_redis_watch__killed_connection_is_made_up_for);
    tcase_add_test(tests, test_redis_watch__connections_killed_under_writes_lose_nothing);
    tcase_add_test(tests, test_redis_watch__killed_command_connection_is_replaced);
    tcase_add_test(tests, test_redis_watch__absent_server_is_unreachable_until_it_comes);
    tcase_add_test(tests, test_redis_watch__each_watch_of_an_absent_server_is_answered_at_once);
    tcase_add_test(tests, test_redis_watch__silent_server_is_noticed);
    tcase_add_test(tests, test_redis_watch__server_that_does_not_answer_is_unreachable);
    tcase_add_test(tests, test_redis_watch__short_pause_cuts_nothing);
    tcase_add_test(tests, test_redis_watch__ends_at_once_though_the_server_is_silent);
    tcase_add_test(tests, test_redis_watch__list_that_is_refused_is_tried_again);
    tcase_add_test(tests, test_redis_watch__too_slow_a_reader_is_made_up_for);
    tcase_add_test(tests, test_redis_watch__emptied_store_begins_a_new_epoch);
    tcase_add_test(tests, test_redis_watch__emptied_store_is_seen_by_the_next_watch);
    tcase_add_loop_test(tests, test_redis_watch__malformed_publication_is_followed_by_a_list, 0,
                        sizeof malformed / sizeof *malformed);
    tcase_add_test(tests, test_redis_watch__long_publication_with_nul_is_followed_by_a_list);
    tcase_add_test(tests, test_redis_watch__forged_number_hides_nothing);
    tcase_add_test(tests, test_redis_watch__forged_time_hides_nothing);
    tcase_add_test(tests, test_redis_watch__missed_publication_is_made_up_for);
    tcase_add_test(tests, test_redis_watch__no_gap_is_no_reason_to_list);
    tcase_add_test(tests, test_redis_watch__late_message_still_ends_in_time);
    tcase_add_test(tests, test_redis_watch__message_that_is_over_is_not_added);
    tcase_add_test(tests, test_redis_watch__foreign_channels_are_ignored);
    tcase_add_test(tests, test_redis_watch__rooms_come_and_go_by_the_hundred);
    tcase_add_test(tests, test_redis_watch__thousands_of_rooms_are_made_up_for);
    tests = add_case(suite, "durable", setup_durable);
    tcase_add_test(tests, test_redis_watch__restarted_server_is_heard_again);
    tests = add_case(suite, "tcp", setup_tcp);
    tcase_add_test(tests, test_redis_watch__databases_are_apart);
    tcase_add_test(tests, test_redis_watch__forbidden_channels_are_unreachable);
    return suite;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    redis_server_begin();
    SRunner *runner = srunner_create(redis_watch_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    redis_server_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
