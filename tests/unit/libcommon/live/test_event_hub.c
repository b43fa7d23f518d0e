/*
 * What a subscriber reads, in whatever pieces; who waits and is resumed; who falls out of the ring.
 * The connections are stand-ins for the server's.
 */
#include "event_hub.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t now_us = 5000000;

struct http_connection {
    bool suspended;
    unsigned suspends;
};

void http_stream_suspend(struct http_connection *connection)
{
    ck_assert(!connection->suspended);
    connection->suspended = true;
    connection->suspends++;
}

void http_stream_resume(struct http_connection *connection)
{
    ck_assert(connection->suspended);
    connection->suspended = false;
}

struct reader {
    struct http_connection connection;
    struct subscriber subscriber;
};

static struct event_hub *hub;

static void setup(void)
{
    hub = event_hub_new();
    ck_assert_ptr_nonnull(hub);
}

static void teardown(void)
{
    event_hub_free(hub);
}

static void join(struct reader *reader)
{
    *reader = (struct reader){0};
    reader->subscriber.connection = &reader->connection;
    event_hub_join(hub, &reader->subscriber);
}

static void publish_event(const char *text, struct event_id id, uint64_t deadline_us)
{
    struct blob *blob = blob_new(text, strlen(text));
    event_hub_publish(hub, &(struct event){.text = blob, .id = id, .deadline_us = deadline_us});
    blob_release(blob);
}

static void publish(const char *text)
{
    publish_event(text, (struct event_id){0}, UINT64_MAX);
}

static void publish_numbered(const char *text, uint64_t number, uint64_t tag)
{
    publish_event(text, (struct event_id){.number = number, .tag = tag}, UINT64_MAX);
}

static void assert_reads_at(struct reader *reader, uint64_t at_us, const char *expected)
{
    char bytes[4096];
    ssize_t len = event_hub_read(hub, &reader->subscriber, at_us, bytes, sizeof bytes);
    ck_assert_int_eq(len, (ssize_t)strlen(expected));
    ck_assert_mem_eq(bytes, expected, strlen(expected));
}

static void assert_reads(struct reader *reader, const char *expected)
{
    assert_reads_at(reader, now_us, expected);
}

static void assert_waits(struct reader *reader)
{
    unsigned suspends = reader->connection.suspends;
    assert_reads(reader, "");
    ck_assert(reader->connection.suspended);
    ck_assert_uint_eq(reader->connection.suspends, suspends + 1);
}

static void assert_ended(struct reader *reader)
{
    char bytes[64];
    ck_assert_int_eq(event_hub_read(hub, &reader->subscriber, now_us, bytes, sizeof bytes),
                     HTTP_STREAM_END);
    ck_assert(!reader->connection.suspended);
}

static void leave(struct reader *reader)
{
    event_hub_leave(hub, &reader->subscriber);
    blob_release(reader->subscriber.opening);
}

static void resume_all(void)
{
    event_hub_resume(event_hub_take_waiting(hub));
}

/* ---- reading ---- */

START_TEST(test_event_hub__reads_retry_then_opening_then_events)
{
    struct reader reader;
    join(&reader);
    memcpy(reader.subscriber.retry, "retry: 1\n\n", 11);
    reader.subscriber.opening = blob_new("opening.", 8);
    publish("one.");
    publish("two.");
    assert_reads(&reader, "retry: 1\n\nopening.one.two.");
    assert_waits(&reader);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__reads_the_same_in_pieces_of_any_size)
{
    static const char all[] = "retry: 1\n\nopening.one.twothree.";
    struct reader reader;
    size_t piece = (size_t)_i;
    char bytes[sizeof all] = "";
    size_t len = 0;
    join(&reader);
    memcpy(reader.subscriber.retry, "retry: 1\n\n", 11);
    reader.subscriber.opening = blob_new("opening.", 8);
    publish("one.");
    publish("two");
    publish("three.");
    while (len < sizeof all - 1) {
        size_t max = piece < sizeof all - len ? piece : sizeof all - len;
        ssize_t read = event_hub_read(hub, &reader.subscriber, now_us, bytes + len, max);
        ck_assert_int_gt(read, 0);
        ck_assert_uint_le((size_t)read, max);
        len += (size_t)read;
    }
    ck_assert_str_eq(bytes, all);
    assert_waits(&reader);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__joins_behind_what_was_published)
{
    struct reader first;
    struct reader second;
    join(&first);
    publish("one.");
    join(&second);
    publish("two.");
    assert_reads(&first, "one.two.");
    assert_reads(&second, "two.");
    leave(&first);
    leave(&second);
}
END_TEST

