/*
 * What is JSON and what is not, what is found in it, and that no shape of a long body takes long.
 */
#include "buffer.h"
#include "json_scan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* The longest body that a service takes, and what it may cost: four times the 5 ms of a machine to
 * itself, since busy neighbours take their share of the caches. Watched or unoptimised code is
 * slower by what nobody can foresee: there only what is not linear fails. The best of some tries
 * counts. */
enum { BODY_MAX = 6 * 64 * 1024 + 4096, TRIES = 5 };
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { CPU_MAX_US = 20000 };
#else
enum { CPU_MAX_US = 1000000 };
#endif

static struct json_scan_member found[] = {{.name = "a"}, {.name = "b"}};

static enum error_code scan(const char *json, size_t len)
{
    struct error err = {0};
    return json_scan_object(json, len, found, COUNT(found), &err);
}

static const char *const objects[] = {
    "{}",
    " \t\r\n{ } \t\r\n",
    "{\"x\":[],\"y\":{},\"z\":[[{}],{\"z\":[]}]}",
    "{\"x\":true,\"y\":false,\"z\":null}",
    "{\"x\":[0,-0,1.5,1e5,1E+5,-1.25e-7,123456789012345678901234567890,1e999,-1e999,1e-999]}",
    "{\"x\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uABcd\\ud83d\\ude00\"}",
    "{\"\":1,\"x\":{\"\":1,\"x\":1},\"y\":{\"x\":1}}",
    "{\"x\":[{\"x\":1},{\"x\":1}]}",
    "{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\xEF\xBB\xBF\x7f\"}",
};

START_TEST(test_json_scan__an_object_is_taken)
{
    ck_assert_msg(scan(objects[_i], strlen(objects[_i])) == ERROR_NONE, "%s", objects[_i]);
    ck_assert_ptr_null(found[0].value);
}
END_TEST

START_TEST(test_json_scan__an_object_cut_anywhere_is_refused)
{
    for (size_t len = 0; len < strlen(objects[_i]); len++)
        ck_assert(scan(objects[_i], len) != ERROR_NONE || strspn(objects[_i] + len, " \t\r\n") > 0);
}
END_TEST

static const char *const wrong[] = {
    "[]",
    "1",
    "\"a\"",
    "{}{}",
    "{} x",
    "{,}",
    "{\"x\":1,}",
    "{\"x\":[1,]}",
    "{\"x\":[,1]}",
    "{\"x\":[1 2]}",
    "{\"x\":[1}",
    "{\"x\":{1]}",
    "{\"x\" 1}",
    "{\"x\"}",
    "{x:1}",
    "{1:1}",
    "{\"x\":}",
    "{\"x\":tru}",
    "{\"x\":nulll}",
    "{\"x\":01}",
    "{\"x\":-}",
    "{\"x\":+1}",
    "{\"x\":.5}",
    "{\"x\":5.}",
    "{\"x\":5e}",
    "{\"x\":5e+}",
    "{\"x\":0x1}",
    "{\"x\":NaN}",
    "{\"x\":\"\\x41\"}",
    "{\"x\":\"\\u12g4\"}",
    "{\"x\":\"\\ud800\"}",
    "{\"x\":\"\\udc00\"}",
    "{\"x\":\"\\ud800\\ud800\"}",
    "{\"x\":\"\\ud800x\"}",
    "{\"x\":\"a\nb\"}",
    "{\"x\":\"\xC0\x80\"}",
    "{\"x\":1,\"x\":2}",
    "{\"x\":1,\"\\u0078\":2}",
    "{\"y\":[{\"x\":1,\"x\":{}}]}",
    "{\"a\\u0000\":1}",
    "{\"x\":1\v}",
};

START_TEST(test_json_scan__what_is_no_object_is_refused)
{
    ck_assert_msg(scan(wrong[_i], strlen(wrong[_i])) == ERROR_INVALID_JSON, "%s", wrong[_i]);
}
END_TEST

