/*
 * The board's order, its table by id and its tag; at the end, long runs of operations drawn from a
 * generator with a fixed seed, held against a model that is plain arrays.
 */
#include "board.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t base_ms = 1795327200000;
static const uint64_t now_us = 5000000;
static const uint64_t far_us = UINT64_MAX / 2;

static struct board *board;

static void set_up(void)
{
    board = board_new();
    ck_assert_ptr_nonnull(board);
}

static void tear_down(void)
{
    board_free(board);
}

static uint64_t seed;

/* xorshift64: the same numbers on every run. */
static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % below;
}

static void make_id(uint64_t first, uint64_t second, char ret_id[MESSAGE_ID_SIZE])
{
    snprintf(ret_id, MESSAGE_ID_SIZE, "%016" PRIx64 "%016" PRIx64, first, second);
}

static struct message *make(uint64_t name, int64_t expires_ms, uint64_t number,
                            uint64_t deadline_us)
{
    char id[MESSAGE_ID_SIZE];
    make_id(name, name, id);
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = deadline_us,
        .created_at_ms = base_ms,
        .expires_at_ms = base_ms + expires_ms,
        .id = id,
        .room = "lobby",
        .text = "x",
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

static enum board_outcome add_to(struct board *to, uint64_t name, int64_t expires_ms,
                                 uint64_t number, uint64_t deadline_us)
{
    CLEANUP(message_release) struct message *message = make(name, expires_ms, number, deadline_us);
    return board_insert(to, message);
}

/* Inserts what lives for ever as far as these tests go. */
static enum board_outcome add(uint64_t name, int64_t expires_ms, uint64_t number)
{
    return add_to(board, name, expires_ms, number, far_us);
}

static uint64_t name_of(const struct message *message)
{
    return strtoull(message->id + 16, NULL, 16);
}

static struct message *find(uint64_t name)
{
    char id[MESSAGE_ID_SIZE];
    make_id(name, name, id);
    return board_find(board, id);
}

/* Takes `name` off; whether it was there. */
static bool take(uint64_t name)
{
    char id[MESSAGE_ID_SIZE];
    make_id(name, name, id);
    CLEANUP(message_release) struct message *message = board_take(board, id);
    return message != NULL;
}

/* The names on the board, one digit each, in order. */
static void assert_order(const char *expected)
{
    char order[32] = {0};
    ck_assert_uint_lt(board_count(board), sizeof order);
    for (size_t i = 0; i < board_count(board); i++)
        order[i] = (char)('0' + name_of(board_at(board, i)));
    ck_assert_str_eq(order, expected);
}

START_TEST(test_board__begins_empty)
{
    ck_assert_uint_eq(board_count(board), 0);
    ck_assert_ptr_null(find(1));
    ck_assert(!take(1));
    ck_assert_ptr_null(board_take_expired(board, UINT64_MAX));
}
END_TEST

START_TEST(test_board__free_takes_null)
{
    board_free(NULL);
}
END_TEST

START_TEST(test_board__soonest_to_end_stands_first)
{
    ck_assert_int_eq(add(1, 300, 1), BOARD_ADDED);
    ck_assert_int_eq(add(2, 100, 2), BOARD_ADDED);
    ck_assert_int_eq(add(3, 200, 3), BOARD_ADDED);
    assert_order("231");
}
END_TEST

START_TEST(test_board__ties_stand_by_number)
{
    add(1, 100, 30);
    add(2, 100, 10);
    add(3, 100, UINT64_MAX);
    add(4, 100, 20);
    assert_order("2413");
}
END_TEST

START_TEST(test_board__ties_without_a_number_stand_last)
{
    add(1, 100, 0);
    add(2, 100, UINT64_MAX);
    add(3, 100, 1);
    add(4, 200, 1);
    add(5, 50, 0);
    assert_order("53214");
}
END_TEST

START_TEST(test_board__order_is_the_same_whatever_came_first)
{
    add(3, 100, 0);
    add(1, 100, 0);
    add(2, 100, 0);
    assert_order("123");
}
END_TEST

START_TEST(test_board__insert_twice_is_one_message)
{
    ck_assert_int_eq(add(1, 100, 5), BOARD_ADDED);
    ck_assert_int_eq(add(1, 100, 5), BOARD_KNOWN);
    ck_assert_int_eq(add(1, 900, 9), BOARD_KNOWN);
    ck_assert_int_eq(add(1, 100, 0), BOARD_KNOWN);
    ck_assert_uint_eq(board_count(board), 1);
    ck_assert_uint_eq(find(1)->number, 5);
}
END_TEST

START_TEST(test_board__insert_keeps_its_own_reference)
{
    struct message *message = make(1, 100, 1, far_us);
    ck_assert_int_eq(board_insert(board, message), BOARD_ADDED);
    ck_assert_uint_eq(message->references, 2);
    ck_assert_int_eq(board_insert(board, message), BOARD_KNOWN);
    ck_assert_uint_eq(message->references, 2);
    message_release(message);
}
END_TEST

START_TEST(test_board__number_comes_later)
{
    ck_assert_int_eq(add(1, 100, 0), BOARD_ADDED);
    ck_assert_int_eq(add(1, 100, 0), BOARD_KNOWN);
    ck_assert_int_eq(add(1, 100, 7), BOARD_NUMBERED);
    ck_assert_int_eq(add(1, 100, 7), BOARD_KNOWN);
    ck_assert_uint_eq(board_count(board), 1);
    ck_assert_uint_eq(find(1)->number, 7);
}
END_TEST

START_TEST(test_board__number_moves_a_message_to_its_place)
{
    add(1, 100, 0);
    add(2, 100, 20);
    add(3, 100, 30);
    assert_order("231");
    ck_assert_int_eq(add(1, 100, 25), BOARD_NUMBERED);
    assert_order("213");
}
END_TEST

START_TEST(test_board__numbering_lets_the_unnumbered_go)
{
    struct message *own = make(1, 100, 0, far_us);
    ck_assert_int_eq(board_insert(board, own), BOARD_ADDED);
    ck_assert_int_eq(add(1, 100, 7), BOARD_NUMBERED);
    ck_assert_uint_eq(own->references, 1);
    message_release(own);
}
END_TEST

/* Numbers the first, a middle and the last of boards that are just full, so that taking off and
 * putting back happens at the edge of what was reserved. */
START_TEST(test_board__numbering_at_every_place_of_every_size)
{
    for (uint64_t size = 1; size <= 40; size++)
        for (uint64_t chosen = 1; chosen <= size; chosen++) {
            board_free(board);
            set_up();
            for (uint64_t name = 1; name <= size; name++)
                add(name, (int64_t)name, name == chosen ? 0 : name);
            ck_assert_int_eq(add(chosen, (int64_t)chosen, chosen), BOARD_NUMBERED);
            ck_assert_uint_eq(board_count(board), size);
            for (uint64_t i = 0; i < size; i++)
                ck_assert_uint_eq(name_of(board_at(board, i)), i + 1);
        }
}
END_TEST

START_TEST(test_board__find_is_exact)
{
    add(1, 100, 1);
    char id[MESSAGE_ID_SIZE];
    make_id(1, 2, id);
    ck_assert_ptr_null(board_find(board, id));
    ck_assert_ptr_nonnull(find(1));
    ck_assert_uint_eq(find(1)->references, 1);
}
END_TEST

START_TEST(test_board__take_from_the_first_the_middle_and_the_last)
{
    for (uint64_t name = 1; name <= 5; name++)
        add(name, (int64_t)name, name);
    ck_assert(take(1));
    assert_order("2345");
    ck_assert(take(3));
    assert_order("245");
    ck_assert(take(5));
    assert_order("24");
    ck_assert(!take(5));
    ck_assert_ptr_null(find(3));
    ck_assert(take(2) && take(4));
    assert_order("");
}
END_TEST

START_TEST(test_board__take_hands_its_reference_over)
{
    add(1, 100, 1);
    char id[MESSAGE_ID_SIZE];
    make_id(1, 1, id);
    struct message *message = board_take(board, id);
    ck_assert_uint_eq(message->references, 1);
    message_release(message);
}
END_TEST

START_TEST(test_board__take_and_insert_again)
{
    for (int round = 0; round < 1000; round++) {
        ck_assert_int_eq(add(1, 100, 1), BOARD_ADDED);
        ck_assert(take(1));
    }
    ck_assert_uint_eq(board_count(board), 0);
}
END_TEST

/* Ids that all want the same slot, the last of the table, so that the probing wraps round. */
START_TEST(test_board__ids_that_collide_are_found_after_deletions)
{
    char id[MESSAGE_ID_SIZE];
    for (uint64_t i = 0; i < 64; i++)
        add(i << 32 | 0xFFFFFFFF, 100, i + 1);
    for (uint64_t gone = 0; gone < 64; gone += 3)
        ck_assert(take(gone << 32 | 0xFFFFFFFF));
    for (uint64_t i = 0; i < 64; i++) {
        make_id(i << 32 | 0xFFFFFFFF, i << 32 | 0xFFFFFFFF, id);
        ck_assert_int_eq(board_find(board, id) != NULL, i % 3 != 0);
    }
}
END_TEST

START_TEST(test_board__expires_at_the_deadline_and_not_before)
{
    add_to(board, 1, 100, 1, now_us);
    ck_assert_ptr_null(board_take_expired(board, now_us - 1));
    struct message *expired = board_take_expired(board, now_us);
    ck_assert_uint_eq(name_of(expired), 1);
    ck_assert_uint_eq(expired->references, 1);
    message_release(expired);
    ck_assert_ptr_null(board_take_expired(board, UINT64_MAX));
}
END_TEST

START_TEST(test_board__expired_are_taken_soonest_first)
{
    add_to(board, 1, 300, 1, now_us + 300);
    add_to(board, 2, 100, 2, now_us + 100);
    add_to(board, 3, 200, 3, now_us + 200);
    static const uint64_t names[] = {2, 3};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(message_release) struct message *expired = board_take_expired(board, now_us + 200);
        ck_assert_uint_eq(name_of(expired), names[i]);
    }
    ck_assert_ptr_null(board_take_expired(board, now_us + 200));
    assert_order("1");
}
END_TEST