START_TEST(test_event_hub__keeps_nothing_where_nobody_listens)
{
    struct blob *text = blob_new("one.", 4);
    event_hub_publish(hub, &(struct event){.text = text, .deadline_us = UINT64_MAX});
    ck_assert_uint_eq(text->references, 1);
    ck_assert(!event_hub_has_news(hub));
    blob_release(text);
}
END_TEST

START_TEST(test_event_hub__passes_over_what_the_reader_had)
{
    struct reader reader;
    join(&reader);
    reader.subscriber.after = (struct event_id){.number = 5, .tag = 1};
    publish_numbered("4", 4, 1);
    publish_numbered("5", 5, 1);
    publish("no message");
    publish_numbered("6", 6, 1);
    assert_reads(&reader, "no message6");
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__numbers_of_another_epoch_are_not_compared)
{
    struct reader reader;
    join(&reader);
    reader.subscriber.after = (struct event_id){.number = 5, .tag = 1};
    publish_numbered("4", 4, 2);
    assert_reads(&reader, "4");
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__passes_over_what_has_ended)
{
    struct reader reader;
    join(&reader);
    publish_event("a", (struct event_id){0}, now_us - 1);
    publish_event("b", (struct event_id){0}, now_us);
    publish_event("c", (struct event_id){0}, now_us + 1);
    assert_reads(&reader, "c");
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__waits_where_all_has_ended)
{
    struct reader reader;
    join(&reader);
    publish_event("a", (struct event_id){0}, now_us);
    assert_waits(&reader);
    resume_all();
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__finishes_an_event_that_ends_meanwhile)
{
    struct reader reader;
    char bytes[3];
    join(&reader);
    publish_event("hello.", (struct event_id){0}, now_us + 1);
    ck_assert_int_eq(event_hub_read(hub, &reader.subscriber, now_us, bytes, 3), 3);
    assert_reads_at(&reader, now_us + 1, "lo.");
    leave(&reader);
}
END_TEST

/* ---- waiting ---- */

START_TEST(test_event_hub__publishing_is_news)
{
    struct reader reader;
    join(&reader);
    assert_waits(&reader);
    ck_assert(!event_hub_has_news(hub));
    publish("one.");
    ck_assert(event_hub_has_news(hub));
    ck_assert(reader.connection.suspended);
    resume_all();
    ck_assert(!reader.connection.suspended);
    ck_assert(!event_hub_has_news(hub));
    assert_reads(&reader, "one.");
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__resumes_all_who_wait_and_no_others)
{
    struct reader readers[5];
    for (size_t i = 0; i < 5; i++)
        join(&readers[i]);
    for (size_t i = 0; i < 4; i++)
        assert_waits(&readers[i]);
    publish("one.");
    resume_all();
    for (size_t i = 0; i < 5; i++) {
        ck_assert(!readers[i].connection.suspended);
        assert_reads(&readers[i], "one.");
    }
    for (size_t i = 0; i < 5; i++)
        leave(&readers[i]);
}
END_TEST

START_TEST(test_event_hub__nobody_waits_at_first)
{
    ck_assert_ptr_null(event_hub_take_waiting(hub));
    event_hub_resume(NULL);
}
END_TEST

/* ---- falling behind ---- */

