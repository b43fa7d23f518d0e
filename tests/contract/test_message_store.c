/*
 * The contract of message_store.h, for every backend: saved messages are found and listed, exactly,
 * in order and until their end. Keys, full rooms and threads are in
 * test_message_store_limits.c, watching is in test_message_watch.c.
 */
#include "store_subject.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Saving and finding */

START_TEST(test_message_store__save_returns_the_message)
{
    store_subject_open(_i, 10);
    uint64_t before_us = clock_monotonic_us(store_subject_clock(_i));
    struct message *message = store_subject_save("lobby", "hello", TTL_MS);
    uint64_t after_us = clock_monotonic_us(store_subject_clock(_i));
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
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__save_dates_by_the_wall_clock)
{
    store_subject_open(_i, 10);
    int64_t before_ms = (int64_t)(clock_wall_us(store_subject_clock(_i)) / 1000);
    struct message *message = store_subject_save("lobby", "hello", TTL_MS);
    ck_assert_int_ge(message->created_at_ms, before_ms);
    ck_assert_int_le(message->created_at_ms,
                     (int64_t)(clock_wall_us(store_subject_clock(_i)) / 1000));
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__save_without_author_has_none)
{
    store_subject_open(_i, 10);
    struct message *saved, *found;
    ck_assert_int_eq(
        store_subject_try_save("lobby", store_subject_draft(NULL, "x", TTL_MS), NULL, &saved),
        ERROR_NONE);
    ck_assert_ptr_null(saved->author);
    ck_assert_int_eq(message_store_find(store_subject_store, "lobby", saved->id, &found, NULL),
                     ERROR_NONE);
    ck_assert_ptr_null(found->author);
    message_release(saved);
    message_release(found);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__find_returns_what_was_saved)
{
    store_subject_open(_i, 10);
    struct message *saved = store_subject_save("lobby", "hello", TTL_MS), *found;
    ck_assert_int_eq(message_store_find(store_subject_store, "lobby", saved->id, &found, NULL),
                     ERROR_NONE);
    store_subject_assert_same(saved, found);
    message_release(saved);
    message_release(found);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__find_in_another_room_is_not_found)
{
    store_subject_open(_i, 10);
    struct message *message = store_subject_save("lobby", "hello", TTL_MS);
    ck_assert_int_eq(store_subject_find("lobby2", message->id), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(store_subject_find("lobb", message->id), ERROR_MESSAGE_NOT_FOUND);
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__find_unknown_id_names_it)
{
    store_subject_open(_i, 10);
    struct message *message = NULL;
    struct error err = {0};
    ck_assert_int_eq(message_store_find(store_subject_store, "lobby",
                                        "00000000000000000000000000000000", &message, &err),
                     ERROR_MESSAGE_NOT_FOUND);
    ck_assert_str_eq(err.detail, "Message not found: 00000000000000000000000000000000");
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__find_wrong_ids_is_not_found)
{
    store_subject_open(_i, 10);
    struct message *message = store_subject_save("lobby", "hello", TTL_MS);
    char wrong[MESSAGE_ID_SIZE + 1];
    snprintf(wrong, sizeof wrong, "%s0", message->id);
    ck_assert_int_eq(store_subject_find("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    snprintf(wrong, sizeof wrong, "%.31s", message->id);
    ck_assert_int_eq(store_subject_find("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    snprintf(wrong, sizeof wrong, "%.31sF", message->id);
    ck_assert_int_eq(store_subject_find("lobby", wrong), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(store_subject_find("lobby", ""), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(store_subject_find("lobby", "*"), ERROR_MESSAGE_NOT_FOUND);
    ck_assert_int_eq(store_subject_find("lobby", "\xff\n../index"), ERROR_MESSAGE_NOT_FOUND);
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__invalid_room_is_refused)
{
    store_subject_open(_i, 10);
    struct message *message = NULL;
    struct message_list all = {0};
    ck_assert_int_eq(
        store_subject_try_save("No}Room", store_subject_draft(NULL, "x", TTL_MS), NULL, &message),
        ERROR_INVALID_ROOM);
    ck_assert_int_eq(message_store_list(store_subject_store, "", &all, NULL), ERROR_INVALID_ROOM);
    ck_assert_int_eq(store_subject_find("-", "00000000000000000000000000000000"),
                     ERROR_INVALID_ROOM);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__check_reaches_the_store)
{
    store_subject_open(_i, 10);
    ck_assert_int_eq(message_store_check(store_subject_store, NULL), ERROR_NONE);
    store_subject_close();
}
END_TEST

/* Exactness */

static void assert_exact(const char *author, const char *text)
{
    struct message *saved, *found;
    ck_assert_int_eq(
        store_subject_try_save("exact", store_subject_draft(author, text, TTL_MS), NULL, &saved),
        ERROR_NONE);
    ck_assert_str_eq(saved->text, text);
    ck_assert_pstr_eq(saved->author, author);
    ck_assert_int_eq(message_store_find(store_subject_store, "exact", saved->id, &found, NULL),
                     ERROR_NONE);
    store_subject_assert_same(saved, found);
    message_release(saved);
    message_release(found);
}

static struct message_store_metrics metrics(void)
{
    struct message_store_metrics metrics;
    message_store_metrics(store_subject_store, &metrics);
    return metrics;
}

static uint64_t counted(enum message_store_call call, enum error_code outcome)
{
    return metrics().calls[call].outcomes[outcome];
}

START_TEST(test_message_store__calls_are_counted_by_kind_and_outcome)
{
    store_subject_open(_i, 1);
    ck_assert(metrics().up);
    store_subject_save_and_forget("lobby", "hello", TTL_MS);
    struct message *message = NULL;
    ck_assert_int_eq(
        store_subject_try_save("lobby", store_subject_draft(NULL, "x", TTL_MS), NULL, &message),
        ERROR_ROOM_FULL);
    ck_assert_int_eq(store_subject_find("lobby", "00000000000000000000000000000000"),
                     ERROR_MESSAGE_NOT_FOUND);
    store_subject_count("lobby");
    store_subject_count("other");
    ck_assert_int_eq(message_store_check(store_subject_store, NULL), ERROR_NONE);
    ck_assert_uint_eq(counted(MESSAGE_STORE_SAVE, ERROR_NONE), 1);
    ck_assert_uint_eq(counted(MESSAGE_STORE_SAVE, ERROR_ROOM_FULL), 1);
    ck_assert_uint_eq(counted(MESSAGE_STORE_FIND, ERROR_MESSAGE_NOT_FOUND), 1);
    ck_assert_uint_eq(counted(MESSAGE_STORE_LIST, ERROR_NONE), 2);
    ck_assert_uint_eq(counted(MESSAGE_STORE_CHECK, ERROR_NONE), 1);
    ck_assert_uint_eq(metrics().calls[MESSAGE_STORE_SAVE].durations.count, 2);
    ck_assert_uint_eq(metrics().accepted, 1);
    ck_assert(metrics().up);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__repeat_is_a_call_and_no_message_more)
{
    store_subject_open(_i, 10);
    struct message *first = NULL, *second = NULL;
    struct draft draft = store_subject_draft(NULL, "x", TTL_MS);
    ck_assert_int_eq(store_subject_try_save("lobby", draft, "key", &first), ERROR_NONE);
    ck_assert_int_eq(store_subject_try_save("lobby", draft, "key", &second), ERROR_NONE);
    ck_assert_uint_eq(metrics().accepted, 1);
    ck_assert_uint_eq(counted(MESSAGE_STORE_SAVE, ERROR_NONE), 2);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__what_is_malformed_is_no_call)
{
    store_subject_open(_i, 10);
    struct message_list list;
    ck_assert_int_eq(message_store_list(store_subject_store, "NO ROOM", &list, NULL),
                     ERROR_INVALID_ROOM);
    ck_assert_int_eq(store_subject_find("lobby", "no-id"), ERROR_MESSAGE_NOT_FOUND);
    for (enum error_code code = ERROR_NONE; code < ERROR_COUNT; code++) {
        ck_assert_uint_eq(counted(MESSAGE_STORE_LIST, code), 0);
        ck_assert_uint_eq(counted(MESSAGE_STORE_FIND, code), 0);
    }
    store_subject_close();
}
END_TEST

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
    store_subject_open(_i, 1000);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_exact(NULL, texts[i]);
        assert_exact(texts[i], texts[i]);
    }
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__keeps_each_control_character_exactly)
{
    store_subject_open(_i, 1000);
    char text[] = "a?b";
    for (char control = 1; control < 0x20; control++) {
        text[1] = control;
        assert_exact(text, text);
    }
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__keeps_the_longest_text_exactly)
{
    store_subject_open(_i, 1000);
    char text[4096 + 1] = "";
    memset(text, '\x01', 4096);
    assert_exact(NULL, text);
    for (size_t i = 0; i < 4096; i += 4)
        memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    assert_exact("Ada", text);
    store_subject_close();
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
    store_subject_open(_i, 1000000);
    char text[4096 + 1];
    size_t len = 0;
    for (uint32_t point = 1; point <= 0x10ffff; point++) {
        if (point == 0xd800)
            point = 0xe000;
        len += encode(point, text + len);
        if (len + 4 <= 4096 && point != 0x10ffff)
            continue;
        text[len] = '\0';
        struct message *message = store_subject_save("every", text, TTL_MS);
        ck_assert(message->text_len == len && memcmp(message->text, text, len) == 0);
        message_release(message);
        len = 0;
    }
    store_subject_close();
}
END_TEST

/* Order */

START_TEST(test_message_store__list_of_an_empty_room_is_empty)
{
    store_subject_open(_i, 10);
    struct message_list all = store_subject_list("nobody");
    ck_assert_uint_eq(all.count, 0);
    message_list_fini(&all);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__list_has_what_was_saved)
{
    store_subject_open(_i, 10);
    struct message *message = store_subject_save("lobby", "hello", TTL_MS);
    struct message_list all = store_subject_list("lobby");
    ck_assert_uint_eq(all.count, 1);
    store_subject_assert_same(all.messages[0], message);
    message_list_fini(&all);
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__list_is_soonest_to_expire_first)
{
    store_subject_open(_i, 10);
    store_subject_save_and_forget("lobby", "third", 3 * TTL_MS);
    store_subject_save_and_forget("lobby", "first", TTL_MS);
    store_subject_save_and_forget("lobby", "fourth", 4 * TTL_MS);
    store_subject_save_and_forget("lobby", "second", 2 * TTL_MS);
    struct message_list all = store_subject_list("lobby");
    ck_assert_uint_eq(all.count, 4);
    ck_assert_str_eq(all.messages[0]->text, "first");
    ck_assert_str_eq(all.messages[1]->text, "second");
    ck_assert_str_eq(all.messages[2]->text, "third");
    ck_assert_str_eq(all.messages[3]->text, "fourth");
    message_list_fini(&all);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__list_of_one_lifetime_is_in_order_of_acceptance)
{
    enum { MANY = 200 };
    store_subject_open(_i, 1000);
    char text[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        store_subject_save_and_forget("lobby", text, TTL_MS);
    }
    struct message_list all = store_subject_list("lobby");
    ck_assert_uint_eq(all.count, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_str_eq(all.messages[i]->text, text);
        if (i)
            ck_assert_uint_gt(all.messages[i]->number, all.messages[i - 1]->number);
    }
    message_list_fini(&all);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__list_says_the_last_number)
{
    store_subject_open(_i, 10);
    struct message *first = store_subject_save("lobby", "1", 2 * TTL_MS);
    struct message *second = store_subject_save("lobby", "2", TTL_MS);
    struct message_list before = store_subject_list("lobby");
    ck_assert_uint_ge(before.position.number, second->number);
    ck_assert_uint_gt(second->number, first->number);
    struct message *third = store_subject_save("lobby", "3", TTL_MS);
    ck_assert_uint_gt(third->number, before.position.number);
    message_list_fini(&before);
    message_release(first);
    message_release(second);
    message_release(third);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__epoch_stays)
{
    store_subject_open(_i, 10);
    store_subject_save_and_forget("lobby", "1", TTL_MS);
    struct message_list before = store_subject_list("lobby");
    store_subject_save_and_forget("lobby", "2", TTL_MS);
    struct message_list after = store_subject_list("lobby");
    ck_assert_uint_ne(before.position.epoch, 0);
    ck_assert_uint_eq(before.position.epoch, after.position.epoch);
    message_list_fini(&before);
    message_list_fini(&after);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__rooms_are_apart)
{
    store_subject_open(_i, 10);
    store_subject_save_and_forget("a", "1", TTL_MS);
    store_subject_save_and_forget("b", "2", TTL_MS);
    store_subject_save_and_forget("b", "3", TTL_MS);
    ck_assert_uint_eq(store_subject_count("a"), 1);
    ck_assert_uint_eq(store_subject_count("b"), 2);
    ck_assert_uint_eq(store_subject_count("c"), 0);
    store_subject_close();
}
END_TEST

/* Expiry */

START_TEST(test_message_store__expired_message_is_gone_and_not_before)
{
    store_subject_open(_i, 10);
    struct message *message = store_subject_save("lobby", "short", SHORT_TTL_MS);
    store_subject_outlive(_i, message);
    ck_assert_uint_eq(store_subject_count("lobby"), 0);
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__only_the_expired_are_gone)
{
    store_subject_open(_i, 10);
    store_subject_save_and_forget("lobby", "long", TTL_MS);
    struct message *message = store_subject_save("lobby", "short", SHORT_TTL_MS);
    store_subject_outlive(_i, message);
    struct message_list all = store_subject_list("lobby");
    ck_assert_uint_eq(all.count, 1);
    ck_assert_str_eq(all.messages[0]->text, "long");
    message_list_fini(&all);
    message_release(message);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__found_message_keeps_its_end)
{
    store_subject_open(_i, 10);
    uint64_t begin_us = clock_monotonic_us(store_subject_clock(_i));
    struct message *saved = store_subject_save("lobby", "hello", TTL_MS), *found;
    if (_i == STORE_SUBJECT_MEMORY)
        store_subject_advance_us(1234567);
    ck_assert_int_eq(message_store_find(store_subject_store, "lobby", saved->id, &found, NULL),
                     ERROR_NONE);
    uint64_t now_us = clock_monotonic_us(store_subject_clock(_i));
    ck_assert_int_eq(found->expires_at_ms, saved->expires_at_ms);
    ck_assert_uint_le(found->deadline_us, now_us + TTL_MS * 1000u);
    /* Redis answers in whole milliseconds, and the answer to the save may be read late. */
    ck_assert_uint_ge(found->deadline_us + 1000, begin_us + TTL_MS * 1000u);
    if (_i == STORE_SUBJECT_MEMORY)
        ck_assert_uint_eq(found->deadline_us, saved->deadline_us);
    message_release(saved);
    message_release(found);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__room_that_comes_again_counts_on)
{
    store_subject_open(_i, 10);
    struct message *first = store_subject_save("lobby", "1", SHORT_TTL_MS);
    store_subject_outlive(_i, first);
    struct message *second = store_subject_save("lobby", "2", TTL_MS);
    ck_assert_uint_gt(second->number, first->number);
    ck_assert_str_ne(second->id, first->id);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

/* Memory alone, where only a fake clock shows it */

START_TEST(test_message_store__wall_clock_that_steps_back_delays_no_end)
{
    store_subject_open(STORE_SUBJECT_MEMORY, 10);
    struct message *first = store_subject_save("lobby", "first", 2 * TTL_MS);
    store_subject_wall_back_us(3600u * 1000000u);
    struct message *second = store_subject_save("lobby", "second", 4 * TTL_MS);
    store_subject_outlive(STORE_SUBJECT_MEMORY, first);
    ck_assert_uint_gt(second->number, first->number);
    ck_assert_uint_eq(store_subject_count("lobby"), 1);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__rooms_come_and_go_by_the_thousand)
{
    store_subject_open(STORE_SUBJECT_MEMORY, 10);
    char room[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(room, sizeof room, "room-%d", i);
        struct message *message = NULL;
        ck_assert_int_eq(
            store_subject_try_save(room, store_subject_draft(NULL, "x", 1000), "key", &message),
            ERROR_NONE);
        message_release(message);
        store_subject_advance_us(1000);
    }
    ck_assert_uint_eq(store_subject_count("room-1"), 0);
    ck_assert_uint_eq(store_subject_count("room-4999"), 1);
    store_subject_close();
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
    tcase_add_loop_test(tests, test_message_store__save_returns_the_message, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__save_dates_by_the_wall_clock, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__save_without_author_has_none, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_returns_what_was_saved, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_in_another_room_is_not_found, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_unknown_id_names_it, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__find_wrong_ids_is_not_found, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__invalid_room_is_refused, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__check_reaches_the_store, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__calls_are_counted_by_kind_and_outcome, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__repeat_is_a_call_and_no_message_more, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__what_is_malformed_is_no_call, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_awkward_texts_exactly, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_each_control_character_exactly, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_the_longest_text_exactly, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__keeps_every_character_exactly, 0,
                        STORE_SUBJECT_COUNT);
}

static void add_listing(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__list_of_an_empty_room_is_empty, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_has_what_was_saved, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_is_soonest_to_expire_first, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_of_one_lifetime_is_in_order_of_acceptance,
                        0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__list_says_the_last_number, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__epoch_stays, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__rooms_are_apart, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__expired_message_is_gone_and_not_before, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__only_the_expired_are_gone, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__found_message_keeps_its_end, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__room_that_comes_again_counts_on, 0,
                        STORE_SUBJECT_COUNT);
}

static Suite *message_store_suite(void)
{
    Suite *suite = suite_create("message_store");
    TCase *tests = tcase_create("every backend");
    tcase_set_timeout(tests, 60);
    add_saving(tests);
    add_listing(tests);
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
    return store_subject_run(message_store_suite());
}
