/*
 * The rooms' heap: whatever is added, moved and taken off, the room that is due first stands first,
 * and each room knows where it stands.
 */
#include "live_room_heap.h"
#include "live_room_private.h"

#include <check.h>
#include <stdlib.h>

enum { ROOMS = 40, ROUNDS = 4000 };

static struct live_room_heap heap;
static struct live_room all[ROOMS];
static uint32_t seed = 2463534242;

static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static void set_up(void)
{
    ck_assert(live_room_heap_init(&heap, ROOMS));
    for (size_t i = 0; i < ROOMS; i++)
        all[i] = (struct live_room){.heap_index = LIVE_ROOM_UNLINKED};
}

static void tear_down(void)
{
    live_room_heap_fini(&heap);
}

static void assert_in_order(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ROOMS; i++) {
        const struct live_room *room = &all[i];
        if (room->heap_index == LIVE_ROOM_UNLINKED)
            continue;
        count++;
        ck_assert_uint_lt(room->heap_index, heap.count);
        ck_assert_ptr_eq(heap.rooms[room->heap_index], room);
        ck_assert_uint_le(heap.rooms[0]->wake_us, room->wake_us);
    }
    ck_assert_uint_eq(heap.count, count);
}

static void add(size_t room, uint64_t wake_us)
{
    all[room].wake_us = wake_us;
    live_room_heap_add(&heap, &all[room]);
}

static void take_all_off(void)
{
    for (uint64_t last_us = 0; heap.count;) {
        ck_assert_uint_ge(heap.rooms[0]->wake_us, last_us);
        last_us = heap.rooms[0]->wake_us;
        live_room_heap_remove(&heap, heap.rooms[0]);
        assert_in_order();
    }
}

START_TEST(test_live_room_heap__is_taken_off_in_order)
{
    static const uint64_t times[] = {5, 3, 9, 1, 7, 3, 8, 2, 6};
    static const uint64_t sorted[] = {1, 2, 3, 3, 5, 6, 7, 8, 9};
    for (size_t i = 0; i < 9; i++)
        add(i, times[i]);
    for (size_t i = 0; i < 9; i++) {
        ck_assert_uint_eq(heap.rooms[0]->wake_us, sorted[i]);
        live_room_heap_remove(&heap, heap.rooms[0]);
    }
    ck_assert_uint_eq(heap.count, 0);
}
END_TEST

START_TEST(test_live_room_heap__the_first_stands_first_whatever_happens)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t room = draw(ROOMS);
        uint64_t wake_us = draw(4) ? draw(100) : UINT64_MAX;
        if (all[room].heap_index == LIVE_ROOM_UNLINKED)
            add(room, wake_us);
        else if (draw(3))
            live_room_heap_set(&heap, &all[room], wake_us);
        else
            live_room_heap_remove(&heap, &all[room]);
        assert_in_order();
        if (!draw(100))
            take_all_off();
    }
}
END_TEST

static Suite *live_room_heap_suite(void)
{
    Suite *suite = suite_create("live_room_heap");
    TCase *tests = tcase_create("heap");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_live_room_heap__is_taken_off_in_order);
    tcase_add_test(tests, test_live_room_heap__the_first_stands_first_whatever_happens);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_heap_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