static void publish_many(size_t count)
{
    for (size_t i = 0; i < count; i++)
        publish("x");
}

START_TEST(test_event_hub__keeps_as_many_events_as_it_may)
{
    struct reader reader;
    char bytes[EVENT_HUB_EVENTS_MAX + 1];
    join(&reader);
    publish_many(EVENT_HUB_EVENTS_MAX);
    ck_assert_int_eq(event_hub_read(hub, &reader.subscriber, now_us, bytes, sizeof bytes),
                     EVENT_HUB_EVENTS_MAX);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__who_is_further_behind_is_dropped)
{
    struct reader slow;
    struct reader quick;
    join(&slow);
    join(&quick);
    publish("first.");
    assert_reads(&quick, "first.");
    publish_many(EVENT_HUB_EVENTS_MAX - 1);
    ck_assert(!event_hub_fell_behind(hub, &slow.subscriber));
    publish("x");
    ck_assert(event_hub_fell_behind(hub, &slow.subscriber));
    ck_assert(!event_hub_fell_behind(hub, &quick.subscriber));
    assert_ended(&slow);
    char bytes[EVENT_HUB_EVENTS_MAX + 1];
    ck_assert_int_eq(event_hub_read(hub, &quick.subscriber, now_us, bytes, sizeof bytes),
                     EVENT_HUB_EVENTS_MAX);
    leave(&slow);
    leave(&quick);
}
END_TEST

START_TEST(test_event_hub__who_never_joined_has_not_fallen_behind)
{
    struct reader reader;
    struct subscriber stranger = {0};
    join(&reader);
    publish_many(EVENT_HUB_EVENTS_MAX + 1);
    ck_assert(event_hub_fell_behind(hub, &reader.subscriber));
    ck_assert(!event_hub_fell_behind(hub, &stranger));
    leave(&reader);
    ck_assert(!event_hub_fell_behind(hub, &reader.subscriber));
}
END_TEST

static struct blob *filled(size_t len)
{
    char *bytes = malloc(len);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', len);
    struct blob *blob = blob_new(bytes, len);
    free(bytes);
    return blob;
}

static void publish_bytes(size_t len)
{
    struct blob *text = filled(len);
    event_hub_publish(hub, &(struct event){.text = text, .deadline_us = UINT64_MAX});
    blob_release(text);
}

static void assert_reads_bytes(struct reader *reader, size_t len)
{
    char bytes[65536];
    while (len) {
        ssize_t read = event_hub_read(hub, &reader->subscriber, now_us, bytes, sizeof bytes);
        ck_assert_int_gt(read, 0);
        ck_assert_uint_le((size_t)read, len);
        len -= (size_t)read;
    }
    assert_waits(reader);
    resume_all();
}

START_TEST(test_event_hub__keeps_as_many_bytes_as_it_may)
{
    struct reader reader;
    join(&reader);
    publish_bytes(EVENT_HUB_BYTES_MAX / 2);
    publish_bytes(EVENT_HUB_BYTES_MAX / 2);
    assert_reads_bytes(&reader, EVENT_HUB_BYTES_MAX);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__who_is_more_bytes_behind_is_dropped)
{
    struct reader slow;
    struct reader quick;
    join(&slow);
    join(&quick);
    publish_bytes(EVENT_HUB_BYTES_MAX / 2);
    assert_reads_bytes(&quick, EVENT_HUB_BYTES_MAX / 2);
    publish_bytes(EVENT_HUB_BYTES_MAX / 2 + 1);
    assert_ended(&slow);
    assert_reads_bytes(&quick, EVENT_HUB_BYTES_MAX / 2 + 1);
    leave(&slow);
    leave(&quick);
}
END_TEST

