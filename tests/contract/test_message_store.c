/*
 * What message_store.h promises, asked of every backend: each test runs once over memory, by a
 * clock that the test sets, and once over a real Redis, by Redis' own.
 */
#include "message_store.h"

#include "redis_server.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum subject { SUBJECT_MEMORY, SUBJECT_REDIS, SUBJECT_COUNT };

enum { TTL_MS = 60000, SHORT_TTL_MS = 250, THREADS = 8, ROUNDS = 25, GONE_WITHIN_MS = 5000 };

static struct redis_server *server;
static struct message_store *store;

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

static void advance_us(uint64_t us)
{
    fake_monotonic += us;
    fake_wall += us;
}

static const struct clock *clock_of(int subject)
{
    return subject == SUBJECT_MEMORY ? &fake_clock : &clock_system;
}

/* Opens `store` for one test, which runs in a process of its own: its pid keeps its keys apart. */
static void open_store(int subject, uint64_t room_max_messages)
{
    char url[REDIS_SERVER_URL_SIZE] = "memory:";
    char prefix[32];
    if (subject == SUBJECT_REDIS)
        redis_server_url(server, "", "", url);
    snprintf(prefix, sizeof prefix, "contract-%d", (int)getpid());
    struct message_store_config config = {
        .url = url,
        .prefix = prefix,
        .timeout_ms = 5000,
        .room_max_messages = room_max_messages,
        .connections = 4,
        .clock = clock_of(subject),
    };
    ck_assert_int_eq(message_store_open(&config, &store, NULL), ERROR_NONE);
}

static void close_store(void)
{
    message_store_free(store);
    store = NULL;
}

static struct draft make_draft(const char *author, const char *text, uint64_t ttl_ms)
{
    return (struct draft){
        .author = (char *)(uintptr_t)author,
        .text = (char *)(uintptr_t)text,
        .text_len = strlen(text),
        .ttl_ms = ttl_ms,
    };
}

static enum error_code try_save(const char *room, struct draft draft, const char *key,
                                struct message **ret_message)
{
    struct error err = {0};
    enum error_code code = message_store_save(store, room, &draft, key, ret_message, &err);
    if (code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT)
        fprintf(stderr, "save: %s\n", err.cause);
    return code;
}

static struct message *save(const char *room, const char *text, uint64_t ttl_ms)
{
    struct message *message = NULL;
    ck_assert_int_eq(try_save(room, make_draft("Ada", text, ttl_ms), NULL, &message), ERROR_NONE);
    return message;
}

static void save_and_forget(const char *room, const char *text, uint64_t ttl_ms)
{
    message_release(save(room, text, ttl_ms));
}

static struct message_list list(const char *room)
{
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store, room, &list, NULL), ERROR_NONE);
    return list;
}

static size_t count(const char *room)
{
    struct message_list all = list(room);
    size_t count = all.count;
    message_list_fini(&all);
    return count;
}

static enum error_code find_code(const char *room, const char *id)
{
    struct message *message = NULL;
    enum error_code code = message_store_find(store, room, id, &message, NULL);
    message_release(message);
    return code;
}

/* Lets the time of `message` run out. By the fake clock: to the microsecond. By Redis': looks again
 * and again, not for ever, and it must not be gone before its time. */
