/*
 * Each test runs in a process of its own, whose pid keeps its keys apart; the server is shared. The
 * fake clock is memory's alone: a Redis goes by its own.
 */
#include "store_subject.h"

#include "redis_server.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GONE_WITHIN_MS = 5000 };

struct message_store *store_subject_store;

static struct redis_server *server;

static uint64_t fake_monotonic = 5000000;
static uint64_t fake_wall = 1790000000123456;

static uint64_t fake_monotonic_us(const struct clock *clock)
{
    (void)clock;
    return fake_monotonic;
}

static uint64_t fake_wall_us(const struct clock *clock)
{
    (void)clock;
    return fake_wall;
}

static const struct clock fake_clock = {fake_monotonic_us, fake_wall_us};

void store_subject_advance_us(uint64_t us)
{
    fake_monotonic += us;
    fake_wall += us;
}

void store_subject_wall_back_us(uint64_t us)
{
    fake_wall -= us;
}

const struct clock *store_subject_clock(int subject)
{
    return subject == STORE_SUBJECT_MEMORY ? &fake_clock : &clock_system;
}

void store_subject_open(int subject, uint64_t room_max_messages)
{
    store_subject_open_sized(subject, room_max_messages, UINT64_C(1) << 30);
}

void store_subject_open_sized(int subject, uint64_t room_max_messages, uint64_t room_max_bytes)
{
    char url[REDIS_SERVER_URL_SIZE] = "memory:";
    char prefix[32];
    if (subject == STORE_SUBJECT_REDIS)
        redis_server_url(server, "", "", url);
    snprintf(prefix, sizeof prefix, "contract-%d", (int)getpid());
    struct message_store_config config = {
        .url = url,
        .prefix = prefix,
        .timeout_ms = 5000,
        .room_max_messages = room_max_messages,
        .room_max_bytes = room_max_bytes,
        .connections = 4,
        .clock = store_subject_clock(subject),
    };
    ck_assert_int_eq(message_store_open(&config, &store_subject_store, NULL), ERROR_NONE);
}

void store_subject_close(void)
{
    message_store_free(store_subject_store);
    store_subject_store = NULL;
}

struct draft store_subject_draft(const char *author, const char *text, uint64_t ttl_ms)
{
    return (struct draft){
        .author = (char *)(uintptr_t)author,
        .text = (char *)(uintptr_t)text,
        .text_len = strlen(text),
        .ttl_ms = ttl_ms,
    };
}

enum error_code store_subject_try_save(const char *room, struct draft draft, const char *key,
                                       struct message **ret_message)
{
    struct error err = {0};
    enum error_code code =
        message_store_save(store_subject_store, room, &draft, key, ret_message, &err);
    if (code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT)
        fprintf(stderr, "save: %s\n", err.cause);
    return code;
}

struct message *store_subject_save(const char *room, const char *text, uint64_t ttl_ms)
{
    struct message *message = NULL;
    ck_assert_int_eq(
        store_subject_try_save(room, store_subject_draft("Ada", text, ttl_ms), NULL, &message),
        ERROR_NONE);
    return message;
}

void store_subject_save_and_forget(const char *room, const char *text, uint64_t ttl_ms)
{
    message_release(store_subject_save(room, text, ttl_ms));
}

struct message_list store_subject_list(const char *room)
{
    struct message_list all = {0};
    ck_assert_int_eq(message_store_list(store_subject_store, room, &all, NULL), ERROR_NONE);
    return all;
}

size_t store_subject_count(const char *room)
{
    struct message_list all = store_subject_list(room);
    size_t counted = all.count;
    message_list_fini(&all);
    return counted;
}

enum error_code store_subject_find(const char *room, const char *id)
{
    struct message *message = NULL;
    enum error_code code = message_store_find(store_subject_store, room, id, &message, NULL);
    message_release(message);
    return code;
}

void store_subject_outlive(int subject, const struct message *message)
{
    if (subject == STORE_SUBJECT_MEMORY) {
        store_subject_advance_us(message->deadline_us - fake_monotonic - 1);
        ck_assert_int_eq(store_subject_find(message->room, message->id), ERROR_NONE);
        store_subject_advance_us(1);
        ck_assert_int_eq(store_subject_find(message->room, message->id), ERROR_MESSAGE_NOT_FOUND);
        return;
    }
    int64_t late_ms = message->expires_at_ms + GONE_WITHIN_MS;
    while (store_subject_find(message->room, message->id) == ERROR_NONE) {
        ck_assert_int_lt((int64_t)(clock_wall_us(&clock_system) / 1000), late_ms);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    ck_assert_int_eq(store_subject_find(message->room, message->id), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_ge((int64_t)(clock_wall_us(&clock_system) / 1000), message->expires_at_ms);
}

void store_subject_assert_same(const struct message *a, const struct message *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->room, b->room);
    ck_assert_pstr_eq(a->author, b->author);
    ck_assert_str_eq(a->text, b->text);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_int_eq(a->created_at_ms, b->created_at_ms);
    ck_assert_int_eq(a->expires_at_ms, b->expires_at_ms);
}

int store_subject_run(Suite *suite)
{
    signal(SIGPIPE, SIG_IGN);
    redis_server_begin();
    server = redis_server_start(&(struct redis_server_options){0});
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    redis_server_free(server);
    redis_server_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