START_TEST(test_json_scan__nul_is_refused_wherever_it_stands)
{
    static const char json[] = "{\"x\": [12, true], \"y\": \"z\"}";
    for (size_t i = 0; i < sizeof json; i++) {
        char with_nul[sizeof json + 1];
        memcpy(with_nul, json, i);
        with_nul[i] = '\0';
        memcpy(with_nul + i + 1, json + i, sizeof json - 1 - i);
        ck_assert_int_eq(scan(with_nul, sizeof json), ERROR_INVALID_JSON);
    }
}
END_TEST

START_TEST(test_json_scan__members_are_found_at_the_top_alone)
{
    static const char json[] =
        "{\"x\":{\"a\":1},\"\\u0061\" : \"\\u00e9\\ud83d\\ude00\\n\" ,\"b\":-5}";
    char text[sizeof json];
    ck_assert_int_eq(scan(json, sizeof json - 1), ERROR_NONE);
    ck_assert(json_scan_is_string(&found[0]) && !json_scan_is_number(&found[0]));
    ck_assert_uint_eq(json_scan_decode(&found[0], text), 7);
    ck_assert_mem_eq(text, "\xC3\xA9\xF0\x9F\x98\x80\n", 7);
    ck_assert(json_scan_is_number(&found[1]) && !json_scan_is_string(&found[1]));
    ck_assert_uint_eq(found[1].len, 2);
    ck_assert_mem_eq(found[1].value, "-5", 2);
    ck_assert_int_eq(scan("{\"a\":{}}", 8), ERROR_NONE);
    ck_assert_ptr_nonnull(found[0].value);
    ck_assert(!json_scan_is_string(&found[0]) && !json_scan_is_number(&found[0]));
}
END_TEST

START_TEST(test_json_scan__nests_as_deep_as_the_maximum)
{
    char json[2 * JSON_SCAN_DEPTH_MAX + 6] = "{\"x\":";
    memset(json + 5, '[', JSON_SCAN_DEPTH_MAX - 1);
    memset(json + 4 + JSON_SCAN_DEPTH_MAX, ']', JSON_SCAN_DEPTH_MAX - 1);
    json[2 * JSON_SCAN_DEPTH_MAX + 3] = '}';
    ck_assert_int_eq(scan(json, strlen(json)), ERROR_NONE);
    memset(json + 5, '[', JSON_SCAN_DEPTH_MAX);
    memset(json + 5 + JSON_SCAN_DEPTH_MAX, ']', JSON_SCAN_DEPTH_MAX);
    struct error err = {0};
    ck_assert_int_eq(json_scan_object(json, strlen(json), NULL, 0, &err), ERROR_INVALID_JSON);
    ck_assert_ptr_nonnull(strstr(err.cause, "nested too deep"));
}
END_TEST

START_TEST(test_json_scan__number_alone_may_have_blanks_around_it)
{
    static const char *const numbers[] = {"0", " -1.5e7\r\n", "1e999"};
    static const char *const others[] = {"", " ", "1 2", "x", "1x", "0x1", "\"1\"", "01"};
    for (int i = 0; i < COUNT(numbers); i++)
        ck_assert(json_scan_number_alone(numbers[i], strlen(numbers[i])));
    for (int i = 0; i < COUNT(others); i++)
        ck_assert(!json_scan_number_alone(others[i], strlen(others[i])));
    ck_assert(!json_scan_number_alone("1\0", 2));
}
END_TEST

/* ---- long bodies ---- */

static void many_numbers(struct buffer *json)
{
    buffer_append_string(json, "{\"message\":\"x\",\"a\":[1");
    while (json->len < BODY_MAX - 256)
        buffer_append_string(json, ",1");
    buffer_append_string(json, "],\"n\":[1e999");
    for (int i = 0; i < 16; i++)
        buffer_append_string(json, ",1e999");
    buffer_append_string(json, "]}");
}