START_TEST(test_event_hub__single_event_may_be_of_any_size)
{
    struct reader reader;
    join(&reader);
    publish_bytes(EVENT_HUB_BYTES_MAX + 1);
    assert_reads_bytes(&reader, EVENT_HUB_BYTES_MAX + 1);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__is_dropped_in_the_middle_of_an_event)
{
    struct reader reader;
    char bytes[2];
    join(&reader);
    publish("first.");
    ck_assert_int_eq(event_hub_read(hub, &reader.subscriber, now_us, bytes, 2), 2);
    publish_many(EVENT_HUB_EVENTS_MAX);
    assert_ended(&reader);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__is_dropped_behind_its_opening)
{
    struct reader reader;
    join(&reader);
    reader.subscriber.opening = blob_new("opening.", 8);
    publish_many(EVENT_HUB_EVENTS_MAX + 1);
    assert_reads(&reader, "opening.");
    assert_ended(&reader);
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__drop_all_drops_those_who_are_there)
{
    struct reader before;
    struct reader waiting;
    struct reader after;
    join(&before);
    join(&waiting);
    assert_waits(&waiting);
    publish("one.");
    event_hub_drop_all(hub);
    ck_assert(event_hub_has_news(hub));
    resume_all();
    join(&after);
    publish("two.");
    assert_ended(&before);
    assert_ended(&waiting);
    assert_reads(&after, "two.");
    leave(&before);
    leave(&waiting);
    leave(&after);
}
END_TEST

/* ---- the ring ---- */

START_TEST(test_event_hub__ring_keeps_the_order_as_it_grows_and_turns)
{
    struct reader reader;
    join(&reader);
    char expected[128];
    char text[2] = "a";
    for (size_t round = 0; round < 50; round++) {
        size_t count = 1 + round % 40;
        for (size_t i = 0; i < count; i++) {
            text[0] = (char)('a' + (round + i) % 26);
            expected[i] = text[0];
            publish(text);
        }
        expected[count] = '\0';
        assert_reads(&reader, expected);
        event_hub_trim(hub);
    }
    leave(&reader);
}
END_TEST

START_TEST(test_event_hub__trim_lets_go_of_what_all_have_read)
{
    struct reader slow;
    struct reader quick;
    join(&slow);
    join(&quick);
    struct blob *text = blob_new("one.", 4);
    event_hub_publish(hub, &(struct event){.text = text, .deadline_us = UINT64_MAX});
    assert_reads(&quick, "one.");
    event_hub_trim(hub);
    ck_assert_uint_eq(text->references, 2);
    assert_reads(&slow, "one.");
    event_hub_trim(hub);
    ck_assert_uint_eq(text->references, 1);
    publish("two.");
    assert_reads(&slow, "two.");
    assert_reads(&quick, "two.");
    leave(&slow);
    leave(&quick);
    blob_release(text);
}
END_TEST

START_TEST(test_event_hub__trim_does_not_wait_for_who_left)
{
    struct reader slow;
    join(&slow);
    struct blob *text = blob_new("one.", 4);
    event_hub_publish(hub, &(struct event){.text = text, .deadline_us = UINT64_MAX});
    leave(&slow);
    event_hub_trim(hub);
    ck_assert_uint_eq(text->references, 1);
    blob_release(text);
}
END_TEST

START_TEST(test_event_hub__trim_keeps_those_dropped_dropped)
{
    struct reader slow;
    join(&slow);
    publish_many(EVENT_HUB_EVENTS_MAX + 1);
    event_hub_trim(hub);
    assert_ended(&slow);
    leave(&slow);
}
END_TEST

START_TEST(test_event_hub__frees_events_that_nobody_has_read)
{
    struct reader reader;
    join(&reader);
    publish_many(3);
    leave(&reader);
}
END_TEST

/* ---- the end, and leaving ---- */

START_TEST(test_event_hub__end_comes_after_what_was_published)
{
    struct reader reader;
    struct reader waiting;
    join(&reader);
    join(&waiting);
    assert_waits(&waiting);
    publish("last.");
    event_hub_end(hub);
    ck_assert(event_hub_has_news(hub));
    resume_all();
    assert_reads(&reader, "last.");
    assert_ended(&reader);
    assert_reads(&waiting, "last.");
    assert_ended(&waiting);
    leave(&reader);
    leave(&waiting);
}
END_TEST

