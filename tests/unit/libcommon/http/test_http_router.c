/*
 * Which route takes a path, and what its named segments hold when the path is hostile.
 */
#include "http_params.h"
#include "http_router.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct http_route routes[] = {
    {.path = "/"},
    {.path = "/messages"},
    {.path = "/messages/:id"},
    {.path = "/rooms/main"},
    {.path = "/rooms/:room"},
    {.path = "/rooms/:room/messages"},
    {.path = "/rooms/:room/messages/:id"},
    {.path = "/rooms/other"},
    {.path = "/static/:file"},
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

static struct http_params params;

static void set_up(void)
{
    params = (struct http_params){0};
}

static void tear_down(void)
{
    http_params_fini(&params);
}

static const char *match(const char *path)
{
    http_params_fini(&params);
    const struct http_route *route = http_router_match(routes, ROUTES, path);
    if (!route)
        return "none";
    ck_assert(http_params_read(route, path, &params));
    return route->path;
}

static void assert_file(const char *path, const char *expected)
{
    ck_assert_str_eq(match(path), "/static/:file");
    ck_assert_str_eq(http_params_get(&params, "file"), expected);
}

START_TEST(test_http_router__root)
{
    ck_assert_str_eq(match("/"), "/");
    ck_assert_uint_eq(params.count, 0);
}
END_TEST

START_TEST(test_http_router__fixed_segments_match_to_the_letter)
{
    ck_assert_str_eq(match("/messages"), "/messages");
    ck_assert_str_eq(match("/message"), "none");
    ck_assert_str_eq(match("/messagesx"), "none");
    ck_assert_str_eq(match("/Messages"), "none");
    ck_assert_str_eq(match("/%6Dessages"), "none");
}
END_TEST

START_TEST(test_http_router__named_segments_are_handed_over)
{
    ck_assert_str_eq(match("/rooms/den/messages/42"), "/rooms/:room/messages/:id");
    ck_assert_uint_eq(params.count, 2);
    ck_assert_str_eq(http_params_get(&params, "room"), "den");
    ck_assert_str_eq(http_params_get(&params, "id"), "42");
}
END_TEST

START_TEST(test_http_router__param_names_match_whole)
{
    ck_assert_str_eq(match("/rooms/den/messages/42"), "/rooms/:room/messages/:id");
    ck_assert_ptr_null(http_params_get(&params, "roo"));
    ck_assert_ptr_null(http_params_get(&params, "rooms"));
    ck_assert_ptr_null(http_params_get(&params, "room/messages"));
    ck_assert_ptr_null(http_params_get(&params, ""));
}
END_TEST

START_TEST(test_http_router__the_first_that_matches_wins)
{
    ck_assert_str_eq(match("/rooms/main"), "/rooms/main");
    ck_assert_uint_eq(params.count, 0);
    ck_assert_str_eq(match("/rooms/other"), "/rooms/:room");
    ck_assert_str_eq(match("/rooms/mainx"), "/rooms/:room");
    ck_assert_str_eq(match("/rooms/mai"), "/rooms/:room");
}
END_TEST

START_TEST(test_http_router__a_slash_at_the_end_is_another_path)
{
    ck_assert_str_eq(match("/messages/"), "none");
    ck_assert_str_eq(match("/rooms/den/"), "none");
    ck_assert_str_eq(match("/rooms/den/messages/"), "none");
    ck_assert_str_eq(match("/rooms/den/messages/42/"), "none");
}
END_TEST

START_TEST(test_http_router__empty_segments_match_nothing)
{
    ck_assert_str_eq(match("//"), "none");
    ck_assert_str_eq(match("///"), "none");
    ck_assert_str_eq(match("//messages"), "none");
    ck_assert_str_eq(match("/rooms//messages"), "none");
    ck_assert_str_eq(match("/rooms//messages/42"), "none");
    ck_assert_str_eq(match("/rooms/"), "none");
}
END_TEST

START_TEST(test_http_router__what_does_not_begin_with_a_slash_is_no_path)
{
    ck_assert_str_eq(match(""), "none");
    ck_assert_str_eq(match("*"), "none");
    ck_assert_str_eq(match("messages"), "none");
    ck_assert_str_eq(match("http://host/messages"), "none");
}
END_TEST