static void many_huge_numbers(struct buffer *json)
{
    buffer_append_string(json, "{\"a\":[1e999");
    while (json->len < BODY_MAX - 16)
        buffer_append_string(json, ",1e999");
    buffer_append_string(json, "]}");
}

static void many_names(struct buffer *json)
{
    buffer_append_string(json, "{\"x\":1");
    for (uint64_t i = 0; json->len < BODY_MAX - 32; i++)
        buffer_append_format(json, ",\"%x\":1", (unsigned)i);
    buffer_append_string(json, "}");
}

static void many_escaped_names(struct buffer *json)
{
    buffer_append_string(json, "{\"x\":1");
    for (uint64_t i = 0; json->len < BODY_MAX - 32; i++)
        buffer_append_format(json, ",\"\\u%04x\":{\"\":1}", 0xA0u + (unsigned)i % 0xD000u);
    buffer_append_string(json, "}");
}

static void many_objects(struct buffer *json)
{
    buffer_append_string(json, "{\"a\":[{}");
    while (json->len < BODY_MAX - 16)
        buffer_append_string(json, ",{}");
    buffer_append_string(json, "]}");
}

static void deep_and_wide(struct buffer *json)
{
    buffer_append_string(json, "{\"a\":[0");
    while (json->len < BODY_MAX - 2 * JSON_SCAN_DEPTH_MAX) {
        buffer_append_string(json, ",");
        for (int i = 0; i < JSON_SCAN_DEPTH_MAX - 2; i++)
            buffer_append_string(json, "[");
        for (int i = 0; i < JSON_SCAN_DEPTH_MAX - 2; i++)
            buffer_append_string(json, "]");
    }
    buffer_append_string(json, "]}");
}

static void long_number(struct buffer *json)
{
    buffer_append_string(json, "{\"ttl\":");
    while (json->len < BODY_MAX - 16)
        buffer_append_string(json, "123456789");
    buffer_append_string(json, "}");
}

static void many_escapes(struct buffer *json)
{
    buffer_append_string(json, "{\"message\":\"");
    while (json->len < BODY_MAX - 16)
        buffer_append_string(json, "\\ud83d\\ude00");
    buffer_append_string(json, "\"}");
}

static void (*const shapes[])(struct buffer *json) = {
    many_numbers, many_huge_numbers, many_names,  many_escaped_names,
    many_objects, deep_and_wide,     long_number, many_escapes,
};

static long cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

START_TEST(test_json_scan__no_shape_of_a_long_body_takes_long)
{
    struct buffer json;
    buffer_init(&json, 2 * BODY_MAX);
    shapes[_i](&json);
    ck_assert(!json.failed && json.len > BODY_MAX - 8192);
    long best = CPU_MAX_US;
    for (int i = 0; i < TRIES; i++) {
        long began = cpu_us();
        ck_assert_int_eq(scan(json.data, json.len), ERROR_NONE);
        long took = cpu_us() - began;
        best = took < best ? took : best;
    }
    buffer_fini(&json);
    ck_assert_int_lt(best, CPU_MAX_US);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_scan");
    TCase *form = tcase_create("form");
    tcase_add_loop_test(form, test_json_scan__an_object_is_taken, 0, COUNT(objects));
    tcase_add_loop_test(form, test_json_scan__an_object_cut_anywhere_is_refused, 0, COUNT(objects));
    tcase_add_loop_test(form, test_json_scan__what_is_no_object_is_refused, 0, COUNT(wrong));
    tcase_add_test(form, test_json_scan__nul_is_refused_wherever_it_stands);
    tcase_add_test(form, test_json_scan__members_are_found_at_the_top_alone);
    tcase_add_test(form, test_json_scan__nests_as_deep_as_the_maximum);
    tcase_add_test(form, test_json_scan__number_alone_may_have_blanks_around_it);
    suite_add_tcase(suite, form);
    TCase *cost = tcase_create("cost");
    tcase_add_loop_test(cost, test_json_scan__no_shape_of_a_long_body_takes_long, 0, COUNT(shapes));
    suite_add_tcase(suite, cost);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