static void outlive(int subject, const struct message *message)
{
    if (subject == SUBJECT_MEMORY) {
        advance_us(message->deadline_us - fake_monotonic - 1);
        ck_assert_int_eq(find_code(message->room, message->id), ERROR_NONE);
        advance_us(1);
        ck_assert_int_eq(find_code(message->room, message->id), ERROR_MESSAGE_NOT_FOUND);
        return;
    }
    int64_t late_ms = message->expires_at_ms + GONE_WITHIN_MS;
    while (find_code(message->room, message->id) == ERROR_NONE) {
        ck_assert_int_lt((int64_t)(clock_wall_us(&clock_system) / 1000), late_ms);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    ck_assert_int_eq(find_code(message->room, message->id), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_ge((int64_t)(clock_wall_us(&clock_system) / 1000), message->expires_at_ms);
}

static void assert_same(const struct message *a, const struct message *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->room, b->room);
    ck_assert_pstr_eq(a->author, b->author);
    ck_assert_str_eq(a->text, b->text);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_int_eq(a->created_at_ms, b->created_at_ms);
    ck_assert_int_eq(a->expires_at_ms, b->expires_at_ms);
}

/* Saving and finding */

START_TEST(test_message_store__save_returns_the_message)
{
    open_store(_i, 10);
    uint64_t before_us = clock_monotonic_us(clock_of(_i));
    struct message *message = save("lobby", "hello", TTL_MS);
    uint64_t after_us = clock_monotonic_us(clock_of(_i));
    ck_assert(message_id_valid(message->id));
    ck_assert_str_eq(message->room, "lobby");
    ck_assert_str_eq(message->author, "Ada");
    ck_assert_str_eq(message->text, "hello");
    ck_assert_uint_eq(message->text_len, 5);
    ck_assert_int_eq(message->expires_at_ms - message->created_at_ms, TTL_MS);
    ck_assert_uint_ge(message->number, 1);
    ck_assert_uint_ge(message->deadline_us + 1000, before_us + TTL_MS * 1000u);
    ck_assert_uint_le(message->deadline_us, after_us + TTL_MS * 1000u);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__save_dates_by_the_wall_clock)
{
    open_store(_i, 10);
    int64_t before_ms = (int64_t)(clock_wall_us(clock_of(_i)) / 1000);
    struct message *message = save("lobby", "hello", TTL_MS);
    ck_assert_int_ge(message->created_at_ms, before_ms);
    ck_assert_int_le(message->created_at_ms, (int64_t)(clock_wall_us(clock_of(_i)) / 1000));
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__save_without_author_has_none)
{
    open_store(_i, 10);
    struct message *saved, *found;
    ck_assert_int_eq(try_save("lobby", make_draft(NULL, "x", TTL_MS), NULL, &saved), ERROR_NONE);
    ck_assert_ptr_null(saved->author);
    ck_assert_int_eq(message_store_find(store, "lobby", saved->id, &found, NULL), ERROR_NONE);
    ck_assert_ptr_null(found->author);
    message_release(saved);
    message_release(found);
    close_store();
}
END_TEST

START_TEST(test_message_store__find_returns_what_was_saved)
{
    open_store(_i, 10);
    struct message *saved = save("lobby", "hello", TTL_MS), *found;
    ck_assert_int_eq(message_store_find(store, "lobby", saved->id, &found, NULL), ERROR_NONE);
    assert_same(saved, found);
    message_release(saved);
    message_release(found);
    close_store();
}
END_TEST

START_TEST(test_message_store__find_in_another_room_is_not_found)
{
    open_store(_i, 10);
    struct message *message = save("lobby", "hello", TTL_MS);
    ck_assert_int_eq(find_code("lobby2", message->id), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(find_code("lobb", message->id), ERROR_MESSAGE_NOT_FOUND);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__find_unknown_id_names_it)
{
    open_store(_i, 10);
    struct message *message = NULL;
    struct error err = {0};
    ck_assert_int_eq(
        message_store_find(store, "lobby", "00000000000000000000000000000000", &message, &err),
        ERROR_MESSAGE_NOT_FOUND);
    ck_assert_str_eq(err.detail, "Message not found: 00000000000000000000000000000000");
    close_store();
}
END_TEST

START_TEST(test_message_store__find_wrong_ids_is_not_found)
{
    open_store(_i, 10);
    struct message *message = save("lobby", "hello", TTL_MS);
    char wrong[MESSAGE_ID_SIZE + 1];
    snprintf(wrong, sizeof wrong, "%s0", message->id);
    ck_assert_int_eq(find_code("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    snprintf(wrong, sizeof wrong, "%.31s", message->id);
    ck_assert_int_eq(find_code("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    snprintf(wrong, sizeof wrong, "%.31sF", message->id);
    ck_assert_int_eq(find_code("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(find_code("lobby", ""), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(find_code("lobby", "*"), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(find_code("lobby", "\xff\n../index"), ERROR_MESSAGE_NOT_FOUND);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__invalid_room_is_refused)
{
    open_store(_i, 10);
    struct message *message = NULL;
    struct message_list all = {0};
    ck_assert_int_eq(try_save("No}Room", make_draft(NULL, "x", TTL_MS), NULL, &message),
                     ERROR_INVALID_ROOM);
    ck_assert_int_eq(message_store_list(store, "", &all, NULL), ERROR_INVALID_ROOM);
    ck_assert_int_eq(find_code("-", "00000000000000000000000000000000"), ERROR_INVALID_ROOM);
    close_store();
}
END_TEST

START_TEST(test_message_store__check_reaches_the_store)
{
    open_store(_i, 10);
    ck_assert_int_eq(message_store_check(store, NULL), ERROR_NONE);
    close_store();
}
END_TEST

/* Exactness */

static void assert_exact(const char *author, const char *text)
{
    struct message *saved, *found;
    ck_assert_int_eq(try_save("exact", make_draft(author, text, TTL_MS), NULL, &saved), ERROR_NONE);
    ck_assert_str_eq(saved->text, text);
    ck_assert_pstr_eq(saved->author, author);
    ck_assert_int_eq(message_store_find(store, "exact", saved->id, &found, NULL), ERROR_NONE);
    assert_same(saved, found);
    message_release(saved);
    message_release(found);
}

START_TEST(test_message_store__keeps_awkward_texts_exactly)
{
    static const char *const texts[] = {
        "\"",
        "\\",
        "\\u0000",
        "\\\"",
        "</script><!--",
        "{\"id\":\"x\"}",
        "%d%s%n%%",
        "a\r\nb\tc",
        "$5\r\nhello\r\n*1\r\n",
        "\x7f",
        "\xe2\x80\xa8\xe2\x80\xa9",
        "\xef\xbb\xbf"
        "bom",
        "e\xcc\x81 is not \xc3\xa9",
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
        " padded ",
        "\xf4\x8f\xbf\xbf",
        "\xef\xbf\xbf",
        "1e400",
        "null",
        "]]--[[",
    };
    open_store(_i, 1000);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_exact(NULL, texts[i]);
        assert_exact(texts[i], texts[i]);
    }
    close_store();
}
END_TEST

START_TEST(test_message_store__keeps_each_control_character_exactly)
{
    open_store(_i, 1000);
    char text[] = "a?b";
    for (char control = 1; control < 0x20; control++) {
        text[1] = control;
        assert_exact(text, text);
    }
    close_store();
}
END_TEST

START_TEST(test_message_store__keeps_the_longest_text_exactly)
{
    open_store(_i, 1000);
    char text[4096 + 1] = "";
    memset(text, '\x01', 4096);
    assert_exact(NULL, text);
    for (size_t i = 0; i < 4096; i += 4)
        memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    assert_exact("Ada", text);
    close_store();
}
END_TEST

/* Appends the UTF-8 of `point`; how many bytes it has. */
static size_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    to[0] = (char)(lead[len] | point);
    return len;
}

START_TEST(test_message_store__keeps_every_character_exactly)
{
    open_store(_i, 1000000);
    char text[4096 + 1];
    size_t len = 0;
    for (uint32_t point = 1; point <= 0x10ffff; point++) {
        if (point == 0xd800)
            point = 0xe000;
        len += encode(point, text + len);
        if (len + 4 <= 4096 && point != 0x10ffff)
            continue;
        text[len] = '\0';
        struct message *message = save("every", text, TTL_MS);
        ck_assert(message->text_len == len && memcmp(message->text, text, len) == 0);
        message_release(message);
        len = 0;
    }
    close_store();
}
END_TEST

/* Order */

START_TEST(test_message_store__list_of_an_empty_room_is_empty)
{
    open_store(_i, 10);
    struct message_list all = list("nobody");
    ck_assert_uint_eq(all.count, 0);
    message_list_fini(&all);
    close_store();
}
END_TEST

START_TEST(test_message_store__list_has_what_was_saved)
{
    open_store(_i, 10);
    struct message *message = save("lobby", "hello", TTL_MS);
    struct message_list all = list("lobby");
    ck_assert_uint_eq(all.count, 1);
    assert_same(all.messages[0], message);
    message_list_fini(&all);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__list_is_soonest_to_expire_first)
{
    open_store(_i, 10);
    save_and_forget("lobby", "third", 3 * TTL_MS);
    save_and_forget("lobby", "first", TTL_MS);
    save_and_forget("lobby", "fourth", 4 * TTL_MS);
    save_and_forget("lobby", "second", 2 * TTL_MS);
    struct message_list all = list("lobby");
    ck_assert_uint_eq(all.count, 4);
    ck_assert_str_eq(all.messages[0]->text, "first");
    ck_assert_str_eq(all.messages[1]->text, "second");
    ck_assert_str_eq(all.messages[2]->text, "third");
    ck_assert_str_eq(all.messages[3]->text, "fourth");
    message_list_fini(&all);
    close_store();
}
END_TEST

START_TEST(test_message_store__list_of_one_lifetime_is_in_order_of_acceptance)
{
    enum { MANY = 200 };
    open_store(_i, 1000);
    char text[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        save_and_forget("lobby", text, TTL_MS);
    }
    struct message_list all = list("lobby");
    ck_assert_uint_eq(all.count, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_str_eq(all.messages[i]->text, text);
        if (i)
            ck_assert_uint_gt(all.messages[i]->number, all.messages[i - 1]->number);
    }
    message_list_fini(&all);
    close_store();
}
END_TEST

START_TEST(test_message_store__list_says_the_last_number)
{
    open_store(_i, 10);
    struct message *first = save("lobby", "1", 2 * TTL_MS);
    struct message *second = save("lobby", "2", TTL_MS);
    struct message_list before = list("lobby");
    ck_assert_uint_ge(before.position.number, second->number);
    ck_assert_uint_gt(second->number, first->number);
    struct message *third = save("lobby", "3", TTL_MS);
    ck_assert_uint_gt(third->number, before.position.number);
    message_list_fini(&before);
    message_release(first);
    message_release(second);
    message_release(third);
    close_store();
}
END_TEST

START_TEST(test_message_store__epoch_stays)
{
    open_store(_i, 10);
    save_and_forget("lobby", "1", TTL_MS);
    struct message_list before = list("lobby");
    save_and_forget("lobby", "2", TTL_MS);
    struct message_list after = list("lobby");
    ck_assert_uint_ne(before.position.epoch, 0);
    ck_assert_uint_eq(before.position.epoch, after.position.epoch);
    message_list_fini(&before);
    message_list_fini(&after);
    close_store();
}
END_TEST

START_TEST(test_message_store__rooms_are_apart)
{
    open_store(_i, 10);
    save_and_forget("a", "1", TTL_MS);
    save_and_forget("b", "2", TTL_MS);
    save_and_forget("b", "3", TTL_MS);
    ck_assert_uint_eq(count("a"), 1);
    ck_assert_uint_eq(count("b"), 2);
    ck_assert_uint_eq(count("c"), 0);
    close_store();
}
END_TEST

/* Expiry */

START_TEST(test_message_store__expired_message_is_gone_and_not_before)
{
    open_store(_i, 10);
    struct message *message = save("lobby", "short", SHORT_TTL_MS);
    outlive(_i, message);
    ck_assert_uint_eq(count("lobby"), 0);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__only_the_expired_are_gone)
{
    open_store(_i, 10);
    save_and_forget("lobby", "long", TTL_MS);
    struct message *message = save("lobby", "short", SHORT_TTL_MS);
    outlive(_i, message);
    struct message_list all = list("lobby");
    ck_assert_uint_eq(all.count, 1);
    ck_assert_str_eq(all.messages[0]->text, "long");
    message_list_fini(&all);
    message_release(message);
    close_store();
}
END_TEST

START_TEST(test_message_store__found_message_keeps_its_end)
{
    open_store(_i, 10);
    struct message *saved = save("lobby", "hello", TTL_MS), *found;
    if (_i == SUBJECT_MEMORY)
        advance_us(1234567);
    ck_assert_int_eq(message_store_find(store, "lobby", saved->id, &found, NULL), ERROR_NONE);
    uint64_t now_us = clock_monotonic_us(clock_of(_i));
    ck_assert_int_eq(found->expires_at_ms, saved->expires_at_ms);
    ck_assert_uint_le(found->deadline_us, now_us + TTL_MS * 1000u);
    ck_assert_uint_ge(found->deadline_us + 1000, saved->deadline_us);
    message_release(saved);
    message_release(found);
    close_store();
}
END_TEST

START_TEST(test_message_store__room_that_comes_again_counts_on)
{
    open_store(_i, 10);
    struct message *first = save("lobby", "1", SHORT_TTL_MS);
    outlive(_i, first);
    struct message *second = save("lobby", "2", TTL_MS);
    ck_assert_uint_gt(second->number, first->number);
    ck_assert_str_ne(second->id, first->id);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

/* Idempotency */

static struct message *save_with_key(const char *room, struct draft draft, const char *key)
{
    struct message *message = NULL;
    ck_assert_int_eq(try_save(room, draft, key, &message), ERROR_NONE);
    return message;
}

START_TEST(test_message_store__same_key_and_draft_is_one_message)
{
    open_store(_i, 10);
    struct draft draft = make_draft("Ada", "hello", TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    struct message *second = save_with_key("lobby", draft, "key");
    assert_same(first, second);
    ck_assert_uint_eq(count("lobby"), 1);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

START_TEST(test_message_store__same_key_and_another_draft_is_refused)
{
    open_store(_i, 10);
    const struct draft others[] = {
        make_draft("Ada", "hello!", TTL_MS),    make_draft("Ada", "hell", TTL_MS),
        make_draft("Eve", "hello", TTL_MS),     make_draft(NULL, "hello", TTL_MS),
        make_draft("Ada", "hello", TTL_MS + 1), make_draft("Ada", "hello", TTL_MS - 1),
        make_draft(NULL, "Ada hello", TTL_MS),
    };
    message_release(save_with_key("lobby", make_draft("Ada", "hello", TTL_MS), "key"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct message *message = NULL;
        ck_assert_int_eq(try_save("lobby", others[i], "key", &message),
                         ERROR_IDEMPOTENCY_KEY_REUSED);
        ck_assert_ptr_null(message);
    }
    ck_assert_uint_eq(count("lobby"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_store__author_added_to_a_repeat_is_another_draft)
{
    open_store(_i, 10);
    struct message *message = NULL;
    message_release(save_with_key("lobby", make_draft(NULL, "hello", TTL_MS), "key"));
    ck_assert_int_eq(try_save("lobby", make_draft("Ada", "hello", TTL_MS), "key", &message),
                     ERROR_IDEMPOTENCY_KEY_REUSED);
    close_store();
}
END_TEST

START_TEST(test_message_store__key_belongs_to_its_room)
{
    open_store(_i, 10);
    struct message *a = save_with_key("a", make_draft(NULL, "hello", TTL_MS), "key");
    struct message *b = save_with_key("b", make_draft(NULL, "other", TTL_MS), "key");
    ck_assert_str_ne(a->id, b->id);
    message_release(a);
    message_release(b);
    close_store();
}
END_TEST

START_TEST(test_message_store__other_keys_and_none_are_other_messages)
{
    open_store(_i, 10);
    struct draft draft = make_draft("Ada", "hello", TTL_MS);
    message_release(save_with_key("lobby", draft, "key"));
    message_release(save_with_key("lobby", draft, "Key"));
    message_release(save_with_key("lobby", draft, "key2"));
    message_release(save_with_key("lobby", draft, NULL));
    message_release(save_with_key("lobby", draft, NULL));
    ck_assert_uint_eq(count("lobby"), 5);
    close_store();
}
END_TEST

START_TEST(test_message_store__key_is_free_again_after_the_message)
{
    open_store(_i, 10);
    struct message *first = save_with_key("lobby", make_draft("Ada", "1", SHORT_TTL_MS), "key");
    save_and_forget("lobby", "keeps the room", TTL_MS);
    outlive(_i, first);
    struct message *second = save_with_key("lobby", make_draft("Ada", "2", TTL_MS), "key");
    ck_assert_str_ne(second->id, first->id);
    ck_assert_int_eq(find_code("lobby", second->id), ERROR_NONE);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

START_TEST(test_message_store__same_draft_after_the_message_is_a_new_one)
{
    open_store(_i, 10);
    struct draft draft = make_draft("Ada", "1", SHORT_TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    outlive(_i, first);
    struct message *second = save_with_key("lobby", draft, "key");
    ck_assert_str_ne(second->id, first->id);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

START_TEST(test_message_store__any_visible_key_serves)
{
    open_store(_i, 1000);
    char key[] = "a?";
    for (char c = '!'; c <= '~'; c++) {
        key[1] = c;
        struct draft draft = make_draft(NULL, key, TTL_MS);
        struct message *first = save_with_key("lobby", draft, key);
        struct message *second = save_with_key("lobby", draft, key);
        ck_assert_str_eq(first->id, second->id);
        message_release(first);
        message_release(second);
    }
    ck_assert_uint_eq(count("lobby"), '~' - '!' + 1);
    close_store();
}
END_TEST

START_TEST(test_message_store__key_at_its_longest)
{
    open_store(_i, 10);
    char key[IDEMPOTENCY_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[IDEMPOTENCY_KEY_MAX] = '\0';
    struct draft draft = make_draft(NULL, "x", TTL_MS);
    message_release(save_with_key("lobby", draft, key));
    key[IDEMPOTENCY_KEY_MAX - 1] = 'l';
    message_release(save_with_key("lobby", draft, key));
    ck_assert_uint_eq(count("lobby"), 2);
    key[IDEMPOTENCY_KEY_MAX] = 'k';
    key[IDEMPOTENCY_KEY_MAX + 1] = '\0';
    struct message *message = NULL;
    ck_assert_int_eq(try_save("lobby", draft, key, &message), ERROR_INTERNAL);
    close_store();
}
END_TEST

/* A full room */

START_TEST(test_message_store__room_takes_as_many_as_it_may)
{
    open_store(_i, 3);
    struct message *message = NULL;
    struct error err = {0};
    struct draft draft = make_draft(NULL, "x", TTL_MS);
    for (int i = 0; i < 3; i++)
        save_and_forget("lobby", "x", TTL_MS);
    ck_assert_int_eq(message_store_save(store, "lobby", &draft, NULL, &message, &err),
                     ERROR_ROOM_FULL);
    ck_assert_ptr_null(message);
    ck_assert_uint_ge(err.retry_after_s, TTL_MS / 1000 - 10);
    ck_assert_uint_le(err.retry_after_s, TTL_MS / 1000);
    ck_assert_uint_eq(count("lobby"), 3);
    close_store();
}
END_TEST

START_TEST(test_message_store__full_room_names_its_soonest_end)
{
    open_store(_i, 2);
    struct message *message = NULL;
    struct error err = {0};
    struct draft draft = make_draft(NULL, "x", TTL_MS);
    save_and_forget("lobby", "long", 100 * TTL_MS);
    save_and_forget("lobby", "short", TTL_MS);
    ck_assert_int_eq(message_store_save(store, "lobby", &draft, NULL, &message, &err),
                     ERROR_ROOM_FULL);
    ck_assert_uint_le(err.retry_after_s, TTL_MS / 1000);
    close_store();
}
END_TEST

START_TEST(test_message_store__full_room_leaves_others_alone)
{
    open_store(_i, 1);
    save_and_forget("a", "x", TTL_MS);
    save_and_forget("b", "x", TTL_MS);
    ck_assert_uint_eq(count("a"), 1);
    ck_assert_uint_eq(count("b"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_store__full_room_still_knows_a_repeat)
{
    open_store(_i, 1);
    struct draft draft = make_draft(NULL, "x", TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    struct message *second = save_with_key("lobby", draft, "key");
    ck_assert_str_eq(first->id, second->id);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

START_TEST(test_message_store__refused_save_leaves_no_record)
{
    open_store(_i, 1);
    struct message *message = NULL;
    struct message *first = save("lobby", "first", SHORT_TTL_MS);
    ck_assert_int_eq(try_save("lobby", make_draft(NULL, "1", TTL_MS), "key", &message),
                     ERROR_ROOM_FULL);
    outlive(_i, first);
    message_release(save_with_key("lobby", make_draft(NULL, "2", TTL_MS), "key"));
    message_release(first);
    close_store();
}
END_TEST

START_TEST(test_message_store__full_room_has_room_after_an_end)
{
    open_store(_i, 2);
    save_and_forget("lobby", "long", TTL_MS);
    struct message *message = save("lobby", "short", SHORT_TTL_MS), *refused = NULL;
    ck_assert_int_eq(try_save("lobby", make_draft(NULL, "x", TTL_MS), NULL, &refused),
                     ERROR_ROOM_FULL);
    outlive(_i, message);
    save_and_forget("lobby", "x", TTL_MS);
    ck_assert_uint_eq(count("lobby"), 2);
    message_release(message);
    close_store();
}
END_TEST

/* Threads */

struct writer {
    pthread_t thread;
    const char *key;
    unsigned failures;
    struct message *messages[ROUNDS];
};

static void *write_messages(void *argument)
{
    struct writer *writer = argument;
    for (int i = 0; i < ROUNDS; i++)
        if (try_save("busy", make_draft(NULL, "x", TTL_MS), writer->key, &writer->messages[i]))
            writer->failures++;
    return NULL;
}

static void run_writers(struct writer writers[THREADS], const char *key)
{
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.key = key};
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_messages, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
        ck_assert_uint_eq(writers[i].failures, 0);
    }
}

static void release_written(struct writer writers[THREADS])
{
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ROUNDS; j++)
            message_release(writers[i].messages[j]);
}

static int compare_numbers(const void *a, const void *b)
{
    const struct message *first = *(struct message *const *)a;
    const struct message *second = *(struct message *const *)b;
    return first->number < second->number ? -1 : first->number > second->number;
}

START_TEST(test_message_store__threads_lose_and_double_nothing)
{
    open_store(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, NULL);
    struct message_list all = list("busy");
    ck_assert_uint_eq(all.count, THREADS * ROUNDS);
    qsort(all.messages, all.count, sizeof(struct message *), compare_numbers);
    for (size_t i = 1; i < all.count; i++)
        ck_assert_uint_gt(all.messages[i]->number, all.messages[i - 1]->number);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ROUNDS; j++)
            ck_assert_int_eq(find_code("busy", writers[i].messages[j]->id), ERROR_NONE);
    message_list_fini(&all);
    release_written(writers);
    close_store();
}
END_TEST

START_TEST(test_message_store__each_thread_sees_its_numbers_increase)
{
    open_store(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 1; j < ROUNDS; j++)
            ck_assert_uint_gt(writers[i].messages[j]->number, writers[i].messages[j - 1]->number);
    release_written(writers);
    close_store();
}
END_TEST

START_TEST(test_message_store__threads_with_one_key_make_one_message)
{
    open_store(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, "key");
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ROUNDS; j++)
            ck_assert_str_eq(writers[i].messages[j]->id, writers[0].messages[0]->id);
    ck_assert_uint_eq(count("busy"), 1);
    release_written(writers);
    close_store();
}
END_TEST

/* Memory alone, where only a fake clock shows it */

START_TEST(test_message_store__wall_clock_that_steps_back_delays_no_end)
{
    open_store(SUBJECT_MEMORY, 10);
    struct message *first = save("lobby", "first", 2 * TTL_MS);
    fake_wall -= 3600u * 1000000u;
    struct message *second = save("lobby", "second", 4 * TTL_MS);
    outlive(SUBJECT_MEMORY, first);
    ck_assert_uint_gt(second->number, first->number);
    ck_assert_uint_eq(count("lobby"), 1);
    message_release(first);
    message_release(second);
    close_store();
}
END_TEST

START_TEST(test_message_store__rooms_come_and_go_by_the_thousand)
{
    open_store(SUBJECT_MEMORY, 10);
    char room[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(room, sizeof room, "room-%d", i);
        struct message *message = NULL;
        ck_assert_int_eq(try_save(room, make_draft(NULL, "x", 1000), "key", &message), ERROR_NONE);
        message_release(message);
        advance_us(1000);
    }
    ck_assert_uint_eq(count("room-1"), 0);
    ck_assert_uint_eq(count("room-4999"), 1);
    close_store();
}
END_TEST

/* Opening */

START_TEST(test_message_store__urls)
{
    const char *rule = NULL;
    ck_assert(message_store_url_valid("memory:", &rule));
    ck_assert(message_store_url_valid("redis://localhost", &rule));
    ck_assert(message_store_url_valid("redis://u:p@localhost:1/2", &rule));
    ck_assert(message_store_url_valid("unix:///run/redis.sock", &rule));
    ck_assert_ptr_null(rule);
    ck_assert(!message_store_url_valid("memory:x", &rule));
    ck_assert_str_eq(rule, "one of memory:, redis://[user:password@]host[:port][/db], "
                           "unix:///path");
    ck_assert(!message_store_url_valid("memory", &rule));
    ck_assert(!message_store_url_valid("", &rule));
    ck_assert(!message_store_url_valid("redis://", &rule));
    ck_assert(!message_store_url_valid("http://localhost", &rule));
}
END_TEST

START_TEST(test_message_store__open_refuses_what_it_cannot_use)
{
    struct message_store_config config = {.url = "mysql://h",
                                          .prefix = "p",
                                          .timeout_ms = 1,
                                          .connections = 1,
                                          .clock = &clock_system};
    struct message_store *opened = NULL;
    char prefix[200] = "";
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_INTERNAL);
    config.url = "redis://127.0.0.1:1";
    config.connections = 0;
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_INTERNAL);
    config.connections = 1;
    memset(prefix, 'p', 129);
    config.prefix = prefix;
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_INTERNAL);
    prefix[128] = '\0';
    ck_assert_int_eq(message_store_open(&config, &opened, NULL), ERROR_NONE);
    message_store_free(opened);
    message_store_free(NULL);
}
END_TEST

static void add_saving(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__save_returns_the_message, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__save_dates_by_the_wall_clock, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__save_without_author_has_none, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_returns_what_was_saved, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_in_another_room_is_not_found, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_unknown_id_names_it, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_wrong_ids_is_not_found, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__invalid_room_is_refused, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__check_reaches_the_store, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_awkward_texts_exactly, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_each_control_character_exactly, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_the_longest_text_exactly, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_every_character_exactly, 0, SUBJECT_COUNT);
}

static void add_listing(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__list_of_an_empty_room_is_empty, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_has_what_was_saved, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_is_soonest_to_expire_first, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_of_one_lifetime_is_in_order_of_acceptance,
                        0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_says_the_last_number, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__epoch_stays, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__rooms_are_apart, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__expired_message_is_gone_and_not_before, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__only_the_expired_are_gone, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__found_message_keeps_its_end, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__room_that_comes_again_counts_on, 0,
                        SUBJECT_COUNT);
}

static void add_idempotency(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__same_key_and_draft_is_one_message, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__same_key_and_another_draft_is_refused, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__author_added_to_a_repeat_is_another_draft, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_belongs_to_its_room, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__other_keys_and_none_are_other_messages, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_is_free_again_after_the_message, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__same_draft_after_the_message_is_a_new_one, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__any_visible_key_serves, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_at_its_longest, 0, SUBJECT_COUNT);
}

static void add_full_room_and_threads(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__room_takes_as_many_as_it_may, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_names_its_soonest_end, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_leaves_others_alone, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_still_knows_a_repeat, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__refused_save_leaves_no_record, 0, SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_has_room_after_an_end, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__threads_lose_and_double_nothing, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__each_thread_sees_its_numbers_increase, 0,
                        SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__threads_with_one_key_make_one_message, 0,
                        SUBJECT_COUNT);
}

static Suite *message_store_suite(void)
{
    Suite *suite = suite_create("message_store");
    TCase *tests = tcase_create("every backend");
    tcase_set_timeout(tests, 60);
    add_saving(tests);
    add_listing(tests);
    add_idempotency(tests);
    add_full_room_and_threads(tests);
    suite_add_tcase(suite, tests);
    TCase *others = tcase_create("memory alone, and opening");
    tcase_add_test(others, test_message_store__wall_clock_that_steps_back_delays_no_end);
    tcase_add_test(others, test_message_store__rooms_come_and_go_by_the_thousand);
    tcase_add_test(others, test_message_store__urls);
    tcase_add_test(others, test_message_store__open_refuses_what_it_cannot_use);
    suite_add_tcase(suite, others);
    return suite;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    redis_server_begin();
    server = redis_server_start(&(struct redis_server_options){0});
    SRunner *runner = srunner_create(message_store_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    redis_server_free(server);
    redis_server_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