START_TEST(test_http_router__longer_and_shorter_paths_do_not_match)
{
    ck_assert_str_eq(match("/rooms"), "none");
    ck_assert_str_eq(match("/rooms/den/events"), "none");
    ck_assert_str_eq(match("/rooms/den/messages/42/more"), "none");
    ck_assert_str_eq(match("/messages/42/more"), "none");
}
END_TEST

START_TEST(test_http_router__dots_are_segments_like_others)
{
    ck_assert_str_eq(match("/rooms/../messages"), "/rooms/:room/messages");
    ck_assert_str_eq(http_params_get(&params, "room"), "..");
    assert_file("/static/%2e%2e", "..");
}
END_TEST

START_TEST(test_http_router__a_colon_in_a_path_is_no_name)
{
    ck_assert_str_eq(match("/:id"), "none");
    assert_file("/static/:file", ":file");
}
END_TEST

START_TEST(test_http_router__values_are_percent_decoded)
{
    assert_file("/static/a%20b", "a b");
    assert_file("/static/%41%6a%6A", "Ajj");
    assert_file("/static/%c3%A4", "\xC3\xA4");
    assert_file("/static/%F0%9F%98%80", "\xF0\x9F\x98\x80");
    assert_file("/static/a+b", "a+b");
}
END_TEST

START_TEST(test_http_router__values_are_decoded_once)
{
    assert_file("/static/%2541", "%41");
    assert_file("/static/%25", "%");
}
END_TEST

START_TEST(test_http_router__an_encoded_slash_divides_no_segments)
{
    assert_file("/static/a%2Fb", "a/b");
    ck_assert_str_eq(match("/rooms%2Fden"), "none");
}
END_TEST

START_TEST(test_http_router__broken_escapes_stand_as_they_are)
{
    assert_file("/static/%", "%");
    assert_file("/static/%4", "%4");
    assert_file("/static/a%", "a%");
    assert_file("/static/%4g", "%4g");
    assert_file("/static/%g4", "%g4");
    assert_file("/static/%%41", "%A");
    assert_file("/static/%-1%+1% 1", "%-1%+1% 1");
}
END_TEST

START_TEST(test_http_router__an_escape_does_not_reach_into_the_next_segment)
{
    ck_assert_str_eq(match("/rooms/a%4/messages"), "/rooms/:room/messages");
    ck_assert_str_eq(http_params_get(&params, "room"), "a%4");
    ck_assert_str_eq(match("/rooms/a%/messages/1"), "/rooms/:room/messages/:id");
    ck_assert_str_eq(http_params_get(&params, "room"), "a%");
}
END_TEST

START_TEST(test_http_router__value_with_nul_stays_raw)
{
    assert_file("/static/%00", "%00");
    assert_file("/static/a%00b%41", "a%00b%41");
}
END_TEST

START_TEST(test_http_router__value_that_is_not_utf8_stays_raw)
{
    assert_file("/static/%FF", "%FF");
    assert_file("/static/%41%C3", "%41%C3");
    assert_file("/static/%C0%80", "%C0%80");
    assert_file("/static/%ED%A0%80", "%ED%A0%80");
    assert_file("/static/\xFF%41", "\xFF%41");
}
END_TEST

START_TEST(test_http_router__every_pair_of_hex_digits)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int high = 0; high < 8; high++)
        for (int low = 0; low < 22; low++) {
            char path[] = {'/', 's', 't', 'a',          't',         'i',
                           'c', '/', '%', digits[high], digits[low], '\0'};
            int value = high << 4 | (low < 16 ? low : low - 6);
            if (value)
                assert_file(path, (char[]){(char)value, '\0'});
        }
}
END_TEST

START_TEST(test_http_router__only_hex_digits_make_an_escape)
{
    for (int byte = 1; byte < 128; byte++) {
        char path[] = {'/', 's', 't', 'a', 't', 'i', 'c', '/', '%', '4', (char)byte, '\0'};
        if (byte == '/' || strchr("0123456789abcdefABCDEF", byte))
            continue;
        assert_file(path, path + strlen("/static/"));
    }
}
END_TEST

