/*
 * How messages end: at their deadline, not before it, and for everyone; and the timer that sees to
 * it.
 */
#include "live_listing.h"
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- expiring ---- */

START_TEST(test_live_room_expiry__expired_is_told_once_and_not_before_the_deadline)
{
    struct reader reader;
    lobby_add_for(1, SECOND_US);
    reader_subscribe(&reader, lobby, NULL);
    rooms_pass(SECOND_US - 1);
    lobby_tick();
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    rooms_pass(1);
    lobby_tick();
    reader_expect_told(&reader, "expired 1");
    lobby_tick();
    rooms_pass(SECOND_US);
    lobby_tick();
    reader_expect_told(&reader, "");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_expiry__tick_says_when_the_next_message_ends)
{
    uint64_t begin_us = rooms_now_us;
    ck_assert_uint_eq(lobby_tick(), begin_us + ROOMS_KEEP_ALIVE_S * SECOND_US);
    lobby_add_for(1, 3 * SECOND_US);
    lobby_add_for(2, 2 * SECOND_US);
    uint64_t next_us = lobby_tick();
    ck_assert_uint_gt(next_us, rooms_now_us);
    ck_assert_uint_le(next_us, begin_us + 2 * SECOND_US);
}
END_TEST

START_TEST(test_live_room_expiry__nothing_shows_an_expired_message)
{
    struct reader reader;
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 2);
    lobby_add(1);
    lobby_sync("1 2", 2);
    rooms_pass(60 * SECOND_US);
    switch (_i) {
    case 0: lobby_expect_list(""); break;
    case 1: ck_assert_ptr_null(live_room_message(lobby, id)); break;
    case 2:
        reader_subscribe(&reader, lobby, NULL);
        reader_expect_told(&reader, "retry; snapshot #2");
        reader_leave(&reader);
        break;
    default:
        reader_subscribe(&reader, lobby, lobby_id_text(1));
        reader_expect_told(&reader, "retry; resumed 0");
        reader_leave(&reader);
    }
}
END_TEST

START_TEST(test_live_room_expiry__message_is_shown_until_its_end)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 1);
    lobby_add_for(1, SECOND_US);
    rooms_pass(SECOND_US - 1);
    lobby_expect_list("1");
    struct message *message = live_room_message(lobby, id);
    ck_assert_ptr_nonnull(message);
    ck_assert_str_eq(message->id, id);
    message_release(message);
    ck_assert_ptr_null(live_room_message(lobby, "1"));
}
END_TEST

START_TEST(test_live_room_expiry__who_reads_at_the_deadline_tells_the_others)
{
    struct reader reader;
    lobby_add_for(1, SECOND_US);
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    rooms_pass(SECOND_US);
    lobby_expect_list("");
    reader_expect_told(&reader, "expired 1");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_expiry__slow_reader_is_not_sent_a_message_past_its_end)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_for(1, SECOND_US);
    lobby_add_for(2, 2 * SECOND_US);
    rooms_pass(SECOND_US);
    lobby_tick();
    reader_expect_told(&reader, "retry; snapshot #0; message 2 #2; expired 1");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_expiry__message_that_comes_past_its_end_only_moves_the_id)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_for(1, 0);
    lobby_expect_list("");
    reader_expect_told(&reader, "retry; snapshot #0");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot #1");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_expiry__message_that_is_listed_past_its_end_is_not_shown)
{
    struct message *message = lobby_message(1, FIRST_NUMBER + 1, SECOND_US);
    rooms_pass(SECOND_US);
    live_source_sync(lobby, &message, 1, lobby_id_of(1));
    message_release(message);
    lobby_expect_list("");
}
END_TEST

START_TEST(test_live_room_expiry__etag_changes_when_a_message_ends)
{
    struct live_listing before = {0};
    struct live_listing after = {0};
    lobby_add_for(1, SECOND_US);
    ck_assert_int_eq(live_listing_make(lobby, 0, NULL, &before), ERROR_NONE);
    rooms_pass(SECOND_US);
    ck_assert_int_eq(live_listing_make(lobby, 0, NULL, &after), ERROR_NONE);
    ck_assert_str_ne(before.etag, after.etag);
    live_listing_fini(&before);
    live_listing_fini(&after);
}
END_TEST

