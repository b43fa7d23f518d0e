/*
 * The contract of watching in message_store.h, for every backend. How a store behind a connection
 * keeps it when that breaks is in test_redis_watch.c.
 */
#include "recorder.h"
#include "store_subject.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS = 8, ROUNDS = 40, ROOM_MAX_MESSAGES = 1000 };

static struct recorder recorder;

static void open_silent(int subject)
{
    store_subject_open(subject, ROOM_MAX_MESSAGES);
    recorder_init(&recorder);
}

static void open_store(int subject)
{
    open_silent(subject);
    struct message_store_listener listener = recorder_listener(&recorder);
    message_store_listen(store_subject_store, &listener);
}

static void close_store(void)
{
    store_subject_close();
    recorder_fini(&recorder);
}

static struct message *save_with_key(const char *room, const char *text, const char *key)
{
    struct message *message = NULL;
    ck_assert_int_eq(
        store_subject_try_save(room, store_subject_draft(NULL, text, TTL_MS), key, &message),
        ERROR_NONE);
    return message;
}

static struct message *save(const char *room, const char *text)
{
    return save_with_key(room, text, NULL);
}

static void save_and_forget(const char *room, const char *text)
{
    message_release(save(room, text));
}

static void watch(const char *room)
{
    size_t synced = recorder_count(&recorder, RECORD_SYNCED, room);
    ck_assert(message_store_watch(store_subject_store, room));
    recorder_await(&recorder, RECORD_SYNCED, room, synced + 1);
}

/* Waits until the listener was called for every save up to now. Rooms have no common order, but a
 * store reports messages in the order in which it gets them. */
static void await_all_reported(void)
{
    watch("barrier");
    size_t added = recorder_count(&recorder, RECORD_ADDED, "barrier");
    save_and_forget("barrier", "x");
    recorder_await(&recorder, RECORD_ADDED, "barrier", added + 1);
    message_store_unwatch(store_subject_store, "barrier");
}

START_TEST(test_message_watch__empty_room_is_synced_with_nothing)
{
    open_store(_i);
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    ck_assert_uint_eq(synced.count, 0);
    ck_assert_int_eq(synced.position.epoch == 0, synced.position.number == 0);
    close_store();
}
END_TEST

START_TEST(test_message_watch__is_synced_with_what_is_there)
{
    open_store(_i);
    struct message *messages[3];
    for (int i = 0; i < 3; i++)
        messages[i] = save("lobby", "x");
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 1);
    ck_assert_uint_eq(synced.count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(synced.messages[i]->id, messages[i]->id);
        message_release(messages[i]);
    }
    ck_assert_uint_ge(synced.position.number, synced.messages[2]->number);
    ck_assert_uint_ne(synced.position.epoch, 0);
    close_store();
}
END_TEST

START_TEST(test_message_watch__new_message_is_added_whole)
{
    open_store(_i);
    watch("lobby");
    struct message *saved = save("lobby", "hello");
    struct record added = recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    const struct message *message = added.messages[0];
    ck_assert_str_eq(message->id, saved->id);
    ck_assert_str_eq(message->json, saved->json);
    ck_assert_uint_eq(message->number, saved->number);
    ck_assert_int_eq(message->expires_at_ms, saved->expires_at_ms);
    struct message_list list = {0};
    ck_assert_int_eq(message_store_list(store_subject_store, "lobby", &list, NULL), ERROR_NONE);
    ck_assert_uint_eq(added.position.epoch, list.position.epoch);
    message_list_fini(&list);
    message_release(saved);
    close_store();
}
END_TEST

START_TEST(test_message_watch__added_message_ends_when_it_should)
{
    open_store(_i);
    watch("lobby");
    uint64_t before_us = clock_monotonic_us(store_subject_clock(_i));
    save_and_forget("lobby", "hello");
    uint64_t after_us = clock_monotonic_us(store_subject_clock(_i));
    struct record added = recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    uint64_t deadline_us = added.messages[0]->deadline_us;
    ck_assert_uint_ge(deadline_us + 1000, before_us + TTL_MS * 1000u);
    ck_assert_uint_le(deadline_us, after_us + TTL_MS * 1000u + 100 * 1000u);
    close_store();
}
END_TEST

