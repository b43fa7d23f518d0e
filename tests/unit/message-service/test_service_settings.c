/*
 * The message service's own rows: defaults, bounds and the rule between the lifetimes. The store's
 * part of STORE_URL is played by a stand-in.
 */
#include "message_store.h"
#include "service_settings.h"
#include "settings_trial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

bool message_store_url_valid(const char *url, const char **ret_rule)
{
    *ret_rule = "the URL of a store";
    return strncmp(url, "memory:", 7) == 0 || strncmp(url, "redis:", 6) == 0;
}

static struct service_settings settings;
const struct settings_trial settings_trial = {&service_settings_program, &settings,
                                              sizeof settings};

START_TEST(test_service_settings__defaults_are_those_of_the_contract)
{
    settings_trial_load(NULL);
    ck_assert_str_eq(settings.common.bind_address, "127.0.0.1");
    ck_assert_uint_eq(settings.common.port, 8001);
    ck_assert_uint_eq(settings.common.http_threads, 0);
    ck_assert_uint_eq(settings.common.max_connections, 10000);
    ck_assert_int_eq(settings.common.log_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(settings.common.log_format, LOG_FORMAT_AUTO);
    ck_assert_uint_eq(settings.common.shutdown_timeout_ms, 5000);
    ck_assert_ptr_null(settings.common.service_token);
    ck_assert_str_eq(settings.store_url, "memory:");
    ck_assert_str_eq(settings.store_prefix, "tempmessenger");
    ck_assert_uint_eq(settings.store_timeout_ms, 1000);
    ck_assert_uint_eq(settings.message_ttl_ms, 60000);
    ck_assert_uint_eq(settings.message_ttl_min_ms, 1000);
    ck_assert_uint_eq(settings.message_ttl_max_ms, 86400000);
    ck_assert_uint_eq(settings.message_max_bytes, 4096);
    ck_assert_uint_eq(settings.room_max_messages, 10000);
    ck_assert_uint_eq(settings.room_max_bytes, 8 << 20);
    settings_trial_free();
}
END_TEST

START_TEST(test_service_settings__bounds_are_in_the_range)
{
    settings_trial_expect_taken("PORT=0");
    settings_trial_expect_taken("PORT=65535");
    settings_trial_expect_taken("HTTP_THREADS=1");
    settings_trial_expect_taken("HTTP_THREADS=256");
    settings_trial_expect_taken("HTTP_THREADS=auto");
    settings_trial_expect_taken("MAX_CONNECTIONS=1");
    settings_trial_expect_taken("MAX_CONNECTIONS=1000000");
    settings_trial_expect_taken("SHUTDOWN_TIMEOUT=0");
    settings_trial_expect_taken("SHUTDOWN_TIMEOUT=10m");
    settings_trial_expect_taken("STORE_TIMEOUT=10ms");
    settings_trial_expect_taken("STORE_TIMEOUT=60s");
    settings_trial_expect_taken("MESSAGE_TTL_MIN=100ms");
    settings_trial_expect_taken("MESSAGE_TTL_MAX=30d");
    settings_trial_expect_taken("MESSAGE_MAX_BYTES=1");
    settings_trial_expect_taken("MESSAGE_MAX_BYTES=65536");
    settings_trial_expect_taken("ROOM_MAX_MESSAGES=1");
    settings_trial_expect_taken("ROOM_MAX_MESSAGES=1000000");
    settings_trial_expect_taken("ROOM_MAX_BYTES=64KiB");
    settings_trial_expect_taken("ROOM_MAX_BYTES=256MiB");
}
END_TEST

START_TEST(test_service_settings__below_and_above_the_bounds_is_refused)
{
    settings_trial_expect_refused("PORT=65536",
                                  "PORT: \"65536\" is not a whole number from 0 to 65535\n");
    settings_trial_expect_refused(
        "HTTP_THREADS=0", "HTTP_THREADS: \"0\" is not a whole number from 1 to 256 or auto\n");
    settings_trial_expect_refused(
        "HTTP_THREADS=257", "HTTP_THREADS: \"257\" is not a whole number from 1 to 256 or auto\n");
    settings_trial_expect_refused(
        "MAX_CONNECTIONS=0", "MAX_CONNECTIONS: \"0\" is not a whole number from 1 to 1000000\n");
    settings_trial_expect_refused(
        "MAX_CONNECTIONS=1000001",
        "MAX_CONNECTIONS: \"1000001\" is not a whole number from 1 to 1000000\n");
    settings_trial_expect_refused("SHUTDOWN_TIMEOUT=601s",
                                  "SHUTDOWN_TIMEOUT: \"601s\" is not from 0s to 10m\n");
    settings_trial_expect_refused("STORE_TIMEOUT=9ms",
                                  "STORE_TIMEOUT: \"9ms\" is not from 10ms to 1m\n");
    settings_trial_expect_refused("STORE_TIMEOUT=61",
                                  "STORE_TIMEOUT: \"61\" is not from 10ms to 1m\n");
    settings_trial_expect_refused("MESSAGE_TTL_MIN=99ms",
                                  "MESSAGE_TTL_MIN: \"99ms\" is not from 100ms to 30d\n");
    settings_trial_expect_refused("MESSAGE_TTL_MAX=31d",
                                  "MESSAGE_TTL_MAX: \"31d\" is not from 100ms to 30d\n");
    settings_trial_expect_refused(
        "MESSAGE_MAX_BYTES=0",
        "MESSAGE_MAX_BYTES: \"0\" is not a number of bytes from 1 to 65536\n");
    settings_trial_expect_refused(
        "MESSAGE_MAX_BYTES=65537",
        "MESSAGE_MAX_BYTES: \"65537\" is not a number of bytes from 1 to 65536\n");
    settings_trial_expect_refused(
        "ROOM_MAX_MESSAGES=0",
        "ROOM_MAX_MESSAGES: \"0\" is not a whole number from 1 to 1000000\n");
}
END_TEST

START_TEST(test_service_settings__bind_address_is_of_either_family)
{
    settings_trial_expect_taken("BIND_ADDRESS=0.0.0.0");
    settings_trial_expect_taken("BIND_ADDRESS=::1");
    settings_trial_expect_refused("BIND_ADDRESS=localhost",
                                  "BIND_ADDRESS: \"localhost\" is not an IPv4 or IPv6 "
                                  "address such as 127.0.0.1 or ::1\n");
}
END_TEST

START_TEST(test_service_settings__log_words_are_those_of_the_log)
{
    settings_trial_load("LOG_LEVEL=debug");
    ck_assert_int_eq(settings.common.log_level, LOG_LEVEL_DEBUG);
    settings_trial_free();
    settings_trial_load("LOG_LEVEL=error");
    ck_assert_int_eq(settings.common.log_level, LOG_LEVEL_ERROR);
    settings_trial_free();
    settings_trial_load("LOG_FORMAT=text");
    ck_assert_int_eq(settings.common.log_format, LOG_FORMAT_TEXT);
    settings_trial_free();
    settings_trial_load("LOG_FORMAT=json");
    ck_assert_int_eq(settings.common.log_format, LOG_FORMAT_JSON);
    settings_trial_free();
    settings_trial_expect_refused(
        "LOG_LEVEL=loud", "LOG_LEVEL: \"loud\" is not one of error, warning, info, debug\n");
    settings_trial_expect_refused("LOG_FORMAT=xml",
                                  "LOG_FORMAT: \"xml\" is not one of auto, text, json\n");
}
END_TEST

START_TEST(test_service_settings__token_at_and_above_its_length)
{
    char given[sizeof "SERVICE_TOKEN=" + SERVICE_TOKEN_MAX + 1] = "SERVICE_TOKEN=";
    memset(given + strlen(given), 't', SERVICE_TOKEN_MAX);
    settings_trial_expect_taken(given);
    given[strlen(given)] = 't';
    settings_trial_expect_refused(
        given, "SERVICE_TOKEN: the value is not 1 to 512 visible ASCII characters\n");
}
END_TEST

START_TEST(test_service_settings__token_is_visible_ascii)
{
    static const char line[] =
        "SERVICE_TOKEN: the value is not 1 to 512 visible ASCII characters\n";
    settings_trial_expect_taken("SERVICE_TOKEN=!~");
    settings_trial_expect_refused("SERVICE_TOKEN=", line);
    settings_trial_expect_refused("SERVICE_TOKEN=a b", line);
    settings_trial_expect_refused("SERVICE_TOKEN=a\x7f", line);
    settings_trial_expect_refused("SERVICE_TOKEN=\xc3\xa4", line);
}
END_TEST

START_TEST(test_service_settings__metrics_token_is_a_token)
{
    static const char line[] =
        "METRICS_TOKEN: the value is not 1 to 512 visible ASCII characters\n";
    settings_trial_expect_taken("METRICS_TOKEN=!~");
    settings_trial_expect_refused("METRICS_TOKEN=", line);
    settings_trial_expect_refused("METRICS_TOKEN=a b", line);
}
END_TEST

START_TEST(test_service_settings__store_url_is_the_stores_to_check)
{
    settings_trial_expect_taken("STORE_URL=redis://:password@host");
    settings_trial_expect_refused("STORE_URL=reddis://host",
                                  "STORE_URL: \"reddis://host\" is not the URL of a store\n");
}
END_TEST

START_TEST(test_service_settings__store_url_is_not_shown_with_a_password)
{
    settings_trial_expect_refused("STORE_URL=reddis://:password",
                                  "STORE_URL: the value is not the URL of a store\n");
    settings_trial_expect_refused("STORE_URL=reddis:/:password@host",
                                  "STORE_URL: the value is not the URL of a store\n");
}
END_TEST

START_TEST(test_service_settings__prefix_at_and_above_its_length)
{
    char given[sizeof "STORE_PREFIX=" + STORE_PREFIX_MAX + 1] = "STORE_PREFIX=";
    memset(given + strlen(given), 'p', STORE_PREFIX_MAX);
    settings_trial_expect_taken(given);
    given[strlen(given)] = 'p';
    ck_assert_int_eq(settings_trial_load(given), SETTINGS_INVALID);
}
END_TEST

START_TEST(test_service_settings__prefix_is_of_its_grammar)
{
    settings_trial_expect_taken("STORE_PREFIX=AZaz09:_.-");
    settings_trial_expect_refused(
        "STORE_PREFIX=a{b}",
        "STORE_PREFIX: \"a{b}\" is not 1 to 64 of A-Z, a-z, 0-9, :, _, . and -\n");
    settings_trial_expect_refused(
        "STORE_PREFIX=", "STORE_PREFIX: \"\" is not 1 to 64 of A-Z, a-z, 0-9, :, _, . and -\n");
}
END_TEST

START_TEST(test_service_settings__lifetime_may_be_either_of_its_bounds)
{
    settings_trial_expect_taken("MESSAGE_TTL=1s");
    settings_trial_expect_taken("MESSAGE_TTL=1d");
}
END_TEST

START_TEST(test_service_settings__lifetime_outside_its_bounds_is_refused)
{
    settings_trial_expect_refused(
        "MESSAGE_TTL=999ms",
        "MESSAGE_TTL: \"999ms\" is not from MESSAGE_TTL_MIN (1s) to MESSAGE_TTL_MAX (1d)\n");
    settings_trial_expect_refused("MESSAGE_TTL=86401s",
                                  "MESSAGE_TTL: \"86401s\" is not from MESSAGE_TTL_MIN (1s) to "
                                  "MESSAGE_TTL_MAX (1d)\n");
    settings_trial_expect_refused(
        "MESSAGE_TTL_MAX=30s",
        "MESSAGE_TTL: \"1m\" is not from MESSAGE_TTL_MIN (1s) to MESSAGE_TTL_MAX (30s)\n");
}
END_TEST

START_TEST(test_service_settings__least_lifetime_above_the_most_is_refused)
{
    settings_trial_expect_refused("MESSAGE_TTL_MIN=2d",
                                  "MESSAGE_TTL_MIN: \"2d\" is not at most MESSAGE_TTL_MAX (1d)\n");
}
END_TEST

/* An empty room takes the longest message of the longest author. */
START_TEST(test_service_settings__empty_room_takes_the_longest_message)
{
    char program[] = "program", room[] = "ROOM_MAX_BYTES=64KiB";
    char fits[] = "MESSAGE_MAX_BYTES=65376", too_long[] = "MESSAGE_MAX_BYTES=65377";
    char *argv[] = {program, NULL}, *envp[] = {room, fits, NULL};
    ck_assert_int_eq(
        settings_load(&service_settings_program, 1, argv, envp, stdout, stderr, &settings),
        SETTINGS_OK);
    settings_fini(&service_settings_program, &settings);
    envp[1] = too_long;
    char said[256] = "";
    FILE *err = fmemopen(said, sizeof said, "w");
    ck_assert_int_eq(
        settings_load(&service_settings_program, 1, argv, envp, stdout, err, &settings),
        SETTINGS_INVALID);
    fclose(err);
    ck_assert_str_eq(said, "message-service: ROOM_MAX_BYTES: \"64KiB\" is not at least "
                           "MESSAGE_MAX_BYTES + 160 (65537)\n");
}
END_TEST

static Suite *service_settings_suite(void)
{
    Suite *suite = suite_create("service_settings");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_service_settings__defaults_are_those_of_the_contract);
    tcase_add_test(all, test_service_settings__bounds_are_in_the_range);
    tcase_add_test(all, test_service_settings__below_and_above_the_bounds_is_refused);
    tcase_add_test(all, test_service_settings__bind_address_is_of_either_family);
    tcase_add_test(all, test_service_settings__log_words_are_those_of_the_log);
    tcase_add_test(all, test_service_settings__token_at_and_above_its_length);
    tcase_add_test(all, test_service_settings__token_is_visible_ascii);
    tcase_add_test(all, test_service_settings__metrics_token_is_a_token);
    tcase_add_test(all, test_service_settings__store_url_is_the_stores_to_check);
    tcase_add_test(all, test_service_settings__store_url_is_not_shown_with_a_password);
    tcase_add_test(all, test_service_settings__prefix_at_and_above_its_length);
    tcase_add_test(all, test_service_settings__prefix_is_of_its_grammar);
    tcase_add_test(all, test_service_settings__lifetime_may_be_either_of_its_bounds);
    tcase_add_test(all, test_service_settings__lifetime_outside_its_bounds_is_refused);
    tcase_add_test(all, test_service_settings__least_lifetime_above_the_most_is_refused);
    tcase_add_test(all, test_service_settings__empty_room_takes_the_longest_message);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(service_settings_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
