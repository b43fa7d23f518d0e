/*
 * Rooms that come and go: they are opened for those who use them, who wait for the source, and are
 * let go when nobody has for a while or when others need the place.
 */
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

START_TEST(test_live_room_use__is_opened_once_however_many_use_it)
{
    struct live_room *again = rooms_use("lobby");
    ck_assert_ptr_eq(again, lobby);
    ck_assert_uint_eq(rooms_source.opened, 1);
    live_room_release(again);
}
END_TEST

START_TEST(test_live_room_use__is_found_only_where_it_is_open)
{
    ck_assert_ptr_null(live_rooms_find(rooms, "other"));
    struct live_room *found = live_rooms_find(rooms, "lobby");
    ck_assert_ptr_eq(found, lobby);
    live_room_release(found);
    ck_assert_uint_eq(rooms_source.opened, 1);
}
END_TEST

START_TEST(test_live_room_use__waits_no_longer_than_it_may)
{
    struct live_room *room = NULL;
    rooms_source.silent = true;
    ck_assert_int_eq(live_rooms_use(rooms, "other", 20, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_int_eq(live_rooms_use(rooms, "other", 0, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(room);
    ck_assert_uint_eq(rooms_source.opened, 2);
    room = live_rooms_find(rooms, "other");
    live_source_sync(room, NULL, 0, event_id_nothing("other"));
    live_room_release(room);
    live_room_release(rooms_use("other"));
}
END_TEST

static void *use_silent_room(void *ret_code)
{
    struct live_room *room = NULL;
    *(enum error_code *)ret_code = live_rooms_use(rooms, "other", 60000, &room, NULL);
    live_room_release(room);
    return NULL;
}

static struct live_room *await_room(const char *name)
{
    struct live_room *room;
    while (!(room = live_rooms_find(rooms, name)))
        sched_yield();
    return room;
}

START_TEST(test_live_room_use__who_waits_is_told_that_the_source_is_unreachable)
{
    pthread_t thread;
    enum error_code code = ERROR_NONE;
    struct live_room *room = NULL;
    rooms_source.silent = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_silent_room, &code), 0);
    room = await_room("other");
    live_source_unreachable(room);
    pthread_join(thread, NULL);
    ck_assert_int_eq(code, ERROR_UNAVAILABLE);
    code = ERROR_NONE;
    use_silent_room(&code);
    ck_assert_int_eq(code, ERROR_UNAVAILABLE);
    live_source_sync(room, NULL, 0, event_id_nothing("other"));
    use_silent_room(&code);
    ck_assert_int_eq(code, ERROR_NONE);
    live_room_release(room);
}
END_TEST

START_TEST(test_live_room_use__who_waits_is_told_that_the_room_is_synchronised)
{
    pthread_t thread;
    enum error_code code = ERROR_TIMEOUT;
    rooms_source.silent = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_silent_room, &code), 0);
    struct live_room *room = await_room("other");
    live_source_sync(room, NULL, 0, event_id_nothing("other"));
    pthread_join(thread, NULL);
    ck_assert_int_eq(code, ERROR_NONE);
    live_room_release(room);
}
END_TEST

START_TEST(test_live_room_use__once_known_it_is_served_while_the_source_is_away)
{
    lobby_add(1);
    live_source_unreachable(lobby);
    struct live_room *again = rooms_use("lobby");
    lobby_expect_list("1");
    live_room_release(again);
}
END_TEST

START_TEST(test_live_room_use__what_could_not_be_opened_is_opened_anew)
{
    struct live_room *room = NULL;
    rooms_source.fails = true;
    ck_assert_int_eq(live_rooms_use(rooms, "other", 60000, &room, NULL), ERROR_INTERNAL);
    ck_assert_ptr_null(room);
    rooms_source.fails = false;
    rooms_pass(1);
    live_room_release(rooms_use("marker"));
    rooms_pass((ROOMS_LINGER_S + ROOMS_KEEP_ALIVE_S) * SECOND_US);
    rooms_wake_timer();
    rooms_await_closed(1); /* of the marker: the other was due before */
    live_room_release(rooms_use("other"));
    ck_assert_uint_eq(rooms_source.opened, 4);
}
END_TEST

START_TEST(test_live_room_use__idlest_makes_room_for_a_new_one)
{
    live_room_release(rooms_use("a"));
    rooms_pass(1);
    live_room_release(rooms_use("b"));
    rooms_pass(1);
    live_room_release(rooms_use("c"));
    rooms_pass(1);
    live_room_release(rooms_use("a"));
    ck_assert_uint_eq(rooms_source.closed, 0);
    live_room_release(rooms_use("d"));
    ck_assert_uint_eq(rooms_source.closed, 1);
    ck_assert_str_eq(rooms_source.last_closed, "b");
    live_room_release(rooms_use("e"));
    ck_assert_uint_eq(rooms_source.closed, 2);
    ck_assert_str_eq(rooms_source.last_closed, "c");
}
END_TEST

START_TEST(test_live_room_use__where_all_are_in_use_there_is_no_room)
{
    struct live_room *used[] = {rooms_use("a"), rooms_use("b"), rooms_use("c")};
    struct live_room *room = NULL;
    ck_assert_int_eq(live_rooms_use(rooms, "d", 1000, &room, NULL), ERROR_UNAVAILABLE);
    ck_assert_ptr_null(room);
    live_room_release(rooms_use("a"));
    ck_assert_uint_eq(rooms_source.opened, ROOMS_MAX);
    live_room_release(used[1]);
    live_room_release(rooms_use("d"));
    ck_assert_str_eq(rooms_source.last_closed, "b");
    live_room_release(used[0]);
    live_room_release(used[2]);
}
END_TEST