START_TEST(test_http_router__very_long_segment_is_a_value)
{
    enum { LONG = 1024 * 1024 };
    char *path = malloc(LONG + 1);
    memset(path, 'x', LONG);
    memcpy(path, "/static/", 8);
    path[LONG] = '\0';
    assert_file(path, path + 8);
    path[LONG - 1] = '/';
    ck_assert_str_eq(match(path), "none");
    free(path);
}
END_TEST

START_TEST(test_http_router__very_many_segments_match_nothing)
{
    enum { LONG = 1024 * 1024 };
    char *path = malloc(LONG + 1);
    memset(path, '/', LONG);
    path[LONG] = '\0';
    ck_assert_str_eq(match(path), "none");
    for (size_t i = 1; i < LONG; i += 2)
        path[i] = 'x';
    ck_assert_str_eq(match(path), "none");
    free(path);
}
END_TEST

START_TEST(test_http_router__no_routes_match_nothing)
{
    ck_assert_ptr_null(http_router_match(routes, 0, "/"));
}
END_TEST

START_TEST(test_http_router__more_names_than_params_are_left_out)
{
    static const struct http_route deep[] = {{.path = "/:a/:b/:c"}};
    ck_assert_ptr_eq(http_router_match(deep, 1, "/1/2/3"), deep);
    ck_assert(http_params_read(deep, "/1/2/3", &params));
    ck_assert_uint_eq(params.count, HTTP_PARAMS_MAX);
    ck_assert_str_eq(http_params_get(&params, "b"), "2");
    ck_assert_ptr_null(http_params_get(&params, "c"));
}
END_TEST

START_TEST(test_http_router__fini_leaves_no_params)
{
    ck_assert_str_eq(match("/rooms/den"), "/rooms/:room");
    http_params_fini(&params);
    ck_assert_uint_eq(params.count, 0);
    ck_assert_ptr_null(http_params_get(&params, "room"));
    http_params_fini(&params);
}
END_TEST

static TCase *path_case(void)
{
    TCase *path = tcase_create("path");
    tcase_add_checked_fixture(path, set_up, tear_down);
    tcase_add_test(path, test_http_router__root);
    tcase_add_test(path, test_http_router__fixed_segments_match_to_the_letter);
    tcase_add_test(path, test_http_router__the_first_that_matches_wins);
    tcase_add_test(path, test_http_router__a_slash_at_the_end_is_another_path);
    tcase_add_test(path, test_http_router__empty_segments_match_nothing);
    tcase_add_test(path, test_http_router__what_does_not_begin_with_a_slash_is_no_path);
    tcase_add_test(path, test_http_router__longer_and_shorter_paths_do_not_match);
    tcase_add_test(path, test_http_router__dots_are_segments_like_others);
    tcase_add_test(path, test_http_router__very_many_segments_match_nothing);
    tcase_add_test(path, test_http_router__no_routes_match_nothing);
    return path;
}

static TCase *value_case(void)
{
    TCase *value = tcase_create("value");
    tcase_add_checked_fixture(value, set_up, tear_down);
    tcase_add_test(value, test_http_router__named_segments_are_handed_over);
    tcase_add_test(value, test_http_router__param_names_match_whole);
    tcase_add_test(value, test_http_router__a_colon_in_a_path_is_no_name);
    tcase_add_test(value, test_http_router__values_are_percent_decoded);
    tcase_add_test(value, test_http_router__values_are_decoded_once);
    tcase_add_test(value, test_http_router__an_encoded_slash_divides_no_segments);
    tcase_add_test(value, test_http_router__broken_escapes_stand_as_they_are);
    tcase_add_test(value, test_http_router__an_escape_does_not_reach_into_the_next_segment);
    tcase_add_test(value, test_http_router__value_with_nul_stays_raw);
    tcase_add_test(value, test_http_router__value_that_is_not_utf8_stays_raw);
    tcase_add_test(value, test_http_router__every_pair_of_hex_digits);
    tcase_add_test(value, test_http_router__only_hex_digits_make_an_escape);
    tcase_add_test(value, test_http_router__very_long_segment_is_a_value);
    tcase_add_test(value, test_http_router__more_names_than_params_are_left_out);
    tcase_add_test(value, test_http_router__fini_leaves_no_params);
    return value;
}

int main(void)
{
    Suite *suite = suite_create("http_router");
    suite_add_tcase(suite, path_case());
    suite_add_tcase(suite, value_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