START_TEST(test_message_watch__added_follows_synced_in_order)
{
    enum { MANY = 200 };
    open_store(_i);
    save_and_forget("lobby", "before");
    watch("lobby");
    for (int i = 0; i < MANY; i++)
        save_and_forget("lobby", "x");
    recorder_await_view(&recorder, "lobby", MANY + 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_SYNCED, "lobby"), 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), MANY);
    close_store();
}
END_TEST

struct writer {
    pthread_t thread;
    struct message *messages[ROUNDS];
};

static void *write_messages(void *argument)
{
    struct writer *writer = argument;
    for (int i = 0; i < ROUNDS; i++)
        writer->messages[i] = save("busy", "x");
    return NULL;
}

static void start_writers(struct writer writers[WRITERS])
{
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_messages, &writers[i]), 0);
}

static void assert_all_seen(struct writer writers[WRITERS])
{
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    recorder_await_view(&recorder, "busy", WRITERS * ROUNDS);
    struct room_view view = recorder_view(&recorder, "busy");
    for (int i = 0; i < WRITERS; i++) {
        for (int j = 0; j < ROUNDS; j++) {
            ck_assert(room_view_has(&view, writers[i].messages[j]->id));
            message_release(writers[i].messages[j]);
        }
    }
    room_view_fini(&view);
}

START_TEST(test_message_watch__concurrent_writers_are_all_seen_once_in_order)
{
    open_store(_i);
    struct writer writers[WRITERS];
    watch("busy");
    start_writers(writers);
    assert_all_seen(writers);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "busy"), WRITERS * ROUNDS);
    close_store();
}
END_TEST

START_TEST(test_message_watch__begun_between_writes_misses_nothing)
{
    open_store(_i);
    struct writer writers[WRITERS];
    start_writers(writers);
    watch("busy");
    assert_all_seen(writers);
    close_store();
}
END_TEST

START_TEST(test_message_watch__begun_again_and_again_between_writes_misses_nothing)
{
    open_store(_i);
    struct writer writers[WRITERS];
    start_writers(writers);
    watch("busy");
    for (int i = 0; i < 10; i++)
        watch("busy");
    assert_all_seen(writers);
    close_store();
}
END_TEST

START_TEST(test_message_watch__second_watch_is_synced_again_and_hears_once)
{
    open_store(_i);
    watch("lobby");
    save_and_forget("lobby", "1");
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    watch("lobby");
    struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", 2);
    ck_assert_uint_eq(synced.count, 1);
    save_and_forget("lobby", "2");
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 2);
    close_store();
}
END_TEST

START_TEST(test_message_watch__unwatched_room_is_silent)
{
    open_store(_i);
    watch("lobby");
    message_store_unwatch(store_subject_store, "lobby");
    save_and_forget("lobby", "x");
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 0);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_SYNCED, "lobby"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__room_is_heard_until_the_last_unwatch)
{
    open_store(_i);
    watch("lobby");
    watch("lobby");
    message_store_unwatch(store_subject_store, "lobby");
    save_and_forget("lobby", "1");
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    message_store_unwatch(store_subject_store, "lobby");
    save_and_forget("lobby", "2");
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__unwatch_of_what_is_not_watched_does_nothing)
{
    open_store(_i);
    message_store_unwatch(store_subject_store, "lobby");
    watch("lobby");
    message_store_unwatch(store_subject_store, "lobby");
    message_store_unwatch(store_subject_store, "lobby");
    watch("lobby");
    save_and_forget("lobby", "x");
    recorder_await(&recorder, RECORD_ADDED, "lobby", 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__watched_again_is_synced_with_what_came_in_between)
{
    open_store(_i);
    for (unsigned i = 0; i < 20; i++) {
        watch("lobby");
        struct record synced = recorder_await(&recorder, RECORD_SYNCED, "lobby", i + 1);
        ck_assert_uint_eq(synced.count, i);
        message_store_unwatch(store_subject_store, "lobby");
        save_and_forget("lobby", "x");
    }
    close_store();
}
END_TEST

START_TEST(test_message_watch__repeat_by_key_is_not_added)
{
    open_store(_i);
    watch("lobby");
    for (int i = 0; i < 3; i++)
        message_release(save_with_key("lobby", "x", "key"));
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__refused_message_is_not_added)
{
    open_store(_i);
    watch("lobby");
    message_release(save_with_key("lobby", "x", "key"));
    char text[] = "y";
    struct draft draft = {.text = text, .text_len = 1, .ttl_ms = TTL_MS};
    struct message *message = NULL;
    ck_assert_int_eq(
        message_store_save(store_subject_store, "lobby", &draft, "key", &message, NULL),
        ERROR_IDEMPOTENCY_KEY_REUSED);
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "lobby"), 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__rooms_are_apart)
{
    open_store(_i);
    watch("a");
    watch("b");
    save_and_forget("a", "1");
    save_and_forget("b", "2");
    save_and_forget("b", "3");
    save_and_forget("c", "4");
    await_all_reported();
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "a"), 1);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "b"), 2);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_ADDED, "c"), 0);
    ck_assert_uint_eq(recorder_count(&recorder, RECORD_SYNCED, "c"), 0);
    close_store();
}
END_TEST