START_TEST(test_board__expire_takes_off_all_that_ended)
{
    for (uint64_t name = 1; name <= 6; name++)
        add_to(board, name, (int64_t)name, name, now_us + name);
    board_expire(board, now_us + 4);
    assert_order("56");
    board_expire(board, UINT64_MAX);
    assert_order("");
}
END_TEST

/* The first was long under way, or dated by a clock that was put back: its deadline here is later
 * than those of messages that stand behind it. */
START_TEST(test_board__an_ended_message_goes_though_one_before_it_lives)
{
    add_to(board, 1, 100, 1, now_us + 500);
    add_to(board, 2, 200, 2, now_us + 200);
    add_to(board, 3, 300, 3, now_us + 400);
    board_expire(board, now_us + 199);
    assert_order("123");
    board_expire(board, now_us + 200);
    assert_order("13");
    board_expire(board, now_us + 400);
    assert_order("1");
    add_to(board, 4, 400, 4, now_us + 450);
    board_expire(board, now_us + 450);
    assert_order("1");
    board_expire(board, now_us + 500);
    assert_order("");
}
END_TEST

START_TEST(test_board__soonest_is_when_to_ask_next)
{
    ck_assert_uint_eq(board_soonest_us(board), UINT64_MAX);
    add_to(board, 1, 100, 1, now_us + 500000);
    add_to(board, 2, 200, 2, now_us + 200000);
    ck_assert_uint_eq(board_soonest_us(board), now_us + 200000);
    board_expire(board, now_us + 200000);
    ck_assert_uint_gt(board_soonest_us(board), now_us + 200000);
    ck_assert_uint_le(board_soonest_us(board), now_us + 500000);
    ck_assert(take(1));
    ck_assert_uint_eq(board_soonest_us(board), UINT64_MAX);
}
END_TEST

