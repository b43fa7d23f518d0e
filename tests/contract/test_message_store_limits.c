/*
 * The contract of message_store.h under pressure, for every backend: repeats with a key, full
 * rooms, and many threads at once.
 */
#include "store_subject.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 25 };

/* Idempotency */

static struct message *save_with_key(const char *room, struct draft draft, const char *key)
{
    struct message *message = NULL;
    ck_assert_int_eq(store_subject_try_save(room, draft, key, &message), ERROR_NONE);
    return message;
}

START_TEST(test_message_store__same_key_and_draft_is_one_message)
{
    store_subject_open(_i, 10);
    struct draft draft = store_subject_draft("Ada", "hello", TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    struct message *second = save_with_key("lobby", draft, "key");
    store_subject_assert_same(first, second);
    ck_assert_uint_eq(store_subject_count("lobby"), 1);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__same_key_and_another_draft_is_refused)
{
    store_subject_open(_i, 10);
    const struct draft others[] = {
        store_subject_draft("Ada", "hello!", TTL_MS),
        store_subject_draft("Ada", "hell", TTL_MS),
        store_subject_draft("Eve", "hello", TTL_MS),
        store_subject_draft(NULL, "hello", TTL_MS),
        store_subject_draft("Ada", "hello", TTL_MS + 1),
        store_subject_draft("Ada", "hello", TTL_MS - 1),
        store_subject_draft(NULL, "Ada hello", TTL_MS),
    };
    message_release(save_with_key("lobby", store_subject_draft("Ada", "hello", TTL_MS), "key"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct message *message = NULL;
        ck_assert_int_eq(store_subject_try_save("lobby", others[i], "key", &message),
                         ERROR_IDEMPOTENCY_KEY_REUSED);
        ck_assert_ptr_null(message);
    }
    ck_assert_uint_eq(store_subject_count("lobby"), 1);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__author_added_to_a_repeat_is_another_draft)
{
    store_subject_open(_i, 10);
    struct message *message = NULL;
    message_release(save_with_key("lobby", store_subject_draft(NULL, "hello", TTL_MS), "key"));
    ck_assert_int_eq(store_subject_try_save("lobby", store_subject_draft("Ada", "hello", TTL_MS),
                                            "key", &message),
                     ERROR_IDEMPOTENCY_KEY_REUSED);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__key_belongs_to_its_room)
{
    store_subject_open(_i, 10);
    struct message *a = save_with_key("a", store_subject_draft(NULL, "hello", TTL_MS), "key");
    struct message *b = save_with_key("b", store_subject_draft(NULL, "other", TTL_MS), "key");
    ck_assert_str_ne(a->id, b->id);
    message_release(a);
    message_release(b);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__other_keys_and_none_are_other_messages)
{
    store_subject_open(_i, 10);
    struct draft draft = store_subject_draft("Ada", "hello", TTL_MS);
    message_release(save_with_key("lobby", draft, "key"));
    message_release(save_with_key("lobby", draft, "Key"));
    message_release(save_with_key("lobby", draft, "key2"));
    message_release(save_with_key("lobby", draft, NULL));
    message_release(save_with_key("lobby", draft, NULL));
    ck_assert_uint_eq(store_subject_count("lobby"), 5);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__key_is_free_again_after_the_message)
{
    store_subject_open(_i, 10);
    struct message *first =
        save_with_key("lobby", store_subject_draft("Ada", "1", SHORT_TTL_MS), "key");
    store_subject_save_and_forget("lobby", "keeps the room", TTL_MS);
    store_subject_outlive(_i, first);
    struct message *second = save_with_key("lobby", store_subject_draft("Ada", "2", TTL_MS), "key");
    ck_assert_str_ne(second->id, first->id);
    ck_assert_int_eq(store_subject_find("lobby", second->id), ERROR_NONE);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__same_draft_after_the_message_is_a_new_one)
{
    store_subject_open(_i, 10);
    struct draft draft = store_subject_draft("Ada", "1", SHORT_TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    store_subject_outlive(_i, first);
    struct message *second = save_with_key("lobby", draft, "key");
    ck_assert_str_ne(second->id, first->id);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__any_visible_key_serves)
{
    store_subject_open(_i, 1000);
    char key[] = "a?";
    for (char c = '!'; c <= '~'; c++) {
        key[1] = c;
        struct draft draft = store_subject_draft(NULL, key, TTL_MS);
        struct message *first = save_with_key("lobby", draft, key);
        struct message *second = save_with_key("lobby", draft, key);
        ck_assert_str_eq(first->id, second->id);
        message_release(first);
        message_release(second);
    }
    ck_assert_uint_eq(store_subject_count("lobby"), '~' - '!' + 1);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__key_at_its_longest)
{
    store_subject_open(_i, 10);
    char key[IDEMPOTENCY_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[IDEMPOTENCY_KEY_MAX] = '\0';
    struct draft draft = store_subject_draft(NULL, "x", TTL_MS);
    message_release(save_with_key("lobby", draft, key));
    key[IDEMPOTENCY_KEY_MAX - 1] = 'l';
    message_release(save_with_key("lobby", draft, key));
    ck_assert_uint_eq(store_subject_count("lobby"), 2);
    key[IDEMPOTENCY_KEY_MAX] = 'k';
    key[IDEMPOTENCY_KEY_MAX + 1] = '\0';
    struct message *message = NULL;
    ck_assert_int_eq(store_subject_try_save("lobby", draft, key, &message), ERROR_INTERNAL);
    store_subject_close();
}
END_TEST

/* A full room */

START_TEST(test_message_store__room_takes_as_many_as_it_may)
{
    store_subject_open(_i, 3);
    struct message *message = NULL;
    struct error err = {0};
    struct draft draft = store_subject_draft(NULL, "x", TTL_MS);
    for (int i = 0; i < 3; i++)
        store_subject_save_and_forget("lobby", "x", TTL_MS);
    ck_assert_int_eq(message_store_save(store_subject_store, "lobby", &draft, NULL, &message, &err),
                     ERROR_ROOM_FULL);
    ck_assert_ptr_null(message);
    ck_assert_uint_ge(err.retry_after_s, TTL_MS / 1000 - 10);
    ck_assert_uint_le(err.retry_after_s, TTL_MS / 1000);
    ck_assert_uint_eq(store_subject_count("lobby"), 3);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__full_room_names_its_soonest_end)
{
    store_subject_open(_i, 2);
    struct message *message = NULL;
    struct error err = {0};
    struct draft draft = store_subject_draft(NULL, "x", TTL_MS);
    store_subject_save_and_forget("lobby", "long", 100 * TTL_MS);
    store_subject_save_and_forget("lobby", "short", TTL_MS);
    ck_assert_int_eq(message_store_save(store_subject_store, "lobby", &draft, NULL, &message, &err),
                     ERROR_ROOM_FULL);
    ck_assert_uint_le(err.retry_after_s, TTL_MS / 1000);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__full_room_leaves_others_alone)
{
    store_subject_open(_i, 1);
    store_subject_save_and_forget("a", "x", TTL_MS);
    store_subject_save_and_forget("b", "x", TTL_MS);
    ck_assert_uint_eq(store_subject_count("a"), 1);
    ck_assert_uint_eq(store_subject_count("b"), 1);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__full_room_still_knows_a_repeat)
{
    store_subject_open(_i, 1);
    struct draft draft = store_subject_draft(NULL, "x", TTL_MS);
    struct message *first = save_with_key("lobby", draft, "key");
    struct message *second = save_with_key("lobby", draft, "key");
    ck_assert_str_eq(first->id, second->id);
    message_release(first);
    message_release(second);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__refused_save_leaves_no_record)
{
    store_subject_open(_i, 1);
    struct message *message = NULL;
    struct message *first = store_subject_save("lobby", "first", SHORT_TTL_MS);
    ck_assert_int_eq(
        store_subject_try_save("lobby", store_subject_draft(NULL, "1", TTL_MS), "key", &message),
        ERROR_ROOM_FULL);
    store_subject_outlive(_i, first);
    message_release(save_with_key("lobby", store_subject_draft(NULL, "2", TTL_MS), "key"));
    message_release(first);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__full_room_has_room_after_an_end)
{
    store_subject_open(_i, 2);
    store_subject_save_and_forget("lobby", "long", TTL_MS);
    struct message *message = store_subject_save("lobby", "short", SHORT_TTL_MS), *refused = NULL;
    ck_assert_int_eq(
        store_subject_try_save("lobby", store_subject_draft(NULL, "x", TTL_MS), NULL, &refused),
        ERROR_ROOM_FULL);
    store_subject_outlive(_i, message);
    store_subject_save_and_forget("lobby", "x", TTL_MS);
    ck_assert_uint_eq(store_subject_count("lobby"), 2);
    message_release(message);
    store_subject_close();
}
END_TEST

/* A room's bytes */

static enum error_code try_text(const char *author, const char *text, const char *key)
{
    struct message *message = NULL;
    enum error_code code =
        store_subject_try_save("lobby", store_subject_draft(author, text, TTL_MS), key, &message);
    message_release(message);
    return code;
}

START_TEST(test_message_store__room_takes_as_many_bytes_as_it_may)
{
    store_subject_open_sized(_i, 100, 10);
    ck_assert_int_eq(try_text(NULL, "1234567890-", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_text(NULL, "12345", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "123456", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_text(NULL, "12345", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "1", NULL), ERROR_ROOM_FULL);
    ck_assert_uint_eq(store_subject_count("lobby"), 2);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__author_counts_in_the_rooms_bytes)
{
    store_subject_open_sized(_i, 100, 10);
    ck_assert_int_eq(try_text("Adam", "1234567", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_text("Ada", "1234567", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "1", NULL), ERROR_ROOM_FULL);
    store_subject_close();
}
END_TEST

/* Neither characters nor the bytes of the JSON. */
START_TEST(test_message_store__rooms_bytes_are_those_of_utf8)
{
    store_subject_open_sized(_i, 100, 10);
    ck_assert_int_eq(try_text("\xc3\xa4", "\xf0\x9f\x8e\x89\"\\\n", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "\xc3\xa4", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_text(NULL, "\x01", NULL), ERROR_NONE);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__bytes_of_another_room_do_not_count)
{
    store_subject_open_sized(_i, 100, 10);
    store_subject_save_and_forget("a", "1234567", TTL_MS);
    store_subject_save_and_forget("b", "1234567", TTL_MS);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__repeat_takes_no_bytes)
{
    store_subject_open_sized(_i, 100, 10);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(try_text(NULL, "12345678", "key"), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "12", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "12345678", "key"), ERROR_NONE);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__bytes_come_back_when_a_message_ends)
{
    store_subject_open_sized(_i, 100, 10);
    struct message *message = NULL, *ending = store_subject_save("lobby", "123", SHORT_TTL_MS);
    struct error err = {0};
    struct draft draft = store_subject_draft(NULL, "12345", TTL_MS);
    ck_assert_int_eq(message_store_save(store_subject_store, "lobby", &draft, NULL, &message, &err),
                     ERROR_ROOM_FULL);
    ck_assert_uint_eq(err.retry_after_s, 1);
    store_subject_outlive(_i, ending);
    ck_assert_int_eq(try_text(NULL, "12345", NULL), ERROR_NONE);
    ck_assert_int_eq(try_text(NULL, "123456", NULL), ERROR_ROOM_FULL);
    ck_assert_int_eq(try_text(NULL, "12345", NULL), ERROR_NONE);
    message_release(ending);
    store_subject_close();
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
        if (store_subject_try_save("busy", store_subject_draft(NULL, "x", TTL_MS), writer->key,
                                   &writer->messages[i]))
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
    store_subject_open(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, NULL);
    struct message_list all = store_subject_list("busy");
    ck_assert_uint_eq(all.count, THREADS * ROUNDS);
    qsort(all.messages, all.count, sizeof(struct message *), compare_numbers);
    for (size_t i = 1; i < all.count; i++)
        ck_assert_uint_gt(all.messages[i]->number, all.messages[i - 1]->number);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ROUNDS; j++)
            ck_assert_int_eq(store_subject_find("busy", writers[i].messages[j]->id), ERROR_NONE);
    message_list_fini(&all);
    release_written(writers);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__each_thread_sees_its_numbers_increase)
{
    store_subject_open(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 1; j < ROUNDS; j++)
            ck_assert_uint_gt(writers[i].messages[j]->number, writers[i].messages[j - 1]->number);
    release_written(writers);
    store_subject_close();
}
END_TEST

START_TEST(test_message_store__threads_with_one_key_make_one_message)
{
    store_subject_open(_i, 1000);
    struct writer writers[THREADS];
    run_writers(writers, "key");
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ROUNDS; j++)
            ck_assert_str_eq(writers[i].messages[j]->id, writers[0].messages[0]->id);
    ck_assert_uint_eq(store_subject_count("busy"), 1);
    release_written(writers);
    store_subject_close();
}
END_TEST

static void add_idempotency(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__same_key_and_draft_is_one_message, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__same_key_and_another_draft_is_refused, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__author_added_to_a_repeat_is_another_draft, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_belongs_to_its_room, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__other_keys_and_none_are_other_messages, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_is_free_again_after_the_message, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__same_draft_after_the_message_is_a_new_one, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__any_visible_key_serves, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__key_at_its_longest, 0, STORE_SUBJECT_COUNT);
}

static void add_full_room_and_threads(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__room_takes_as_many_as_it_may, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_names_its_soonest_end, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_leaves_others_alone, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_still_knows_a_repeat, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__refused_save_leaves_no_record, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__full_room_has_room_after_an_end, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__threads_lose_and_double_nothing, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__each_thread_sees_its_numbers_increase, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__threads_with_one_key_make_one_message, 0,
                        STORE_SUBJECT_COUNT);
}

static void add_bytes(TCase *tests)
{
    tcase_add_loop_test(tests, test_message_store__room_takes_as_many_bytes_as_it_may, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__author_counts_in_the_rooms_bytes, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__rooms_bytes_are_those_of_utf8, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__bytes_of_another_room_do_not_count, 0,
                        STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__repeat_takes_no_bytes, 0, STORE_SUBJECT_COUNT);
    tcase_add_loop_test(tests, test_message_store__bytes_come_back_when_a_message_ends, 0,
                        STORE_SUBJECT_COUNT);
}

static Suite *message_store_limits_suite(void)
{
    Suite *suite = suite_create("message_store_limits");
    TCase *tests = tcase_create("every backend");
    tcase_set_timeout(tests, 60);
    add_idempotency(tests);
    add_full_room_and_threads(tests);
    add_bytes(tests);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return store_subject_run(message_store_limits_suite());
}
