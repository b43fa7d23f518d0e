#include "event_hub.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 7 };

static struct event_hub *hub;

static void set_up(void)
{
    hub = event_hub_new();
    ck_assert_ptr_nonnull(hub);
}

static void tear_down(void)
{
    event_hub_free(hub);
}

static void publish_with(const char *text, uint64_t number, uint64_t deadline_us)
{
    event_hub_publish(hub, &(struct event){.text = text,
                                           .len = strlen(text),
                                           .id = {.number = number, .tag = TAG},
                                           .deadline_us = deadline_us});
}

static void publish(const char *text)
{
    publish_with(text, 0, UINT64_MAX);
}

/* A reader who is there from now on. */
static struct event_place join(void)
{
    return (struct event_place){.position = event_hub_head(hub)};
}

static struct event_batch *read_at(struct event_place *place, uint64_t now_us)
{
    struct event_batch *batch;
    ck_assert(!event_hub_fell_behind(hub, place));
    ck_assert(event_hub_read(hub, place, now_us, &batch));
    return batch;
}

static void expect_at(struct event_place *place, uint64_t now_us, const char *expected)
{
    CLEANUP(event_batch_release) struct event_batch *batch = read_at(place, now_us);
    if (!*expected) {
        ck_assert_ptr_null(batch);
        return;
    }
    ck_assert_ptr_nonnull(batch);
    ck_assert_uint_eq(batch->bytes->len, strlen(expected));
    ck_assert_mem_eq(batch->bytes->data, expected, strlen(expected));
}

static void expect(struct event_place *place, const char *expected)
{
    expect_at(place, 0, expected);
}

START_TEST(test_event_hub__reader_gets_what_is_published_from_then_on)
{
    publish("before ");
    struct event_place place = join();
    expect(&place, "");
    publish("a ");
    publish("b ");
    expect(&place, "a b ");
    expect(&place, "");
    publish("c ");
    expect(&place, "c ");
}
END_TEST

START_TEST(test_event_hub__each_event_is_a_chunk_for_those_who_take_chunks)
{
    struct event_place place = join();
    place.chunked = true;
    publish("a ");
    publish("0123456789abcdef");
    expect(&place, "2\r\na \r\n10\r\n0123456789abcdef\r\n");
}
END_TEST

START_TEST(test_event_hub__readers_at_one_place_share_one_batch)
{
    struct event_place one = join();
    one.chunked = true;
    struct event_place other = one;
    publish("a ");
    CLEANUP(event_batch_release) struct event_batch *first = read_at(&one, 0);
    CLEANUP(event_batch_release) struct event_batch *second = read_at(&other, 0);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(one.position, other.position);
}
END_TEST

START_TEST(test_event_hub__what_a_reader_had_before_is_left_out)
{
    struct event_place place = join();
    place.after = (struct event_id){.number = 11, .tag = TAG};
    publish_with("10 ", 10, UINT64_MAX);
    publish_with("11 ", 11, UINT64_MAX);
    publish("notice ");
    publish_with("12 ", 12, UINT64_MAX);
    expect(&place, "notice 12 ");
    publish_with("9 ", 9, UINT64_MAX);
    expect(&place, "");
}
END_TEST

START_TEST(test_event_hub__numbers_of_another_epoch_are_not_compared)
{
    struct event_place place = join();
    place.after = (struct event_id){.number = 11, .tag = TAG + 1};
    publish_with("10 ", 10, UINT64_MAX);
    expect(&place, "10 ");
}
END_TEST

START_TEST(test_event_hub__batch_of_one_who_had_some_is_not_for_one_who_had_not)
{
    struct event_place ahead = join();
    struct event_place behind = join();
    ahead.chunked = behind.chunked = true;
    ahead.after = (struct event_id){.number = 10, .tag = TAG};
    behind.after = (struct event_id){.number = 9, .tag = TAG};
    publish_with("x", 10, UINT64_MAX);
    publish_with("y", 11, UINT64_MAX);
    expect(&ahead, "1\r\ny\r\n");
    expect(&behind, "1\r\nx\r\n1\r\ny\r\n");
}
END_TEST