/* A timer that sleeps until the soonest, asks, and sleeps again must come to an end of each
 * message at its deadline, and must not be woken for ever on the way. */
START_TEST(test_board__asking_at_the_soonest_misses_no_deadline)
{
    enum { LIVE = 200 };
    seed = 0x2545F4914F6CDD1D;
    for (uint64_t name = 1; name <= LIVE; name++)
        add_to(board, name, (int64_t)draw(1000), name, now_us + 1 + draw(1000000));
    unsigned wakings = 0;
    for (uint64_t at_us; (at_us = board_soonest_us(board)) != UINT64_MAX; wakings++) {
        for (size_t i = 0; i < board_count(board); i++)
            ck_assert_uint_ge(board_at(board, i)->deadline_us, at_us);
        board_expire(board, at_us);
        ck_assert_uint_gt(board_soonest_us(board), at_us);
    }
    ck_assert_uint_eq(board_count(board), 0);
    ck_assert_uint_le(wakings, 4 * LIVE);
}
END_TEST

START_TEST(test_board__etag_of_an_empty_board)
{
    char etag[BOARD_ETAG_SIZE];
    board_etag(board, etag);
    ck_assert_str_eq(etag, "W/\"0-00000000000000000000000000000000\"");
}
END_TEST

START_TEST(test_board__etag_is_of_the_set_not_of_its_making)
{
    char etag[BOARD_ETAG_SIZE];
    char other_etag[BOARD_ETAG_SIZE];
    struct board *other = board_new();
    for (uint64_t name = 1; name <= 50; name++) {
        add(name * 0x9E3779B97F4A7C15, (int64_t)name, name);
        add_to(other, (51 - name) * 0x9E3779B97F4A7C15, (int64_t)name % 7, 0, far_us);
    }
    add(99, 1, 1);
    ck_assert(take(99));
    board_etag(board, etag);
    board_etag(other, other_etag);
    ck_assert_str_eq(etag, other_etag);
    board_free(other);
}
END_TEST

