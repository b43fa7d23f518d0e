/*
 * A message's JSON to the letter, there and back, each malformed field refused, and times at the
 * ends of the calendar.
 */
#include "message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID "bf87d4b3fefc49f39b7dd50e6d693ae8"
#define HEAD "{\"id\":\"" ID "\",\"room\":\"lobby\""
#define TIMES                                                                                      \
    ",\"created_at\":\"2026-11-22T06:00:00.123Z\",\"expires_at\":\"2026-11-22T06:01:00.123Z\""

static const int64_t created_ms = 1795327200123;
static const uint64_t now_us = 5000000;
static const uint64_t second_us = 1000000;

static struct message *make(const char *author, const char *text, uint64_t deadline_us)
{
    struct message *message = message_new(&(struct message_fields){
        .number = 7,
        .deadline_us = deadline_us,
        .created_at_ms = created_ms,
        .expires_at_ms = created_ms + 60000,
        .id = ID,
        .room = "lobby",
        .author = author,
        .text = text,
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

static void assert_json(const struct message *message, uint64_t at_us, const char *expected)
{
    struct buffer json;
    buffer_init(&json, 100000);
    message_append_json(message, at_us, &json);
    ck_assert(!json.failed);
    ck_assert_str_eq(json.data, expected);
    buffer_fini(&json);
}

START_TEST(test_message__copies_its_fields)
{
    char author[] = "Ada";
    char text[] = "hello";
    struct message *message = make(author, text, 9);
    memset(author, 'x', 3);
    memset(text, 'x', 5);
    ck_assert_uint_eq(message->references, 1);
    ck_assert_uint_eq(message->number, 7);
    ck_assert_uint_eq(message->deadline_us, 9);
    ck_assert_int_eq(message->created_at_ms, created_ms);
    ck_assert_int_eq(message->expires_at_ms, created_ms + 60000);
    ck_assert_str_eq(message->id, ID);
    ck_assert_str_eq(message->room, "lobby");
    ck_assert_str_eq(message->author, "Ada");
    ck_assert_str_eq(message->text, "hello");
    ck_assert_uint_eq(message->text_len, 5);
    message_release(message);
}
END_TEST

START_TEST(test_message__no_author_is_null)
{
    struct message *message = make(NULL, "", 9);
    ck_assert_ptr_null(message->author);
    ck_assert_str_eq(message->text, "");
    message_release(message);
}
END_TEST

START_TEST(test_message__longest_room_name_is_kept)
{
    char room[ROOM_NAME_SIZE];
    memset(room, 'r', ROOM_NAME_MAX);
    room[ROOM_NAME_MAX] = '\0';
    struct message *message =
        message_new(&(struct message_fields){.id = ID, .room = room, .text = "x"});
    ck_assert_str_eq(message->room, room);
    message_release(message);
}
END_TEST

START_TEST(test_message__lives_until_the_last_release)
{
    struct message *message = make("Ada", "hello", 9);
    ck_assert_ptr_eq(message_retain(message), message);
    ck_assert_uint_eq(message->references, 2);
    message_release(message);
    ck_assert_str_eq(message->text, "hello");
    message_release(message);
    message_release(NULL);
}
END_TEST

START_TEST(test_message__json_with_author)
{
    struct message *message = make("Ada", "hello", now_us + 59877000);
    assert_json(message, now_us,
                HEAD ",\"author\":\"Ada\",\"message\":\"hello\"" TIMES ",\"expires_in\":59877}");
    message_release(message);
}
END_TEST

START_TEST(test_message__json_without_author)
{
    struct message *message = make(NULL, "hello", now_us);
    assert_json(message, now_us, HEAD ",\"message\":\"hello\"" TIMES ",\"expires_in\":0}");
    message_release(message);
}
END_TEST

START_TEST(test_message__json_escapes_controls_quote_and_backslash)
{
    struct message *message = make("\"\\", "\x01\b\t\n\f\r\x1F\"\\/", now_us);
    assert_json(message, now_us,
                HEAD ",\"author\":\"\\\"\\\\\",\"message\":"
                     "\"\\u0001\\u0008\\t\\n\\u000c\\r\\u001f\\\"\\\\/\"" TIMES
                     ",\"expires_in\":0}");
    message_release(message);
}
END_TEST

START_TEST(test_message__json_leaves_the_rest_of_unicode)
{
    struct message *message = make(NULL, "\x7F\xE2\x80\xA8\xF0\x9F\x98\x80", now_us);
    assert_json(message, now_us,
                HEAD ",\"message\":\"\x7F\xE2\x80\xA8\xF0\x9F\x98\x80\"" TIMES
                     ",\"expires_in\":0}");
    message_release(message);
}
END_TEST

START_TEST(test_message__longest_text_of_control_characters_fits)
{
    enum { LONGEST = 65536 };
    char *text = malloc(LONGEST + 1);
    memset(text, '\x01', LONGEST);
    text[LONGEST] = '\0';
    struct message *message = make(text, text, now_us);
    ck_assert_uint_eq(message->text_len, LONGEST);
    ck_assert_uint_gt(message->json_len, 12 * LONGEST);
    message_release(message);
    free(text);
}
END_TEST

START_TEST(test_message__text_over_every_limit_is_no_memory)
{
    enum { TOO_LONG = 1024 * 1024 };
    char *text = malloc(TOO_LONG + 1);
    memset(text, 'x', TOO_LONG);
    text[TOO_LONG] = '\0';
    ck_assert_ptr_null(
        message_new(&(struct message_fields){.id = ID, .room = "lobby", .text = text}));
    free(text);
}
END_TEST

START_TEST(test_message__expires_in_is_rounded_up)
{
    struct message *message = make(NULL, "x", now_us);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us - 1001), 2);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us - 1000), 1);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us - 999), 1);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us - 1), 1);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us), 0);
    ck_assert_uint_eq(message_expires_in_ms(message, now_us + 1), 0);
    ck_assert_uint_eq(message_expires_in_ms(message, UINT64_MAX), 0);
    message_release(message);
}
END_TEST

