/*
 * What a room holds and tells as its source brings it, and as posts of this process's own come
 * before the source has them. How streams open and end, what expires, how rooms come and go, and
 * many threads at once are in test_live_room_….c, over the same stand-ins.
 */
#include "lobby.h"
#include "reader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- own posts ---- */

START_TEST(test_live_room__own_post_is_listed_at_once_and_streamed_when_the_source_brings_it)
{
    struct reader reader;
    struct reader later;
    lobby_add(1);
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_own_for(2, 60 * SECOND_US);
    lobby_expect_list("1,2");
    reader_subscribe(&later, lobby, NULL);
    reader_expect_told(&reader, "retry; snapshot 1 #1");
    reader_expect_told(&later, "retry; snapshot 1 #1");
    reader_leave(&later);
    reader_subscribe(&later, lobby, lobby_id_text(1));
    reader_expect_told(&later, "retry; resumed 0");
    lobby_add(2);
    lobby_expect_list("1,2");
    reader_expect_told(&reader, "message 2 #2");
    reader_expect_told(&later, "message 2 #2");
    lobby_add(2);
    reader_expect_told(&reader, "");
    reader_leave(&reader);
    reader_leave(&later);
}
END_TEST

START_TEST(test_live_room__own_post_is_streamed_when_a_synchronisation_brings_it)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_own_for(2, 60 * SECOND_US);
    lobby_sync("1 2", 2);
    reader_expect_told(&reader, "retry; snapshot #0; message 1 #1; message 2 #2");
    lobby_sync("1 2", 2);
    reader_expect_told(&reader, "");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_after_the_source_brought_it_changes_nothing)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add(1);
    lobby_add_own_for(1, 60 * SECOND_US);
    lobby_expect_list("1");
    reader_expect_told(&reader, "retry; snapshot #0; message 1 #1");
    lobby_sync("1", 1);
    reader_expect_told(&reader, "");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_that_was_never_streamed_is_not_told_to_expire)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_own_for(1, SECOND_US);
    rooms_pass(SECOND_US);
    lobby_tick();
    lobby_expect_list("");
    reader_expect_told(&reader, "retry; snapshot #0");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__own_post_that_has_ended_is_not_listed)
{
    struct message *message = lobby_message(1, 0, SECOND_US);
    rooms_pass(SECOND_US);
    live_room_add_own(lobby, message);
    message_release(message);
    lobby_expect_list("");
}
END_TEST

START_TEST(test_live_room__own_post_survives_a_synchronisation_for_a_while)
{
    struct reader reader;
    reader_subscribe(&reader, lobby, NULL);
    lobby_add_own_for(1, 60 * SECOND_US);
    lobby_sync("", 0);
    lobby_expect_list("1");
    rooms_pass(10 * SECOND_US);
    lobby_sync("", 0);
    lobby_expect_list("1");
    rooms_pass(1);
    lobby_sync("", 0);
    lobby_expect_list("");
    reader_expect_told(&reader, "retry; snapshot #0");
    reader_leave(&reader);
}
END_TEST

/* ---- synchronising ---- */

START_TEST(test_live_room__new_messages_are_told_in_the_order_of_numbers)
{
    struct reader reader;
    lobby_add(1);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("4 1 3 2", 4);
    reader_expect_told(&reader, "retry; snapshot 1 #1; message 2 #2; message 3 #3; message 4 #4");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__known_messages_are_not_told_again)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("1 2", 2);
    lobby_add(1);
    lobby_add(2);
    reader_expect_told(&reader, "retry; snapshot 1,2 #2");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_the_source_lost_is_told_as_deleted)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    lobby_add(3);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("2 4", 4);
    lobby_expect_list("2,4");
    reader_expect_told(&reader, "retry; snapshot 1,2,3 #3; deleted 3; deleted 1; message 4 #4");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__the_last_that_the_listing_knows_of_goes_where_it_is_not_listed)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("1", 2);
    lobby_expect_list("1");
    reader_expect_told(&reader, "retry; snapshot 1,2 #2; deleted 2");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_came_after_the_listing_stays)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("1", 1);
    lobby_expect_list("1,2");
    reader_expect_told(&reader, "retry; snapshot 1,2 #2");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, lobby_id_text(2));
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__what_came_before_a_newest_listing_goes)
{
    struct reader reader;
    rooms = rooms_make(&rooms_clock, true);
    lobby = rooms_use("lobby");
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync("1", 1);
    lobby_expect_list("1");
    reader_expect_told(&reader, "retry; snapshot 1,2 #2; deleted 2");
    reader_leave(&reader);
    for (uint64_t n = 1; n <= 2; n++) {
        reader_subscribe(&reader, lobby, lobby_id_text(n));
        reader_expect_told(&reader, "retry; snapshot 1 #2");
        reader_leave(&reader);
    }
    live_room_release(lobby);
    live_rooms_free(rooms);
}
END_TEST