START_TEST(test_board__etag_changes_with_the_set)
{
    char etags[4][BOARD_ETAG_SIZE];
    board_etag(board, etags[0]);
    add(1, 100, 1);
    board_etag(board, etags[1]);
    add(2, 100, 2);
    board_etag(board, etags[2]);
    ck_assert(take(1));
    board_etag(board, etags[3]);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(etags[i], etags[j]);
}
END_TEST

START_TEST(test_board__etag_uses_every_digit_of_an_id)
{
    char id[MESSAGE_ID_SIZE] = "0123456789abcdeffedcba9876543210";
    char expected[BOARD_ETAG_SIZE];
    char etag[BOARD_ETAG_SIZE];
    CLEANUP(message_release)
    struct message *message =
        message_new(&(struct message_fields){.id = id, .room = "lobby", .text = "x"});
    ck_assert_int_eq(board_insert(board, message), BOARD_ADDED);
    board_etag(board, etag);
    snprintf(expected, sizeof expected, "W/\"1-%s\"", id);
    ck_assert_str_eq(etag, expected);
}
END_TEST

START_TEST(test_board__etag_is_kept_when_a_number_comes)
{
    char before[BOARD_ETAG_SIZE];
    char after[BOARD_ETAG_SIZE];
    add(1, 100, 0);
    board_etag(board, before);
    ck_assert_int_eq(add(1, 100, 5), BOARD_NUMBERED);
    board_etag(board, after);
    ck_assert_str_eq(before, after);
}
END_TEST

/* The model: every message there may be, and what is on the board of it. */
enum { NAMES = 700, OPERATIONS = 20000, PHASE = 2500, CHECK_EACH = 50 };

struct modelled {
    uint64_t name;
    bool present;
    int64_t expires_ms;
    uint64_t number;
    uint64_t deadline_us;
};

static struct modelled model[NAMES];
static uint64_t model_now_us;

