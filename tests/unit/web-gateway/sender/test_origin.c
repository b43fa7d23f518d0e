/*
 * Which origins may change something: pairs of Origin and Host, and a list.
 */
#include "origin.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

struct pair {
    const char *origin;
    const char *host;
};

static const struct pair same_host[] = {
    {"http://chat.example", "chat.example"},
    {"https://chat.example", "chat.example"},
    {"https://chat.example:443", "chat.example"},
    {"https://chat.example", "chat.example:443"},
    {"http://chat.example:80", "chat.example"},
    {"http://chat.example", "chat.example:80"},
    {"http://127.0.0.1:8000", "127.0.0.1:8000"},
    {"http://localhost:8000", "LOCALHOST:8000"},
    {"HTTP://Chat.Example:8000", "chat.example:8000"},
    {"http://[::1]:8000", "[::1]:8000"},
    {"https://[2001:DB8::1]", "[2001:db8::1]:443"},
    {"http://a_b-c.example:65535", "a_b-c.example:65535"},
};

static const struct pair other_host[] = {
    {"https://chat.example.evil.test", "chat.example"},
    {"https://chat.example", "chat.example.evil.test"},
    {"https://evil.test", "chat.example"},
    {"https://chat.exampl", "chat.example"},
    {"http://chat.example", "chat.example:8000"},
    {"http://chat.example:8000", "chat.example"},
    {"http://chat.example:8000", "chat.example:8001"},
    {"http://chat.example", "chat.example:443"},
    {"https://chat.example", "chat.example:80"},
    {"ftp://chat.example", "chat.example"},
    {"ftp://chat.example:80", "chat.example:80"},
    {"http://[::1]", "[::2]"},
    {"http://chat.example", ""},
    {"http://chat.example", "chat.example:"},
    {"http://chat.example", "chat.example, evil.test"},
    {"http://chat.example", "user@chat.example"},
    {"http://chat.example", NULL},
};

/* Each would be the host's own, were it read with less care. */
static const char *const garbage[] = {
    "",
    "null",
    "NULL",
    "chat.example",
    "//chat.example",
    "://chat.example",
    "http:chat.example",
    "http:/chat.example",
    "http://",
    "http:///chat.example",
    "http://:80",
    "http://chat.example/",
    "http://chat.example/path",
    "http://chat.example?",
    "http://chat.example#",
    "http://chat.example:",
    "http://chat.example:080000",
    "http://chat.example:-80",
    "http://chat.example:80a",
    "http://chat.example:65536",
    "http://chat.example:99999999999999999999",
    "http://user@chat.example",
    "http://user:80@chat.example",
    "http://chat.example\\",
    "http://chat.example ",
    " http://chat.example",
    "http://chat.example http://chat.example",
    "http://chat.example,http://chat.example",
    "http://chat.ex%61mple",
    "http://chat.ex\xC3\xA4mple",
    "http://[chat.example]",
    "http://[]",
    "http://[::1",
    "http://[::1]x",
    "1http://chat.example",
    "ht tp://chat.example",
    "*",
    "http://*",
};

static const char *const list[] = {
    "https://app.example",    "https://Other.Example:8443", "capacitor://localhost", "null", "*",
    "https://slash.example/",
};

static bool listed(const char *origin)
{
    return origin_allowed(origin, "chat.example", list, (size_t)COUNT(list));
}

START_TEST(test_origin__same_host_is_allowed)
{
    const struct pair *pair = &same_host[_i];
    ck_assert_msg(origin_allowed(pair->origin, pair->host, NULL, 0), "%s", pair->origin);
}
END_TEST

START_TEST(test_origin__other_host_is_not_allowed)
{
    const struct pair *pair = &other_host[_i];
    ck_assert_msg(!origin_allowed(pair->origin, pair->host, NULL, 0), "%s", pair->origin);
}
END_TEST

START_TEST(test_origin__none_is_allowed)
{
    ck_assert(origin_allowed(NULL, "chat.example", NULL, 0));
    ck_assert(origin_allowed(NULL, NULL, NULL, 0));
}
END_TEST

START_TEST(test_origin__garbage_is_not_allowed)
{
    ck_assert_msg(!origin_allowed(garbage[_i], "chat.example", list, (size_t)COUNT(list)), "%s",
                  garbage[_i]);
}
END_TEST

