/*
 * How many of each kind a client has open, and that nothing is left of one that has nothing.
 */
#include "clients.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

enum { MANY = 20000, THREADS = 4, ROUNDS = 5000 };

static struct clients *clients;

static void set_up(void)
{
    clients = clients_new(
        (const unsigned[CLIENTS_KINDS]){[CLIENTS_CONNECTION] = 3, [CLIENTS_STREAM] = 2});
    ck_assert_ptr_nonnull(clients);
}

static void tear_down(void)
{
    clients_free(clients);
}

static struct client *open_one(unsigned number, enum clients_kind kind)
{
    uint8_t key[CLIENT_KEY_SIZE] = {0x20, 0x01, (uint8_t)(number >> 8), (uint8_t)number};
    return clients_open(clients, key, kind);
}

START_TEST(test_clients__so_many_and_no_more)
{
    struct client *first = open_one(1, CLIENTS_STREAM);
    struct client *second = open_one(1, CLIENTS_STREAM);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_null(open_one(1, CLIENTS_STREAM));
    clients_close(first, CLIENTS_STREAM);
    ck_assert_ptr_nonnull(open_one(1, CLIENTS_STREAM));
    ck_assert_ptr_null(open_one(1, CLIENTS_STREAM));
    clients_close(first, CLIENTS_STREAM);
    clients_close(first, CLIENTS_STREAM);
}
END_TEST

START_TEST(test_clients__each_kind_counts_for_itself)
{
    struct client *client = open_one(1, CLIENTS_STREAM);
    ck_assert_ptr_nonnull(open_one(1, CLIENTS_STREAM));
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(open_one(1, CLIENTS_CONNECTION), client);
    ck_assert_ptr_null(open_one(1, CLIENTS_CONNECTION));
    clients_close(client, CLIENTS_STREAM);
    clients_close(client, CLIENTS_STREAM);
    ck_assert_ptr_null(open_one(1, CLIENTS_CONNECTION));
    for (int i = 0; i < 3; i++)
        clients_close(client, CLIENTS_CONNECTION);
}
END_TEST

START_TEST(test_clients__many_do_not_share)
{
    static struct client *opened[MANY];
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(opened[i] = open_one(i, CLIENTS_STREAM));
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(open_one(i, CLIENTS_STREAM), opened[i]);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_null(open_one(i, CLIENTS_STREAM));
    for (unsigned i = 0; i < MANY; i++) {
        clients_close(opened[i], CLIENTS_STREAM);
        clients_close(opened[i], CLIENTS_STREAM);
    }
}
END_TEST

START_TEST(test_clients__zero_is_any_number)
{
    struct clients *unlimited = clients_new((const unsigned[CLIENTS_KINDS]){0});
    const uint8_t key[CLIENT_KEY_SIZE] = {0};
    struct client *client = NULL;
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(client = clients_open(unlimited, key, CLIENTS_CONNECTION));
    for (int i = 0; i < MANY; i++)
        clients_close(client, CLIENTS_CONNECTION);
    clients_free(unlimited);
}
END_TEST

static void *open_and_close(void *context)
{
    (void)context;
    for (int round = 0; round < ROUNDS; round++) {
        struct client *client = open_one(7, CLIENTS_STREAM);
        if (client)
            clients_close(client, CLIENTS_STREAM);
    }
    return NULL;
}

START_TEST(test_clients__threads_leave_no_count_behind)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct client *client = open_one(7, CLIENTS_STREAM);
    ck_assert_ptr_nonnull(open_one(7, CLIENTS_STREAM));
    ck_assert_ptr_null(open_one(7, CLIENTS_STREAM));
    clients_close(client, CLIENTS_STREAM);
    clients_close(client, CLIENTS_STREAM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clients");
    TCase *tests = tcase_create("clients");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_clients__so_many_and_no_more);
    tcase_add_test(tests, test_clients__each_kind_counts_for_itself);
    tcase_add_test(tests, test_clients__many_do_not_share);
    tcase_add_test(tests, test_clients__zero_is_any_number);
    tcase_add_test(tests, test_clients__threads_leave_no_count_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