static int compare_modelled(const void *a, const void *b)
{
    const struct modelled *left = *(const struct modelled *const *)a;
    const struct modelled *right = *(const struct modelled *const *)b;
    if (left->expires_ms != right->expires_ms)
        return left->expires_ms < right->expires_ms ? -1 : 1;
    /* One below nought is the greatest there is: no number comes last. */
    if (left->number != right->number)
        return left->number - 1 < right->number - 1 ? -1 : 1;
    return left->name < right->name ? -1 : left->name > right->name;
}

static void assert_order_like_model(void)
{
    const struct modelled *sorted[NAMES];
    size_t count = 0;
    for (size_t i = 0; i < NAMES; i++) {
        ck_assert_int_eq(find(model[i].name) != NULL, model[i].present);
        if (!model[i].present)
            continue;
        sorted[count++] = &model[i];
        ck_assert_uint_le(board_soonest_us(board), model[i].deadline_us);
    }
    qsort(sorted, count, sizeof sorted[0], compare_modelled);
    ck_assert_uint_eq(board_count(board), count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(name_of(board_at(board, i)), sorted[i]->name);
        ck_assert_uint_eq(board_at(board, i)->number, sorted[i]->number);
    }
}

/* The tag after a long history is that of a board that was only filled. */
static void assert_etag_like_model(void)
{
    char etag[BOARD_ETAG_SIZE];
    char other_etag[BOARD_ETAG_SIZE];
    struct board *other = board_new();
    for (size_t i = NAMES; i-- > 0;)
        if (model[i].present)
            add_to(other, model[i].name, 0, 0, far_us);
    board_etag(board, etag);
    board_etag(other, other_etag);
    ck_assert_str_eq(etag, other_etag);
    board_free(other);
}

static void insert_modelled(struct modelled *one)
{
    struct modelled next = {
        .name = one->name,
        .present = true,
        .expires_ms = (int64_t)draw(40),
        .number = draw(2) ? 1 + draw(20) : 0,
        .deadline_us = model_now_us + 1 + draw(100000),
    };
    enum board_outcome expected = BOARD_ADDED;
    if (one->present)
        expected = one->number || !next.number ? BOARD_KNOWN : BOARD_NUMBERED;
    ck_assert_int_eq(add_to(board, next.name, next.expires_ms, next.number, next.deadline_us),
                     expected);
    if (expected != BOARD_KNOWN)
        *one = next;
}

static void expire_modelled(void)
{
    model_now_us += draw(2000);
    board_expire(board, model_now_us);
    ck_assert_uint_gt(board_soonest_us(board), model_now_us);
    for (size_t i = 0; i < NAMES; i++)
        if (model[i].deadline_us <= model_now_us)
            model[i].present = false;
}

static void run_against_model(void)
{
    seed = 0x2545F4914F6CDD1D;
    model_now_us = now_us;
    for (uint64_t i = 0; i < OPERATIONS; i++) {
        struct modelled *one = &model[draw(NAMES)];
        bool growing = i / PHASE % 2 == 0;
        uint64_t what = draw(20);
        if (what == 0) {
            expire_modelled();
        } else if (what < (growing ? 17u : 6u)) {
            insert_modelled(one);
        } else {
            ck_assert_int_eq(take(one->name), one->present);
            one->present = false;
        }
        if (i % CHECK_EACH == 0)
            assert_order_like_model();
        if (i % PHASE == 0)
            assert_etag_like_model();
    }
    assert_order_like_model();
    assert_etag_like_model();
}

START_TEST(test_board__is_like_a_model_with_random_ids)
{
    seed = 88172645463325252;
    for (size_t i = 0; i < NAMES; i++)
        model[i] = (struct modelled){.name = draw(UINT64_MAX)};
    run_against_model();
}
END_TEST

START_TEST(test_board__is_like_a_model_with_ids_that_collide)
{
    for (size_t i = 0; i < NAMES; i++)
        model[i] = (struct modelled){.name = i << 32 | (0u - i % 64 * 16) % 0xFFFFFFFF};
    run_against_model();
}
END_TEST