START_TEST(test_origin__garbage_is_no_origin)
{
    ck_assert_msg(!origin_valid(garbage[_i]), "%s", garbage[_i]);
}
END_TEST

START_TEST(test_origin__origins_are_valid)
{
    ck_assert(origin_valid("https://app.example"));
    ck_assert(origin_valid("https://app.example:8443"));
    ck_assert(origin_valid("http://[::1]:8000"));
    ck_assert(origin_valid("capacitor://localhost"));
}
END_TEST

START_TEST(test_origin__listed_is_allowed)
{
    ck_assert(listed("https://app.example"));
    ck_assert(listed("HTTPS://APP.example"));
    ck_assert(listed("https://app.example:443"));
    ck_assert(listed("https://other.example:8443"));
    ck_assert(listed("capacitor://localhost"));
}
END_TEST

START_TEST(test_origin__listed_without_a_host_is_allowed)
{
    ck_assert(origin_allowed("https://app.example", NULL, list, (size_t)COUNT(list)));
}
END_TEST

START_TEST(test_origin__listed_with_another_part_is_not_allowed)
{
    ck_assert(!listed("http://app.example"));
    ck_assert(!listed("https://app.example:8443"));
    ck_assert(!listed("https://other.example"));
    ck_assert(!listed("https://www.app.example"));
    ck_assert(!listed("https://app.example.evil.test"));
    ck_assert(!listed("capacitor://localhost:443"));
}
END_TEST

START_TEST(test_origin__list_entry_that_is_no_origin_matches_nothing)
{
    ck_assert(!listed("null"));
    ck_assert(!listed("*"));
    ck_assert(!listed("https://slash.example/"));
    ck_assert(!listed("https://slash.example"));
}
END_TEST

/* scheme://host with this many bytes of each. */
static bool valid_with_lengths(size_t scheme_len, size_t host_len)
{
    char text[1024];
    size_t len = scheme_len + 3 + host_len;
    ck_assert_uint_lt(len, sizeof text);
    memset(text, 'a', len);
    memcpy(text + scheme_len, "://", 3);
    text[len] = '\0';
    return origin_valid(text);
}

START_TEST(test_origin__lengths_at_below_and_above_the_maximum)
{
    ck_assert(valid_with_lengths(1, 1));
    ck_assert(valid_with_lengths(ORIGIN_SCHEME_MAX - 1, ORIGIN_HOST_MAX - 1));
    ck_assert(valid_with_lengths(ORIGIN_SCHEME_MAX, ORIGIN_HOST_MAX));
    ck_assert(!valid_with_lengths(ORIGIN_SCHEME_MAX + 1, ORIGIN_HOST_MAX));
    ck_assert(!valid_with_lengths(ORIGIN_SCHEME_MAX, ORIGIN_HOST_MAX + 1));
}
END_TEST

static Suite *origin_suite(void)
{
    Suite *suite = suite_create("origin");
    TCase *hosts = tcase_create("hosts");
    tcase_add_loop_test(hosts, test_origin__same_host_is_allowed, 0, COUNT(same_host));
    tcase_add_loop_test(hosts, test_origin__other_host_is_not_allowed, 0, COUNT(other_host));
    tcase_add_test(hosts, test_origin__none_is_allowed);
    tcase_add_loop_test(hosts, test_origin__garbage_is_not_allowed, 0, COUNT(garbage));
    tcase_add_loop_test(hosts, test_origin__garbage_is_no_origin, 0, COUNT(garbage));
    tcase_add_test(hosts, test_origin__origins_are_valid);
    tcase_add_test(hosts, test_origin__lengths_at_below_and_above_the_maximum);
    suite_add_tcase(suite, hosts);
    TCase *lists = tcase_create("list");
    tcase_add_test(lists, test_origin__listed_is_allowed);
    tcase_add_test(lists, test_origin__listed_without_a_host_is_allowed);
    tcase_add_test(lists, test_origin__listed_with_another_part_is_not_allowed);
    tcase_add_test(lists, test_origin__list_entry_that_is_no_origin_matches_nothing);
    suite_add_tcase(suite, lists);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(origin_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