START_TEST(test_live_room_use__room_with_a_subscriber_is_in_use)
{
    struct reader reader;
    struct live_room *a = rooms_use("a");
    struct live_room *used[] = {rooms_use("b"), rooms_use("c")};
    struct live_room *room = NULL;
    reader_subscribe(&reader, a, NULL);
    live_room_release(a);
    ck_assert_int_eq(live_rooms_use(rooms, "d", 1000, &room, NULL), ERROR_UNAVAILABLE);
    reader_leave(&reader);
    live_room_release(rooms_use("d"));
    ck_assert_str_eq(rooms_source.last_closed, "a");
    live_room_release(used[0]);
    live_room_release(used[1]);
}
END_TEST

START_TEST(test_live_room_use__is_let_go_once_after_its_linger_and_not_while_in_use)
{
    rooms_pass(1);
    live_room_release(rooms_use("other"));
    rooms_pass((ROOMS_LINGER_S + ROOMS_KEEP_ALIVE_S) * SECOND_US);
    rooms_wake_timer();
    rooms_await_closed(1);
    ck_assert_str_eq(rooms_source.last_closed, "other");
    ck_assert_ptr_null(live_rooms_find(rooms, "other"));
    /* The lobby, which is in use, was due before. */
    live_room_release(live_rooms_find(rooms, "lobby"));
    ck_assert_uint_eq(rooms_source.opened, 3);
    live_room_release(rooms_use("other"));
    ck_assert_uint_eq(rooms_source.opened, 4);
}
END_TEST

START_TEST(test_live_room_use__is_kept_for_its_linger)
{
    live_room_release(rooms_use("other"));
    rooms_pass(1);
    live_room_release(rooms_use("marker"));
    rooms_pass(1);
    live_room_release(rooms_use("other"));
    rooms_pass(ROOMS_LINGER_S * SECOND_US - 1);
    rooms_wake_timer();
    rooms_await_closed(
        1); /* of the marker: the other, which was due before, was looked at and kept */
    ck_assert_str_eq(rooms_source.last_closed, "marker");
    live_room_release(rooms_use("other"));
    ck_assert_uint_eq(rooms_source.opened, 4);
}
END_TEST

START_TEST(test_live_room_use__rooms_left_at_the_end_are_closed_once)
{
    struct live_rooms *kept = rooms;
    rooms = rooms_make(&rooms_clock, false);
    live_room_release(rooms_use("a"));
    live_room_release(rooms_use("b"));
    live_room_release(rooms_use("c"));
    live_rooms_free(rooms);
    ck_assert_uint_eq(rooms_source.closed, 3);
    rooms = kept;
}
END_TEST

START_TEST(test_live_room_use__no_rooms_are_freed)
{
    live_rooms_free(NULL);
    live_rooms_free(rooms_make(&rooms_clock, false));
    live_room_release(NULL);
}
END_TEST

/* The source may add to a room until close returns, when the timer does not know it any more. */
static void add_soon_ending(struct live_room *room)
{
    struct message *message = lobby_message(1, FIRST_NUMBER + 1, 1000);
    live_source_add(room, message, event_id_make(live_room_name(room), EPOCH, FIRST_NUMBER + 1));
    message_release(message);
}

START_TEST(test_live_room_use__source_may_add_while_a_room_is_let_go)
{
    rooms_source.on_close = add_soon_ending;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rooms_pass(1);
        live_room_release(rooms_use(names[i]));
    }
    rooms_pass((ROOMS_LINGER_S + ROOMS_KEEP_ALIVE_S) * SECOND_US);
    rooms_wake_timer();
}
END_TEST

static Suite *live_room_use_suite(void)
{
    Suite *suite = suite_create("live_room_use");
    TCase *tests = tcase_create("use");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, lobby_set_up, lobby_tear_down);
    tcase_add_test(tests, test_live_room_use__is_opened_once_however_many_use_it);
    tcase_add_test(tests, test_live_room_use__is_found_only_where_it_is_open);
    tcase_add_test(tests, test_live_room_use__waits_no_longer_than_it_may);
    tcase_add_test(tests, test_live_room_use__who_waits_is_told_that_the_source_is_unreachable);
    tcase_add_test(tests, test_live_room_use__who_waits_is_told_that_the_room_is_synchronised);
    tcase_add_test(tests, test_live_room_use__once_known_it_is_served_while_the_source_is_away);
    tcase_add_test(tests, test_live_room_use__what_could_not_be_opened_is_opened_anew);
    tcase_add_test(tests, test_live_room_use__idlest_makes_room_for_a_new_one);
    tcase_add_test(tests, test_live_room_use__where_all_are_in_use_there_is_no_room);
    tcase_add_test(tests, test_live_room_use__room_with_a_subscriber_is_in_use);
    tcase_add_test(tests, test_live_room_use__is_let_go_once_after_its_linger_and_not_while_in_use);
    tcase_add_test(tests, test_live_room_use__is_kept_for_its_linger);
    tcase_add_test(tests, test_live_room_use__rooms_left_at_the_end_are_closed_once);
    tcase_add_test(tests, test_live_room_use__no_rooms_are_freed);
    tcase_add_test(tests, test_live_room_use__source_may_add_while_a_room_is_let_go);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_use_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