START_TEST(test_event_hub__batch_of_one_who_had_none_is_not_for_one_who_had_some)
{
    struct event_place ahead = join();
    struct event_place behind = join();
    ahead.chunked = behind.chunked = true;
    ahead.after = (struct event_id){.number = 10, .tag = TAG};
    publish_with("x", 10, UINT64_MAX);
    publish_with("y", 11, UINT64_MAX);
    expect(&behind, "1\r\nx\r\n1\r\ny\r\n");
    expect(&ahead, "1\r\ny\r\n");
}
END_TEST

START_TEST(test_event_hub__nothing_is_sent_at_or_past_its_end)
{
    struct event_place quick = join();
    struct event_place late = join();
    quick.chunked = late.chunked = true;
    publish_with("x", 10, 1000);
    publish_with("y", 11, 2000);
    struct event_place later = late;
    expect_at(&quick, 999, "1\r\nx\r\n1\r\ny\r\n");
    expect_at(&late, 1000, "1\r\ny\r\n"); /* the batch made before is not shared any more */
    expect_at(&later, 2000, "");
}
END_TEST

START_TEST(test_event_hub__batch_is_cut_between_events)
{
    char *text = malloc(EVENT_HUB_BATCH_MAX / 2 + 1);
    memset(text, 'x', EVENT_HUB_BATCH_MAX / 2);
    text[EVENT_HUB_BATCH_MAX / 2] = '\0';
    struct event_place place = join();
    for (int i = 0; i < 3; i++)
        publish(text);
    CLEANUP(event_batch_release) struct event_batch *first = read_at(&place, 0);
    CLEANUP(event_batch_release) struct event_batch *second = read_at(&place, 0);
    ck_assert_uint_eq(first->count, 2);
    ck_assert_uint_eq(first->bytes->len, EVENT_HUB_BATCH_MAX);
    ck_assert_uint_eq(second->count, 1);
    expect(&place, "");
    free(text);
}
END_TEST

START_TEST(test_event_hub__one_event_may_be_longer_than_a_batch)
{
    char *text = malloc(EVENT_HUB_BATCH_MAX * 2 + 1);
    memset(text, 'x', EVENT_HUB_BATCH_MAX * 2);
    text[EVENT_HUB_BATCH_MAX * 2] = '\0';
    struct event_place place = join();
    publish(text);
    expect(&place, text);
    free(text);
}
END_TEST

START_TEST(test_event_hub__rest_of_a_batch_is_one_event)
{
    static const struct {
        size_t sent;
        const char *rest;
        uint64_t events; /* before the place that it goes on from */
    } cases[] = {{0, "aaa", 1}, {2, "a", 1}, {3, "bb", 2}, {4, "b", 2}, {5, "c", 4}};
    struct event_place place = join();
    uint64_t from = place.position;
    publish("aaa");
    publish("bb");
    publish_with("ended", 5, 10);
    publish("c");
    CLEANUP(event_batch_release) struct event_batch *batch = read_at(&place, 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t position;
        CLEANUP(blob_release)
        struct blob *rest = event_batch_rest(batch, cases[i].sent, &position);
        ck_assert_ptr_nonnull(rest);
        ck_assert_uint_eq(rest->len, strlen(cases[i].rest));
        ck_assert_mem_eq(rest->data, cases[i].rest, rest->len);
        ck_assert_uint_eq(position, from + cases[i].events);
    }
}
END_TEST

START_TEST(test_event_hub__reader_may_be_so_many_events_behind_and_no_more)
{
    struct event_place place = join();
    for (int i = 0; i < EVENT_HUB_EVENTS_MAX; i++)
        publish("x");
    ck_assert(!event_hub_fell_behind(hub, &place));
    publish("x");
    ck_assert(event_hub_fell_behind(hub, &place));
}
END_TEST