START_TEST(test_message__is_expired_from_its_deadline_on)
{
    struct message *message = make(NULL, "x", now_us);
    ck_assert(!message_expired(message, 0));
    ck_assert(!message_expired(message, now_us - 1));
    ck_assert(message_expired(message, now_us));
    ck_assert(message_expired(message, now_us + 1));
    message_release(message);
}
END_TEST

static void assert_same(const struct message *a, const struct message *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->room, b->room);
    ck_assert_int_eq(a->author == NULL, b->author == NULL);
    if (a->author)
        ck_assert_str_eq(a->author, b->author);
    ck_assert_uint_eq(a->text_len, b->text_len);
    ck_assert_str_eq(a->text, b->text);
    ck_assert_int_eq(a->created_at_ms, b->created_at_ms);
    ck_assert_int_eq(a->expires_at_ms, b->expires_at_ms);
    ck_assert_uint_eq(a->json_len, b->json_len);
    ck_assert_str_eq(a->json, b->json);
}

/* Writes the message, reads it back as if it came at another process' time, and compares. */
static void assert_round_trip(const char *author, const char *text)
{
    struct message *message = make(author, text, now_us + 1500);
    struct message *again = NULL;
    struct buffer json;
    buffer_init(&json, 100000);
    message_append_json(message, now_us, &json);
    ck_assert(message_from_json(json.data, json.len, 42, 9 * second_us, &again));
    assert_same(message, again);
    ck_assert_uint_eq(again->references, 1);
    ck_assert_uint_eq(again->number, 42);
    ck_assert_uint_eq(again->deadline_us, 9 * second_us + 2000);
    message_release(again);
    message_release(message);
    buffer_fini(&json);
}

START_TEST(test_message__round_trip)
{
    assert_round_trip(NULL, "hello");
    assert_round_trip("Ada", "hello");
    assert_round_trip("", "");
    assert_round_trip("\"\\\x01", "quote \" backslash \\ slash / \\u0041 \\\\n");
    assert_round_trip("\xF0\x9F\x98\x80", "\x7F\xC2\x80\xE2\x80\xA8\xEF\xBF\xBF\xF4\x8F\xBF\xBF");
}
END_TEST

START_TEST(test_message__round_trip_of_each_byte_of_ascii)
{
    for (int byte = 1; byte < 128; byte++)
        assert_round_trip(NULL, (char[]){'a', (char)byte, 'b', '\0'});
}
END_TEST

static bool reads(const char *json, size_t len)
{
    struct message *message = NULL;
    bool read = message_from_json(json, len, 1, now_us, &message);
    ck_assert_int_eq(read, message != NULL);
    message_release(message);
    return read;
}