START_TEST(test_message_watch__needs_a_room_and_a_listener)
{
    open_silent(_i);
    ck_assert(!message_store_watch(store_subject_store, "lobby"));
    struct message_store_listener listener = recorder_listener(&recorder);
    message_store_listen(store_subject_store, &listener);
    ck_assert(!message_store_watch(store_subject_store, ""));
    ck_assert(!message_store_watch(store_subject_store, "No}Room"));
    ck_assert(message_store_watch(store_subject_store, "lobby"));
    close_store();
}
END_TEST

static void *watch_and_unwatch(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    char room[16];
    for (int i = 0; i < 300; i++) {
        snprintf(room, sizeof room, "room-%d", rand_r(&seed) % 5);
        ck_assert(message_store_watch(store_subject_store, room));
        if (i % 10 == 0)
            save_and_forget(room, "x");
        message_store_unwatch(store_subject_store, room);
    }
    return NULL;
}

START_TEST(test_message_watch__many_threads_come_and_go)
{
    open_store(_i);
    pthread_t threads[WRITERS];
    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, watch_and_unwatch, (void *)(i + 1));
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    watch("room-0");
    /* The watches of the threads may bring one more list of the room, with the message in it. */
    await_all_reported();
    size_t added = recorder_count(&recorder, RECORD_ADDED, "room-0");
    save_and_forget("room-0", "x");
    recorder_await(&recorder, RECORD_ADDED, "room-0", added + 1);
    close_store();
}
END_TEST

START_TEST(test_message_watch__store_may_go_while_it_is_watched)
{
    open_store(_i);
    ck_assert(message_store_watch(store_subject_store, "lobby"));
    save_and_forget("lobby", "x");
    close_store();
}
END_TEST

static void add(TCase *tests, const TTest *test)
{
    tcase_add_loop_test(tests, test, 0, STORE_SUBJECT_COUNT);
}

static Suite *message_watch_suite(void)
{
    Suite *suite = suite_create("message_watch");
    TCase *tests = tcase_create("every backend");
    tcase_set_timeout(tests, 60);
    add(tests, test_message_watch__empty_room_is_synced_with_nothing);
    add(tests, test_message_watch__is_synced_with_what_is_there);
    add(tests, test_message_watch__new_message_is_added_whole);
    add(tests, test_message_watch__added_message_ends_when_it_should);
    add(tests, test_message_watch__added_follows_synced_in_order);
    add(tests, test_message_watch__concurrent_writers_are_all_seen_once_in_order);
    add(tests, test_message_watch__begun_between_writes_misses_nothing);
    add(tests, test_message_watch__begun_again_and_again_between_writes_misses_nothing);
    add(tests, test_message_watch__second_watch_is_synced_again_and_hears_once);
    add(tests, test_message_watch__unwatched_room_is_silent);
    add(tests, test_message_watch__room_is_heard_until_the_last_unwatch);
    add(tests, test_message_watch__unwatch_of_what_is_not_watched_does_nothing);
    add(tests, test_message_watch__watched_again_is_synced_with_what_came_in_between);
    add(tests, test_message_watch__repeat_by_key_is_not_added);
    add(tests, test_message_watch__refused_message_is_not_added);
    add(tests, test_message_watch__rooms_are_apart);
    add(tests, test_message_watch__needs_a_room_and_a_listener);
    add(tests, test_message_watch__many_threads_come_and_go);
    add(tests, test_message_watch__store_may_go_while_it_is_watched);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return store_subject_run(message_watch_suite());
}