START_TEST(test_event_hub__reader_may_be_so_many_bytes_behind_and_no_more)
{
    enum { LEN = 1024 * 1024 - 16 };
    char *text = malloc(LEN + 1);
    memset(text, 'x', LEN);
    text[LEN] = '\0';
    struct event_place place = join();
    for (int i = 0; i < EVENT_HUB_BYTES_MAX / (LEN + 16); i++)
        publish(text);
    ck_assert(!event_hub_fell_behind(hub, &place));
    publish(text);
    ck_assert(event_hub_fell_behind(hub, &place));
    free(text);
}
END_TEST

START_TEST(test_event_hub__trim_lets_go_of_what_all_were_sent)
{
    struct event_place place = join();
    struct event_place behind = join();
    publish("a");
    expect(&place, "a");
    event_hub_trim(hub);
    ck_assert(event_hub_fell_behind(hub, &behind));
    publish("b");
    expect(&place, "b");
}
END_TEST

START_TEST(test_event_hub__drop_all_leaves_every_reader_behind)
{
    struct event_place place = join();
    event_hub_take_news(hub);
    event_hub_drop_all(hub);
    ck_assert(event_hub_fell_behind(hub, &place));
    ck_assert(event_hub_take_news(hub));
    struct event_place newcomer = join();
    publish("a");
    expect(&newcomer, "a");
}
END_TEST

START_TEST(test_event_hub__news_is_an_event_the_end_or_a_wake)
{
    ck_assert(!event_hub_take_news(hub));
    publish("a");
    ck_assert(event_hub_take_news(hub));
    ck_assert(!event_hub_take_news(hub));
    event_hub_wake(hub);
    ck_assert(event_hub_take_news(hub));
    event_hub_end(hub);
    ck_assert(event_hub_take_news(hub));
}
END_TEST

START_TEST(test_event_hub__after_the_end_nothing_is_published)
{
    struct event_place place = join();
    publish("a");
    ck_assert(!event_hub_ended(hub));
    event_hub_end(hub);
    publish("b");
    ck_assert(event_hub_ended(hub));
    expect(&place, "a");
    expect(&place, "");
}
END_TEST

static Suite *event_hub_suite(void)
{
    Suite *suite = suite_create("event_hub");
    TCase *tests = tcase_create("hub");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_event_hub__reader_gets_what_is_published_from_then_on);
    tcase_add_test(tests, test_event_hub__each_event_is_a_chunk_for_those_who_take_chunks);
    tcase_add_test(tests, test_event_hub__readers_at_one_place_share_one_batch);
    tcase_add_test(tests, test_event_hub__what_a_reader_had_before_is_left_out);
    tcase_add_test(tests, test_event_hub__numbers_of_another_epoch_are_not_compared);
    tcase_add_test(tests, test_event_hub__batch_of_one_who_had_some_is_not_for_one_who_had_not);
    tcase_add_test(tests, test_event_hub__batch_of_one_who_had_none_is_not_for_one_who_had_some);
    tcase_add_test(tests, test_event_hub__nothing_is_sent_at_or_past_its_end);
    tcase_add_test(tests, test_event_hub__batch_is_cut_between_events);
    tcase_add_test(tests, test_event_hub__one_event_may_be_longer_than_a_batch);
    tcase_add_test(tests, test_event_hub__rest_of_a_batch_is_one_event);
    tcase_add_test(tests, test_event_hub__reader_may_be_so_many_events_behind_and_no_more);
    tcase_add_test(tests, test_event_hub__reader_may_be_so_many_bytes_behind_and_no_more);
    tcase_add_test(tests, test_event_hub__trim_lets_go_of_what_all_were_sent);
    tcase_add_test(tests, test_event_hub__drop_all_leaves_every_reader_behind);
    tcase_add_test(tests, test_event_hub__news_is_an_event_the_end_or_a_wake);
    tcase_add_test(tests, test_event_hub__after_the_end_nothing_is_published);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(event_hub_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
