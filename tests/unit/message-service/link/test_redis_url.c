#include "redis_url.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct redis_url parsed(const char *text)
{
    struct redis_url url;
    ck_assert_msg(redis_url_parse(text, &url), "refused: %s", text);
    return url;
}

START_TEST(test_redis_url__host_alone_has_defaults)
{
    struct redis_url url = parsed("redis://cache.example");
    ck_assert_str_eq(url.host, "cache.example");
    ck_assert_int_eq(url.port, 6379);
    ck_assert_int_eq(url.db, 0);
    ck_assert_str_eq(url.user, "");
    ck_assert_str_eq(url.password, "");
    ck_assert_str_eq(url.path, "");
}
END_TEST

START_TEST(test_redis_url__all_parts)
{
    struct redis_url url = parsed("redis://ada:s3cret@10.0.0.7:6380/5");
    ck_assert_str_eq(url.user, "ada");
    ck_assert_str_eq(url.password, "s3cret");
    ck_assert_str_eq(url.host, "10.0.0.7");
    ck_assert_int_eq(url.port, 6380);
    ck_assert_int_eq(url.db, 5);
}
END_TEST

START_TEST(test_redis_url__password_without_user)
{
    struct redis_url url = parsed("redis://:s3cret@h");
    ck_assert_str_eq(url.user, "");
    ck_assert_str_eq(url.password, "s3cret");
}
END_TEST

START_TEST(test_redis_url__password_may_hold_colons)
{
    ck_assert_str_eq(parsed("redis://u:a:b@h").password, "a:b");
}
END_TEST

START_TEST(test_redis_url__percent_decodes_user_and_password)
{
    struct redis_url url = parsed("redis://a%3ab:p%40ss%2F%25%c3%A4@h");
    ck_assert_str_eq(url.user, "a:b");
    ck_assert_str_eq(url.password, "p@ss/%\xc3\xa4");
}
END_TEST

START_TEST(test_redis_url__ipv6_stands_in_brackets)
{
    struct redis_url url = parsed("redis://[::1]:7000/1");
    ck_assert_str_eq(url.host, "::1");
    ck_assert_int_eq(url.port, 7000);
    ck_assert_int_eq(url.db, 1);
}
END_TEST

START_TEST(test_redis_url__slash_alone_is_database_0)
{
    ck_assert_int_eq(parsed("redis://h/").db, 0);
    ck_assert_int_eq(parsed("redis://h:1/").port, 1);
}
END_TEST

START_TEST(test_redis_url__numbers_at_their_limits)
{
    ck_assert_int_eq(parsed("redis://h:1").port, 1);
    ck_assert_int_eq(parsed("redis://h:65535").port, 65535);
    ck_assert_int_eq(parsed("redis://h/65535").db, REDIS_URL_DB_MAX);
}
END_TEST

START_TEST(test_redis_url__unix_path)
{
    struct redis_url url = parsed("unix:///run/redis/redis.sock");
    ck_assert_str_eq(url.path, "/run/redis/redis.sock");
    ck_assert_str_eq(url.host, "");
    ck_assert_str_eq(parsed("unix:///a%20b").path, "/a b");
}
END_TEST

static const char *const refused[] = {
    "",
    "redis",
    "redis:",
    "redis:/",
    "redis:h",
    "redis:///1",
    "redis://",
    "redis://:6379",
    "REDIS://h",
    "rediss://h",
    "redis://h:",
    "redis://h:0",
    "redis://h:65536",
    "redis://h:4294967297",
    "redis://h:99999999999999999999",
    "redis://h:+1",
    "redis://h: 1",
    "redis://h:12x",
    "redis://h/x",
    "redis://h/-1",
    "redis://h/65536",
    "redis://h/1/",
    "redis://h//",
    "redis://h/1?timeout=2",
    "redis://h#f",
    "redis://h h",
    "redis://h\n",
    "redis://h\\",
    "redis://user@h",
    "redis://@h",
    "redis://user:@h",
    "redis://:@h",
    "redis://u:p@",
    "redis://u:p@@h",
    "redis://u:p@q@h",
    "redis://u:a/b@h",
    "redis://u:a b@h",
    "redis://u:a?b@h",
    "redis://u:%@h",
    "redis://u:%4@h",
    "redis://u:%zz@h",
    "redis://u:%00@h",
    "redis://u:\x01@h",
    "redis://u:\xc3\xa4@h",
    "redis://[::1",
    "redis://[]",
    "redis://[::1]x",
    "redis://[h]",
    "redis://::1",
    "unix:",
    "unix://",
    "unix:///",
    "unix:/run/redis.sock",
    "unix://run/redis.sock",
    "unix:///a?b",
    "unix:///a%00b",
    "unix:///a b",
    "memory:",
};

START_TEST(test_redis_url__refuses)
{
    struct redis_url url = {.host = "untouched", .port = 7};
    ck_assert_msg(!redis_url_parse(refused[_i], &url), "accepted: %s", refused[_i]);
    ck_assert_str_eq(url.host, "untouched");
    ck_assert_int_eq(url.port, 7);
}
END_TEST

/* `before`, `len` times x, `behind`. */
static bool accepts_run(const char *before, size_t len, const char *behind)
{
    char text[1024];
    char run[768];
    memset(run, 'x', len);
    run[len] = '\0';
    snprintf(text, sizeof text, "%s%s%s", before, run, behind);
    struct redis_url url;
    return redis_url_parse(text, &url);
}

START_TEST(test_redis_url__parts_at_their_longest)
{
    ck_assert(accepts_run("redis://", REDIS_URL_HOST_MAX, ""));
    ck_assert(!accepts_run("redis://", REDIS_URL_HOST_MAX + 1, ""));
    ck_assert(accepts_run("redis://", REDIS_URL_USER_MAX, ":p@h"));
    ck_assert(!accepts_run("redis://", REDIS_URL_USER_MAX + 1, ":p@h"));
    ck_assert(accepts_run("redis://:", REDIS_URL_PASSWORD_MAX, "@h"));
    ck_assert(!accepts_run("redis://:", REDIS_URL_PASSWORD_MAX + 1, "@h"));
    ck_assert(accepts_run("unix:///", REDIS_URL_PATH_MAX - 1, ""));
    ck_assert(!accepts_run("unix:///", REDIS_URL_PATH_MAX, ""));
}
END_TEST

static Suite *redis_url_suite(void)
{
    Suite *suite = suite_create("redis_url");
    TCase *tests = tcase_create("redis_url");
    tcase_add_test(tests, test_redis_url__host_alone_has_defaults);
    tcase_add_test(tests, test_redis_url__all_parts);
    tcase_add_test(tests, test_redis_url__password_without_user);
    tcase_add_test(tests, test_redis_url__password_may_hold_colons);
    tcase_add_test(tests, test_redis_url__percent_decodes_user_and_password);
    tcase_add_test(tests, test_redis_url__ipv6_stands_in_brackets);
    tcase_add_test(tests, test_redis_url__slash_alone_is_database_0);
    tcase_add_test(tests, test_redis_url__numbers_at_their_limits);
    tcase_add_test(tests, test_redis_url__unix_path);
    tcase_add_test(tests, test_redis_url__parts_at_their_longest);
    tcase_add_loop_test(tests, test_redis_url__refuses, 0, (int)(sizeof refused / sizeof *refused));
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(redis_url_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