/* The JSON of a message in which `from` is replaced by `to`; `from` is there once. */
static bool reads_with(const char *from, const char *to)
{
    static const char good[] =
        HEAD ",\"author\":\"Ada\",\"message\":\"hello\"" TIMES ",\"expires_in\":59877}";
    char json[2048];
    const char *at = strstr(good, from);
    ck_assert_ptr_nonnull(at);
    int len =
        snprintf(json, sizeof json, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    ck_assert_int_lt(len, (int)sizeof json);
    return reads(json, (size_t)len);
}

START_TEST(test_message__reads_what_the_contract_allows)
{
    ck_assert(reads_with("hello", "hello"));
    ck_assert(reads_with(",\"author\":\"Ada\"", ""));
    ck_assert(reads_with("hello", "\\u00e4\\ud83d\\ude00"));
    ck_assert(reads_with("{", "{\"other\":[{}],"));
    ck_assert(reads_with("59877", "0"));
    ck_assert(reads_with("59877", "1099511627776"));
}
END_TEST

static const char *const malformed[][2] = {
    {"\"id\":\"" ID "\",", ""},
    {"\"id\":\"" ID "\"", "\"id\":1"},
    {"\"id\":\"" ID "\"", "\"id\":null"},
    {ID, ""},
    {ID, "bf87d4b3fefc49f39b7dd50e6d693ae"},
    {ID, ID "0"},
    {ID, "BF87D4B3FEFC49F39B7DD50E6D693AE8"},
    {ID, "bf87d4b3fefc49f39b7dd50e6d693ag8"},
    {",\"room\":\"lobby\"", ""},
    {"\"lobby\"", "1"},
    {"lobby", ""},
    {"lobby", "Lobby"},
    {"lobby", "-lobby"},
    {"lobby", "a/b"},
    {"lobby", "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"},
    {"\"Ada\"", "null"},
    {"\"Ada\"", "1"},
    {"\"Ada\"", "[]"},
    {",\"message\":\"hello\"", ""},
    {"\"hello\"", "null"},
    {"\"hello\"", "{}"},
    {"hello", "a\\u0000b"},
    {"hello", "\\ud83d"},
    {"hello", "\xFF"},
    {"hello", "\xED\xA0\x80"},
    {"hello", "a\nb"},
    {"\"created_at\"", "\"created\""},
    {"\"2026-11-22T06:00:00.123Z\"", "1795327200123"},
    {"2026-11-22T06:00:00.123Z", "2026-11-22T06:00:00Z"},
    {"2026-11-22T06:00:00.123Z", "2026-11-31T06:00:00.123Z"},
    {"\"expires_at\"", "\"expires\""},
    {"\"2026-11-22T06:01:00.123Z\"", "null"},
    {"2026-11-22T06:01:00.123Z", "2026-11-22 06:01:00.123Z"},
    {",\"expires_in\":59877", ""},
    {"59877", "\"59877\""},
    {"59877", "59877.0"},
    {"59877", "5e3"},
    {"59877", "null"},
    {"59877", "-1"},
    {"59877", "1099511627777"},
    {"59877", "9223372036854775807"},
    {"59877", "9223372036854775808"},
    {"59877}", "59877"},
    {"59877}", "59877}]"},
    {"59877}", "59877}{}"},
    {"59877", "59877,\"room\":\"other\""},
    {"{", "["},
};

START_TEST(test_message__malformed_is_refused)
{
    ck_assert_msg(!reads_with(malformed[_i][0], malformed[_i][1]), "%s for %s", malformed[_i][1],
                  malformed[_i][0]);
}
END_TEST

START_TEST(test_message__what_is_no_object_is_refused)
{
    ck_assert(!reads("", 0));
    ck_assert(!reads(NULL, 0));
    ck_assert(!reads("null", 4));
    ck_assert(!reads("[]", 2));
    ck_assert(!reads("{}", 2));
    ck_assert(!reads("\"x\"", 3));
}
END_TEST

START_TEST(test_message__deep_nesting_is_refused)
{
    enum { DEEP = 100000 };
    char *json = malloc(DEEP);
    memset(json, '[', DEEP);
    ck_assert(!reads(json, DEEP));
    free(json);
}
END_TEST

/* What message_array_from_json hands over, kept. */
struct taken {
    struct message *messages[4];
    size_t count;
    size_t refuse_at; /* `take` says false at this call; SIZE_MAX: never */
};

static bool take(void *context, struct message *message)
{
    struct taken *taken = context;
    ck_assert_uint_lt(taken->count, 4);
    taken->messages[taken->count++] = message;
    return taken->count - 1 != taken->refuse_at;
}

static void release_taken(struct taken *taken)
{
    for (size_t i = 0; i < taken->count; i++)
        message_release(taken->messages[i]);
    *taken = (struct taken){.refuse_at = SIZE_MAX};
}

#define ITEM(digit)                                                                                \
    "{\"id\":\"0000000000000000000000000000000" digit                                              \
    "\",\"room\":\"lobby\",\"message\":\"m" digit "\"" TIMES ",\"expires_in\":1000}"

static bool reads_array(const char *json, uint64_t last_number, struct taken *taken)
{
    return message_array_from_json(json, strlen(json), last_number, now_us, take, taken);
}

START_TEST(test_message__array_is_read_in_order_with_numbers)
{
    struct taken taken = {.refuse_at = SIZE_MAX};
    ck_assert(reads_array("[" ITEM("1") "," ITEM("2") "," ITEM("3") "]", 100, &taken));
    ck_assert_uint_eq(taken.count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(taken.messages[i]->number, 98 + i);
        ck_assert_int_eq(taken.messages[i]->text[1], (int)('1' + i));
        ck_assert_uint_eq(taken.messages[i]->deadline_us, now_us + second_us);
    }
    release_taken(&taken);
}
END_TEST

START_TEST(test_message__array_without_last_number_has_no_numbers)
{
    struct taken taken = {.refuse_at = SIZE_MAX};
    ck_assert(reads_array("[" ITEM("1") "," ITEM("2") "]", 0, &taken));
    ck_assert_uint_eq(taken.messages[0]->number, 0);
    ck_assert_uint_eq(taken.messages[1]->number, 0);
    release_taken(&taken);
}
END_TEST

START_TEST(test_message__array_may_be_as_long_as_its_last_number_but_not_longer)
{
    struct taken taken = {.refuse_at = SIZE_MAX};
    ck_assert(reads_array("[" ITEM("1") "," ITEM("2") "]", 2, &taken));
    ck_assert_uint_eq(taken.messages[0]->number, 1);
    release_taken(&taken);
    ck_assert(!reads_array("[" ITEM("1") "," ITEM("2") "]", 1, &taken));
    ck_assert_uint_eq(taken.count, 0);
}
END_TEST

START_TEST(test_message__empty_array_is_an_array)
{
    struct taken taken = {.refuse_at = SIZE_MAX};
    ck_assert(reads_array("[]", 0, &taken));
    ck_assert(reads_array(" [ ] ", 1, &taken));
    ck_assert_uint_eq(taken.count, 0);
}
END_TEST

START_TEST(test_message__array_stops_where_take_says_false)
{
    struct taken taken = {.refuse_at = 1};
    ck_assert(!reads_array("[" ITEM("1") "," ITEM("2") "," ITEM("3") "]", 9, &taken));
    ck_assert_uint_eq(taken.count, 2);
    release_taken(&taken);
}
END_TEST

START_TEST(test_message__array_with_what_is_no_message_is_refused)
{
    struct taken taken = {.refuse_at = SIZE_MAX};
    ck_assert(!reads_array("[" ITEM("1") ",{}]", 9, &taken));
    ck_assert_uint_eq(taken.count, 1);
    release_taken(&taken);
    ck_assert(!reads_array("[null]", 9, &taken));
    ck_assert(!reads_array("[1]", 9, &taken));
    ck_assert(!reads_array("[{}]", 9, &taken));
    ck_assert(!reads_array("[[]]", 9, &taken));
    ck_assert(!reads_array("[[" ITEM("1") "]]", 9, &taken));
    ck_assert(!reads_array(ITEM("1"), 9, &taken));
    ck_assert(!reads_array("{}", 9, &taken));
    ck_assert(!reads_array("null", 9, &taken));
    ck_assert(!reads_array("", 9, &taken));
    ck_assert(!reads_array("[", 9, &taken));
    ck_assert(!reads_array("[" ITEM("1"), 9, &taken));
    ck_assert(!reads_array("[" ITEM("1") ",]", 9, &taken));
    ck_assert(!reads_array("[" ITEM("1") "]]", 9, &taken));
    ck_assert_uint_eq(taken.count, 0);
}
END_TEST

START_TEST(test_message__id_is_32_lower_case_hex_digits)
{
    ck_assert(message_id_valid(ID));
    ck_assert(message_id_valid("00000000000000000000000000000000"));
    ck_assert(!message_id_valid(""));
    ck_assert(!message_id_valid("bf87d4b3fefc49f39b7dd50e6d693ae"));
    ck_assert(!message_id_valid(ID "0"));
    ck_assert(!message_id_valid(ID "\n"));
    ck_assert(!message_id_valid(" " ID));
    for (int byte = 1; byte < 256; byte++) {
        char id[] = ID;
        id[31] = (char)byte;
        bool valid = strchr("0123456789abcdef", byte) != NULL;
        ck_assert_msg(message_id_valid(id) == valid, "byte %d", byte);
    }
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {999, "1970-01-01T00:00:00.999Z"},
    {1000, "1970-01-01T00:00:01.000Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {1709251199999, "2024-02-29T23:59:59.999Z"},
    {2147483647000, "2038-01-19T03:14:07.000Z"},
    {2147483648000, "2038-01-19T03:14:08.000Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z"},
    {1795327200123, "2026-11-22T06:00:00.123Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
};

enum { TIME_COUNT = sizeof times / sizeof times[0] };

START_TEST(test_message__time_is_written)
{
    char text[MESSAGE_TIME_SIZE];
    message_time_format(times[_i].ms, text);
    ck_assert_str_eq(text, times[_i].text);
}
END_TEST

START_TEST(test_message__time_is_read)
{
    int64_t ms = -1;
    ck_assert(message_time_parse(times[_i].text, &ms));
    ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

START_TEST(test_message__time_is_utc_wherever_the_process_is)
{
    setenv("TZ", "America/St_Johns", 1);
    tzset();
    char text[MESSAGE_TIME_SIZE];
    int64_t ms = -1;
    message_time_format(created_ms, text);
    ck_assert_str_eq(text, "2026-11-22T06:00:00.123Z");
    ck_assert(message_time_parse(text, &ms));
    ck_assert_int_eq(ms, created_ms);
}
END_TEST

START_TEST(test_message__times_from_1970_to_9999_come_back)
{
    /* Steps of some 34 days and odd milliseconds, so that no field stays at one value. */
    for (int64_t ms = 0; ms <= 253402300799999; ms += 2999999983) {
        char text[MESSAGE_TIME_SIZE];
        int64_t again = -1;
        message_time_format(ms, text);
        ck_assert_msg(message_time_parse(text, &again) && again == ms, "%s", text);
    }
}
END_TEST

START_TEST(test_message__times_outside_those_years_stay_in_the_buffer)
{
    static const int64_t outside[] = {-1,       -999, -62135596800000, INT64_MIN, 253402300800000,
                                      INT64_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        char text[MESSAGE_TIME_SIZE + 1];
        int64_t ms = -1;
        memset(text, '#', sizeof text);
        message_time_format(outside[i], text);
        ck_assert_ptr_nonnull(memchr(text, '\0', MESSAGE_TIME_SIZE));
        ck_assert_int_eq(text[MESSAGE_TIME_SIZE], '#');
        ck_assert_msg(!message_time_parse(text, &ms), "%s", text);
    }
}
END_TEST

static const char *const no_times[] = {
    "",
    "Z",
    "2026-11-22",
    "2026-11-22T06:00:00Z",
    "2026-11-22T06:00:00.1Z",
    "2026-11-22T06:00:00.12Z",
    "2026-11-22T06:00:00.1234Z",
    "2026-11-22T06:00:00.123",
    "2026-11-22T06:00:00.123z",
    "2026-11-22t06:00:00.123Z",
    "2026-11-22 06:00:00.123Z",
    "2026-11-22T06:00:00,123Z",
    "2026-11-22T06:00:00.123ZZ",
    "2026-11-22T06:00:00.123+00:00",
    "2026/11/22T06:00:00.123Z",
    " 026-11-22T06:00:00.123Z",
    "2026- 1-22T06:00:00.123Z",
    "2026-1-022T06:00:00.123Z",
    "2026-+1-22T06:00:00.123Z",
    "2026--1-22T06:00:00.123Z",
    "+026-11-22T06:00:00.123Z",
    "-026-11-22T06:00:00.123Z",
    "2026-11-22T06:00:00.-12Z",
    "2026-11-22T06:00:00.+12Z",
    "2026-11-22T06:00:00. 12Z",
    "2026-11-22T-6:00:00.123Z",
    "2026-00-22T06:00:00.123Z",
    "2026-13-22T06:00:00.123Z",
    "2026-11-00T06:00:00.123Z",
    "2026-11-31T06:00:00.123Z",
    "2026-02-29T06:00:00.123Z",
    "2100-02-29T06:00:00.123Z",
    "2026-11-22T24:00:00.000Z",
    "2026-11-22T25:00:00.123Z",
    "2026-11-22T06:60:00.123Z",
    "2026-11-22T06:00:60.123Z",
    "2016-12-31T23:59:60.000Z",
    "1969-12-31T23:59:59.999Z",
    "0000-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00.000Z",
    "10000-01-01T00:00:00.00Z",
    "2026-11-22T06:00:00.0x1Z",
    "aaaa-bb-ccTdd:ee:ff.gggZ",
};

START_TEST(test_message__what_is_no_time_is_refused)
{
    int64_t ms = -77;
    ck_assert_msg(!message_time_parse(no_times[_i], &ms), "%s", no_times[_i]);
    ck_assert_int_eq(ms, -77);
}
END_TEST

static TCase *message_case(void)
{
    TCase *message = tcase_create("message");
    tcase_add_test(message, test_message__copies_its_fields);
    tcase_add_test(message, test_message__no_author_is_null);
    tcase_add_test(message, test_message__longest_room_name_is_kept);
    tcase_add_test(message, test_message__lives_until_the_last_release);
    tcase_add_test(message, test_message__json_with_author);
    tcase_add_test(message, test_message__json_without_author);
    tcase_add_test(message, test_message__json_escapes_controls_quote_and_backslash);
    tcase_add_test(message, test_message__json_leaves_the_rest_of_unicode);
    tcase_add_test(message, test_message__longest_text_of_control_characters_fits);
    tcase_add_test(message, test_message__text_over_every_limit_is_no_memory);
    tcase_add_test(message, test_message__expires_in_is_rounded_up);
    tcase_add_test(message, test_message__is_expired_from_its_deadline_on);
    tcase_add_test(message, test_message__id_is_32_lower_case_hex_digits);
    return message;
}

static TCase *reading_case(void)
{
    TCase *reading = tcase_create("reading");
    tcase_add_test(reading, test_message__round_trip);
    tcase_add_test(reading, test_message__round_trip_of_each_byte_of_ascii);
    tcase_add_test(reading, test_message__reads_what_the_contract_allows);
    tcase_add_loop_test(reading, test_message__malformed_is_refused, 0,
                        (int)(sizeof malformed / sizeof malformed[0]));
    tcase_add_test(reading, test_message__what_is_no_object_is_refused);
    tcase_add_test(reading, test_message__deep_nesting_is_refused);
    tcase_add_test(reading, test_message__array_is_read_in_order_with_numbers);
    tcase_add_test(reading, test_message__array_without_last_number_has_no_numbers);
    tcase_add_test(reading, test_message__array_may_be_as_long_as_its_last_number_but_not_longer);
    tcase_add_test(reading, test_message__empty_array_is_an_array);
    tcase_add_test(reading, test_message__array_stops_where_take_says_false);
    tcase_add_test(reading, test_message__array_with_what_is_no_message_is_refused);
    return reading;
}

static TCase *time_case(void)
{
    TCase *time = tcase_create("time");
    tcase_add_loop_test(time, test_message__time_is_written, 0, TIME_COUNT);
    tcase_add_loop_test(time, test_message__time_is_read, 0, TIME_COUNT);
    tcase_add_test(time, test_message__time_is_utc_wherever_the_process_is);
    tcase_add_test(time, test_message__times_from_1970_to_9999_come_back);
    tcase_add_test(time, test_message__times_outside_those_years_stay_in_the_buffer);
    tcase_add_loop_test(time, test_message__what_is_no_time_is_refused, 0,
                        (int)(sizeof no_times / sizeof no_times[0]));
    return time;
}

int main(void)
{
    Suite *suite = suite_create("message");
    suite_add_tcase(suite, message_case());
    suite_add_tcase(suite, reading_case());
    suite_add_tcase(suite, time_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