START_TEST(test_event_hub__leaves_in_any_order)
{
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct reader readers[3];
    for (size_t i = 0; i < 3; i++)
        join(&readers[i]);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(event_hub_subscribers(hub), 3 - i);
        leave(&readers[orders[_i][i]]);
        publish("one.");
        for (size_t j = i + 1; j < 3; j++)
            assert_reads(&readers[orders[_i][j]], "one.");
    }
    ck_assert_uint_eq(event_hub_subscribers(hub), 0);
}
END_TEST

START_TEST(test_event_hub__who_never_joined_may_leave)
{
    struct reader joined;
    struct reader stranger = {0};
    join(&joined);
    event_hub_leave(hub, &stranger.subscriber);
    ck_assert_uint_eq(event_hub_subscribers(hub), 1);
    leave(&joined);
    event_hub_leave(hub, &stranger.subscriber);
    ck_assert_uint_eq(event_hub_subscribers(hub), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_event_hub__reads_retry_then_opening_then_events);
    tcase_add_loop_test(tests, test_event_hub__reads_the_same_in_pieces_of_any_size, 1, 34);
    tcase_add_test(tests, test_event_hub__joins_behind_what_was_published);
    tcase_add_test(tests, test_event_hub__keeps_nothing_where_nobody_listens);
    tcase_add_test(tests, test_event_hub__passes_over_what_the_reader_had);
    tcase_add_test(tests, test_event_hub__numbers_of_another_epoch_are_not_compared);
    tcase_add_test(tests, test_event_hub__passes_over_what_has_ended);
    tcase_add_test(tests, test_event_hub__waits_where_all_has_ended);
    tcase_add_test(tests, test_event_hub__finishes_an_event_that_ends_meanwhile);
    tcase_add_test(tests, test_event_hub__publishing_is_news);
    tcase_add_test(tests, test_event_hub__resumes_all_who_wait_and_no_others);
    tcase_add_test(tests, test_event_hub__nobody_waits_at_first);
    tcase_add_test(tests, test_event_hub__keeps_as_many_events_as_it_may);
    tcase_add_test(tests, test_event_hub__who_is_further_behind_is_dropped);
    tcase_add_test(tests, test_event_hub__who_never_joined_has_not_fallen_behind);
    tcase_add_test(tests, test_event_hub__keeps_as_many_bytes_as_it_may);
    tcase_add_test(tests, test_event_hub__who_is_more_bytes_behind_is_dropped);
    tcase_add_test(tests, test_event_hub__single_event_may_be_of_any_size);
    tcase_add_test(tests, test_event_hub__is_dropped_in_the_middle_of_an_event);
    tcase_add_test(tests, test_event_hub__is_dropped_behind_its_opening);
    tcase_add_test(tests, test_event_hub__drop_all_drops_those_who_are_there);
    tcase_add_test(tests, test_event_hub__ring_keeps_the_order_as_it_grows_and_turns);
    tcase_add_test(tests, test_event_hub__trim_lets_go_of_what_all_have_read);
    tcase_add_test(tests, test_event_hub__trim_does_not_wait_for_who_left);
    tcase_add_test(tests, test_event_hub__trim_keeps_those_dropped_dropped);
    tcase_add_test(tests, test_event_hub__frees_events_that_nobody_has_read);
    tcase_add_test(tests, test_event_hub__end_comes_after_what_was_published);
    tcase_add_loop_test(tests, test_event_hub__leaves_in_any_order, 0, 6);
    tcase_add_test(tests, test_event_hub__who_never_joined_may_leave);
}

int main(void)
{
    Suite *suite = suite_create("event_hub");
    TCase *tests = tcase_create("event_hub");
    tcase_add_checked_fixture(tests, setup, teardown);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