START_TEST(test_live_room_expiry__comment_keeps_the_stream_alive)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot #0");
    rooms_pass(ROOMS_KEEP_ALIVE_S * SECOND_US - 1);
    lobby_tick();
    reader_expect_told(&reader, "");
    rooms_pass(1);
    lobby_tick();
    reader_expect_told(&reader, "comment");
    lobby_tick();
    reader_expect_told(&reader, "");
    rooms_pass(ROOMS_KEEP_ALIVE_S * SECOND_US);
    lobby_tick();
    reader_expect_told(&reader, "comment");
    reader_leave(&reader);
}
END_TEST

/* ---- the timer's own thread, by the system's clock ---- */

static struct message *make_real(uint64_t n, uint64_t deadline_us, int64_t expires_at_ms)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    return message_new(&(struct message_fields){.number = FIRST_NUMBER + n,
                                                .deadline_us = deadline_us,
                                                .expires_at_ms = expires_at_ms,
                                                .id = id,
                                                .room = "lobby",
                                                .text = "hello"});
}

START_TEST(test_live_room_expiry__end_that_comes_with_the_comment_is_told)
{
    struct reader reader;
    lobby_add_for(1, ROOMS_KEEP_ALIVE_S * SECOND_US);
    reader_subscribe(&reader, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    rooms_pass(ROOMS_KEEP_ALIVE_S * SECOND_US);
    lobby_tick();
    reader_expect_told(&reader, "expired 1; comment");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room_expiry__timer_tells_at_the_deadline)
{
    struct reader reader;
    rooms = rooms_make(&clock_system, false);
    lobby = rooms_use("lobby");
    reader_subscribe(&reader, lobby, NULL);
    uint64_t now_us = clock_monotonic_us(&clock_system);
    /* The first ends sooner by the store's clock and later here: it was long under way. */
    struct message *first = make_real(1, now_us + 3600 * SECOND_US, 4000);
    struct message *second = make_real(2, now_us + 400000, 5000);
    live_source_add(lobby, first, lobby_id_of(1));
    live_source_add(lobby, second, lobby_id_of(2));
    reader_expect_told(&reader, "retry; snapshot #0; message 1 #1; message 2 #2");
    unsigned wakes = server_wakes();
    uint64_t told_us = server_await_wake(wakes);
    reader_expect_told(&reader, "expired 2");
    ck_assert_uint_ge(told_us, second->deadline_us);
    ck_assert_uint_le(told_us, second->deadline_us + SECOND_US / 2);
    message_release(first);
    message_release(second);
    reader_leave(&reader);
    live_room_release(lobby);
    live_rooms_free(rooms);
}
END_TEST

static Suite *live_room_expiry_suite(void)
{
    Suite *suite = suite_create("live_room_expiry");
    TCase *the_lobby = tcase_create("the lobby");
    tcase_set_timeout(the_lobby, 30);
    tcase_add_checked_fixture(the_lobby, lobby_set_up, lobby_tear_down);
    tcase_add_test(the_lobby,
                   test_live_room_expiry__expired_is_told_once_and_not_before_the_deadline);
    tcase_add_test(the_lobby, test_live_room_expiry__tick_says_when_the_next_message_ends);
    tcase_add_loop_test(the_lobby, test_live_room_expiry__nothing_shows_an_expired_message, 0, 4);
    tcase_add_test(the_lobby, test_live_room_expiry__message_is_shown_until_its_end);
    tcase_add_test(the_lobby, test_live_room_expiry__who_reads_at_the_deadline_tells_the_others);
    tcase_add_test(the_lobby,
                   test_live_room_expiry__slow_reader_is_not_sent_a_message_past_its_end);
    tcase_add_test(the_lobby,
                   test_live_room_expiry__message_that_comes_past_its_end_only_moves_the_id);
    tcase_add_test(the_lobby,
                   test_live_room_expiry__message_that_is_listed_past_its_end_is_not_shown);
    tcase_add_test(the_lobby, test_live_room_expiry__etag_changes_when_a_message_ends);
    tcase_add_test(the_lobby, test_live_room_expiry__comment_keeps_the_stream_alive);
    tcase_add_test(the_lobby, test_live_room_expiry__end_that_comes_with_the_comment_is_told);
    suite_add_tcase(suite, the_lobby);
    TCase *rooms_of_their_own = tcase_create("rooms of their own");
    tcase_set_timeout(rooms_of_their_own, 60);
    tcase_add_checked_fixture(rooms_of_their_own, rooms_set_clock, NULL);
    tcase_add_test(rooms_of_their_own, test_live_room_expiry__timer_tells_at_the_deadline);
    suite_add_tcase(suite, rooms_of_their_own);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_expiry_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
