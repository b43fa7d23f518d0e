/*
 * Rings of lettered links; each test says in which order they are linked, both ways round.
 */
#include "ring.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct lettered {
    char letter;
    struct ring link;
};

static struct lettered a = {.letter = 'a'}, b = {.letter = 'b'}, c = {.letter = 'c'},
                       d = {.letter = 'd'};
static struct ring ring, other;

static void set_up(void)
{
    struct ring *const all[] = {&ring, &other, &a.link, &b.link, &c.link, &d.link};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ring_init(all[i]);
}

static void assert_holds(const struct ring *of, const char *letters)
{
    size_t len = strlen(letters), i = 0;
    for (struct ring *link = of->next; link != of; link = link->next)
        ck_assert_int_eq(RING_OWNER(link, struct lettered, link)->letter, letters[i++]);
    ck_assert_uint_eq(i, len);
    for (struct ring *link = of->previous; link != of; link = link->previous)
        ck_assert_int_eq(RING_OWNER(link, struct lettered, link)->letter, letters[--i]);
    ck_assert_uint_eq(ring_count(of), len);
    ck_assert_int_eq(ring_empty(of), len == 0);
}

static void fill(struct ring *with, struct lettered *first, struct lettered *second)
{
    ring_append(with, &first->link);
    ring_append(with, &second->link);
}

START_TEST(test_ring__begins_empty)
{
    assert_holds(&ring, "");
    ck_assert_ptr_null(ring_take_first(&ring));
}
END_TEST

START_TEST(test_ring__appends_at_the_end)
{
    fill(&ring, &a, &b);
    assert_holds(&ring, "ab");
    ring_append(&ring, &c.link);
    assert_holds(&ring, "abc");
}
END_TEST

START_TEST(test_ring__gives_the_first)
{
    fill(&ring, &a, &b);
    ck_assert_ptr_eq(ring_take_first(&ring), &a.link);
    ck_assert(ring_empty(&a.link));
    assert_holds(&ring, "b");
}
END_TEST

START_TEST(test_ring__any_link_may_leave_and_twice)
{
    struct lettered *const all[] = {&a, &b, &c};
    static const char *const left[] = {"bc", "ac", "ab"};
    fill(&ring, &a, &b);
    ring_append(&ring, &c.link);
    ring_remove(&all[_i]->link);
    assert_holds(&ring, left[_i]);
    ring_remove(&all[_i]->link);
    assert_holds(&ring, left[_i]);
    ck_assert(ring_empty(&all[_i]->link));
}
END_TEST

START_TEST(test_ring__moves_all_behind_those_that_are_there)
{
    fill(&ring, &a, &b);
    fill(&other, &c, &d);
    ring_move(&ring, &other);
    assert_holds(&ring, "abcd");
    assert_holds(&other, "");
}
END_TEST

START_TEST(test_ring__moves_into_an_empty_one)
{
    fill(&other, &c, &d);
    ring_move(&ring, &other);
    assert_holds(&ring, "cd");
    assert_holds(&other, "");
}
END_TEST

START_TEST(test_ring__moves_nothing)
{
    fill(&ring, &a, &b);
    ring_move(&ring, &other);
    assert_holds(&ring, "ab");
    assert_holds(&other, "");
}
END_TEST

static Suite *ring_suite(void)
{
    Suite *suite = suite_create("ring");
    TCase *tcase = tcase_create("ring");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, test_ring__begins_empty);
    tcase_add_test(tcase, test_ring__appends_at_the_end);
    tcase_add_test(tcase, test_ring__gives_the_first);
    tcase_add_loop_test(tcase, test_ring__any_link_may_leave_and_twice, 0, 3);
    tcase_add_test(tcase, test_ring__moves_all_behind_those_that_are_there);
    tcase_add_test(tcase, test_ring__moves_into_an_empty_one);
    tcase_add_test(tcase, test_ring__moves_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(ring_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