START_TEST(test_live_room__new_epoch_takes_off_what_is_not_listed)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(9);
    reader_subscribe(&reader, lobby, NULL);
    lobby_sync_in(EPOCH + 1, "", 2);
    lobby_expect_list("");
    reader_expect_told(&reader, "retry; snapshot 1,9 #9; deleted 9; deleted 1");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__lower_numbers_of_a_new_epoch_are_streamed)
{
    struct reader reader;
    struct reader resumed;
    char text[EVENT_ID_SIZE];
    lobby_add(9);
    reader_subscribe(&reader, lobby, NULL);
    reader_subscribe(&resumed, lobby, lobby_id_text(9));
    lobby_sync_in(EPOCH + 1, "2", 2);
    reader_expect_told(&reader, "retry; snapshot 9 #9; deleted 9; message 2 #2");
    reader_expect_told(&resumed, "retry; resumed 0; deleted 9; message 2 #2");
    struct message *message = lobby_message(3, FIRST_NUMBER + 3, SECOND_US);
    live_source_add(lobby, message, lobby_id_in(EPOCH + 1, 3));
    message_release(message);
    reader_expect_told(&reader, "message 3 #3");
    reader_leave(&reader);
    event_id_format(lobby_id_in(EPOCH + 1, 3), text);
    reader_subscribe(&reader, lobby, text);
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
    reader_leave(&resumed);
}
END_TEST

START_TEST(test_live_room__id_from_before_a_deletion_is_not_honoured)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    lobby_add(3);
    lobby_sync("2 3", 3);
    for (uint64_t n = 1; n <= 3; n++) {
        reader_subscribe(&reader, lobby, lobby_id_text(n));
        reader_expect_told(&reader, "retry; snapshot 2,3 #3");
        reader_leave(&reader);
    }
    lobby_add(4);
    reader_subscribe(&reader, lobby, lobby_id_text(4));
    reader_expect_told(&reader, "retry; resumed 0");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, lobby_id_text(3));
    reader_expect_told(&reader, "retry; snapshot 2,3,4 #4");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__synchronising_without_loss_keeps_ids_good)
{
    struct reader reader;
    lobby_add(1);
    lobby_add(2);
    lobby_sync("1 2 3", 3);
    reader_subscribe(&reader, lobby, lobby_id_text(1));
    reader_expect_told(&reader, "retry; resumed 2; message 2 #2; message 3 #3");
    reader_leave(&reader);
}
END_TEST

START_TEST(test_live_room__deleted_message_is_told_and_gone)
{
    struct reader reader;
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032x", 1);
    lobby_add(1);
    lobby_add(2);
    reader_subscribe(&reader, lobby, NULL);
    live_source_delete(lobby, id);
    live_source_delete(lobby, id);
    live_source_delete(lobby, "no id");
    lobby_expect_list("2");
    ck_assert_ptr_null(live_room_message(lobby, id));
    reader_expect_told(&reader, "retry; snapshot 1,2 #2; deleted 1");
    reader_leave(&reader);
    reader_subscribe(&reader, lobby, lobby_id_text(2));
    reader_expect_told(&reader, "retry; snapshot 2 #2");
    reader_leave(&reader);
}
END_TEST

static Suite *live_room_suite(void)
{
    Suite *suite = suite_create("live_room");
    TCase *the_lobby = tcase_create("the lobby");
    tcase_set_timeout(the_lobby, 30);
    tcase_add_checked_fixture(the_lobby, lobby_set_up, lobby_tear_down);
    tcase_add_test(
        the_lobby,
        test_live_room__own_post_is_listed_at_once_and_streamed_when_the_source_brings_it);
    tcase_add_test(the_lobby,
                   test_live_room__own_post_is_streamed_when_a_synchronisation_brings_it);
    tcase_add_test(the_lobby, test_live_room__own_post_after_the_source_brought_it_changes_nothing);
    tcase_add_test(the_lobby,
                   test_live_room__own_post_that_was_never_streamed_is_not_told_to_expire);
    tcase_add_test(the_lobby, test_live_room__own_post_that_has_ended_is_not_listed);
    tcase_add_test(the_lobby, test_live_room__own_post_survives_a_synchronisation_for_a_while);
    tcase_add_test(the_lobby, test_live_room__new_messages_are_told_in_the_order_of_numbers);
    tcase_add_test(the_lobby, test_live_room__known_messages_are_not_told_again);
    tcase_add_test(the_lobby, test_live_room__what_the_source_lost_is_told_as_deleted);
    tcase_add_test(the_lobby,
                   test_live_room__the_last_that_the_listing_knows_of_goes_where_it_is_not_listed);
    tcase_add_test(the_lobby, test_live_room__what_came_after_the_listing_stays);
    tcase_add_test(the_lobby, test_live_room__new_epoch_takes_off_what_is_not_listed);
    tcase_add_test(the_lobby, test_live_room__lower_numbers_of_a_new_epoch_are_streamed);
    tcase_add_test(the_lobby, test_live_room__id_from_before_a_deletion_is_not_honoured);
    tcase_add_test(the_lobby, test_live_room__synchronising_without_loss_keeps_ids_good);
    tcase_add_test(the_lobby, test_live_room__deleted_message_is_told_and_gone);
    suite_add_tcase(suite, the_lobby);
    TCase *rooms_of_their_own = tcase_create("rooms of their own");
    tcase_set_timeout(rooms_of_their_own, 30);
    tcase_add_checked_fixture(rooms_of_their_own, rooms_set_clock, NULL);
    tcase_add_test(rooms_of_their_own, test_live_room__what_came_before_a_newest_listing_goes);
    suite_add_tcase(suite, rooms_of_their_own);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