/* As a room with one lifetime is used: in at the end, out at the beginning, for long. */
START_TEST(test_board__is_a_queue_for_messages_of_one_lifetime)
{
    enum { LIVE = 100, SENT = 5000 };
    for (uint64_t i = 1; i <= SENT; i++) {
        ck_assert_int_eq(add_to(board, i, (int64_t)i, i, i + LIVE), BOARD_ADDED);
        board_expire(board, i);
        ck_assert_uint_le(board_count(board), LIVE);
        ck_assert_uint_eq(name_of(board_at(board, board_count(board) - 1)), i);
    }
    ck_assert_uint_eq(board_count(board), LIVE);
    ck_assert_uint_eq(name_of(board_at(board, 0)), SENT - LIVE + 1);
}
END_TEST

static TCase *order_case(void)
{
    TCase *order = tcase_create("order");
    tcase_add_checked_fixture(order, set_up, tear_down);
    tcase_add_test(order, test_board__begins_empty);
    tcase_add_test(order, test_board__free_takes_null);
    tcase_add_test(order, test_board__soonest_to_end_stands_first);
    tcase_add_test(order, test_board__ties_stand_by_number);
    tcase_add_test(order, test_board__ties_without_a_number_stand_last);
    tcase_add_test(order, test_board__order_is_the_same_whatever_came_first);
    tcase_add_test(order, test_board__insert_twice_is_one_message);
    tcase_add_test(order, test_board__insert_keeps_its_own_reference);
    tcase_add_test(order, test_board__number_comes_later);
    tcase_add_test(order, test_board__number_moves_a_message_to_its_place);
    tcase_add_test(order, test_board__numbering_lets_the_unnumbered_go);
    tcase_add_test(order, test_board__numbering_at_every_place_of_every_size);
    return order;
}

static TCase *taking_case(void)
{
    TCase *taking = tcase_create("taking");
    tcase_add_checked_fixture(taking, set_up, tear_down);
    tcase_add_test(taking, test_board__find_is_exact);
    tcase_add_test(taking, test_board__take_from_the_first_the_middle_and_the_last);
    tcase_add_test(taking, test_board__take_hands_its_reference_over);
    tcase_add_test(taking, test_board__take_and_insert_again);
    tcase_add_test(taking, test_board__ids_that_collide_are_found_after_deletions);
    tcase_add_test(taking, test_board__expires_at_the_deadline_and_not_before);
    tcase_add_test(taking, test_board__expired_are_taken_soonest_first);
    tcase_add_test(taking, test_board__expire_takes_off_all_that_ended);
    tcase_add_test(taking, test_board__an_ended_message_goes_though_one_before_it_lives);
    tcase_add_test(taking, test_board__soonest_is_when_to_ask_next);
    tcase_add_test(taking, test_board__asking_at_the_soonest_misses_no_deadline);
    return taking;
}

static TCase *set_case(void)
{
    TCase *set = tcase_create("set");
    tcase_add_checked_fixture(set, set_up, tear_down);
    tcase_add_test(set, test_board__etag_of_an_empty_board);
    tcase_add_test(set, test_board__etag_is_of_the_set_not_of_its_making);
    tcase_add_test(set, test_board__etag_changes_with_the_set);
    tcase_add_test(set, test_board__etag_uses_every_digit_of_an_id);
    tcase_add_test(set, test_board__etag_is_kept_when_a_number_comes);
    return set;
}

static TCase *model_case(void)
{
    TCase *long_run = tcase_create("model");
    tcase_set_timeout(long_run, 60);
    tcase_add_checked_fixture(long_run, set_up, tear_down);
    tcase_add_test(long_run, test_board__is_like_a_model_with_random_ids);
    tcase_add_test(long_run, test_board__is_like_a_model_with_ids_that_collide);
    tcase_add_test(long_run, test_board__is_a_queue_for_messages_of_one_lifetime);
    return long_run;
}

int main(void)
{
    Suite *suite = suite_create("board");
    suite_add_tcase(suite, order_case());
    suite_add_tcase(suite, taking_case());
    suite_add_tcase(suite, set_case());
    suite_add_tcase(suite, model_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
