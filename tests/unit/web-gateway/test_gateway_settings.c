/*
 * The web gateway's own rows: defaults, the service's URL, the rate and the two lists.
 */
#include "gateway_settings.h"
#include "settings_trial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define URL_RULE "an http:// or https:// URL with a host and without user, query or fragment\n"
#define PROXIES_RULE "a list of at most 64 addresses or blocks such as 10.0.0.0/8,2001:db8::1\n"

static struct gateway_settings settings;
const struct settings_trial settings_trial = {&gateway_settings_program, &settings,
                                              sizeof settings};

/* `name` and then `element` so many times, comma separated. */
static char *repeated(const char *name, const char *element, size_t times)
{
    static char text[SETTINGS_FILE_MAX];
    size_t used = (size_t)snprintf(text, sizeof text, "%s=", name);
    for (size_t i = 0; i < times; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", element);
    return text;
}

START_TEST(test_gateway_settings__defaults_are_those_of_the_contract)
{
    settings_trial_load(NULL);
    ck_assert_uint_eq(settings.common.port, 8000);
    ck_assert_str_eq(settings.message_service_url, "http://127.0.0.1:8001");
    ck_assert_uint_eq(settings.upstream_timeout_ms, 2000);
    const char *last = strrchr(settings.template_dir, '/'); /* where it stands is the build's */
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(last, "/templates");
    ck_assert_uint_eq(settings.rate_limit.count, 20);
    ck_assert_uint_eq(settings.rate_limit.window_ms, 1000);
    ck_assert_uint_eq(settings.trusted_proxies_count, 0);
    ck_assert_uint_eq(settings.allowed_origins_count, 0);
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__service_url_of_every_form)
{
    settings_trial_expect_taken("MESSAGE_SERVICE_URL=http://message-service");
    settings_trial_expect_taken("MESSAGE_SERVICE_URL=HTTPS://Example.org:443/a/b-c");
    settings_trial_expect_taken("MESSAGE_SERVICE_URL=http://[::1]:1");
    settings_trial_expect_taken("MESSAGE_SERVICE_URL=http://h:65535");
}
END_TEST

START_TEST(test_gateway_settings__slash_at_the_end_of_the_url_is_stripped)
{
    settings_trial_load("MESSAGE_SERVICE_URL=http://h/base//");
    ck_assert_str_eq(settings.message_service_url, "http://h/base");
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__what_is_no_service_url_is_refused)
{
    static const char *const wrong[] = {
        "ftp://h",     "http://",     "http:///p",     "http://h?x",
        "http://h/#x", "http://h:",   "http://h:0",    "http://h:65536",
        "http://h:8a", "http://[::1", "http://[h]",    "http://h/a b",
        "h:8001",      "http://h\n",  "http://h/\xff", "http://[]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char given[128];
        snprintf(given, sizeof given, "MESSAGE_SERVICE_URL=%s", wrong[i]);
        ck_assert_int_eq(settings_trial_load(given), SETTINGS_INVALID);
        ck_assert_ptr_nonnull(strstr(settings_trial_errors, "is not " URL_RULE));
    }
}
END_TEST

START_TEST(test_gateway_settings__service_url_with_a_user_is_refused_and_not_shown)
{
    settings_trial_expect_refused("MESSAGE_SERVICE_URL=http://u:p@h",
                                  "MESSAGE_SERVICE_URL: the value is not " URL_RULE);
}
END_TEST

START_TEST(test_gateway_settings__host_at_and_above_its_length)
{
    char given[512] = "MESSAGE_SERVICE_URL=http://";
    memset(given + strlen(given), 'h', 253);
    settings_trial_expect_taken(given);
    given[strlen(given)] = 'h';
    ck_assert_int_eq(settings_trial_load(given), SETTINGS_INVALID);
}
END_TEST

START_TEST(test_gateway_settings__upstream_timeout_at_and_outside_its_bounds)
{
    settings_trial_expect_taken("UPSTREAM_TIMEOUT=10ms");
    settings_trial_expect_taken("UPSTREAM_TIMEOUT=1m");
    settings_trial_expect_refused("UPSTREAM_TIMEOUT=9ms",
                                  "UPSTREAM_TIMEOUT: \"9ms\" is not from 10ms to 1m\n");
    settings_trial_expect_refused("UPSTREAM_TIMEOUT=61s",
                                  "UPSTREAM_TIMEOUT: \"61s\" is not from 10ms to 1m\n");
}
END_TEST

START_TEST(test_gateway_settings__rate_may_be_off)
{
    settings_trial_load("RATE_LIMIT=off");
    ck_assert_uint_eq(settings.rate_limit.count, 0);
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__rate_outside_its_bounds_is_refused)
{
    settings_trial_expect_taken("RATE_LIMIT=1000000/h");
    settings_trial_expect_refused("RATE_LIMIT=0/s",
                                  "RATE_LIMIT: \"0/s\" is not a rate from 1/s to 1000000/s\n");
    settings_trial_expect_refused(
        "RATE_LIMIT=1000001/h", "RATE_LIMIT: \"1000001/h\" is not a rate from 1/h to 1000000/h\n");
}
END_TEST

START_TEST(test_gateway_settings__template_dir_is_not_empty)
{
    settings_trial_expect_refused("TEMPLATE_DIR=",
                                  "TEMPLATE_DIR: \"\" is not a text of 1 to 4096 bytes\n");
}
END_TEST

START_TEST(test_gateway_settings__proxies_become_blocks)
{
    settings_trial_load("TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.1 ,2001:db8::/32");
    ck_assert_uint_eq(settings.trusted_proxies_count, 3);
    ck_assert_uint_eq(settings.trusted_proxies[0].prefix_bits, 104);
    ck_assert_uint_eq(settings.trusted_proxies[1].prefix_bits, 128);
    ck_assert_uint_eq(settings.trusted_proxies[2].prefix_bits, 32);
    ck_assert_uint_eq(settings.trusted_proxies[0].address[12], 10);
    ck_assert_uint_eq(settings.trusted_proxies[2].address[0], 0x20);
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__an_empty_list_is_none)
{
    settings_trial_load("TRUSTED_PROXIES=");
    ck_assert_uint_eq(settings.trusted_proxies_count, 0);
    settings_trial_free();
    settings_trial_load("ALLOWED_ORIGINS=");
    ck_assert_uint_eq(settings.allowed_origins_count, 0);
    settings_trial_free();
    settings_trial_load("TRUSTED_PROXIES= ");
    ck_assert_uint_eq(settings.trusted_proxies_count, 0);
    settings_trial_free();
    settings_trial_load("ALLOWED_ORIGINS=  ");
    ck_assert_uint_eq(settings.allowed_origins_count, 0);
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__what_are_no_proxies_is_refused)
{
    settings_trial_expect_refused("TRUSTED_PROXIES=proxy",
                                  "TRUSTED_PROXIES: \"proxy\" is not " PROXIES_RULE);
    settings_trial_expect_refused("TRUSTED_PROXIES=10.0.0.0/33",
                                  "TRUSTED_PROXIES: \"10.0.0.0/33\" is not " PROXIES_RULE);
    settings_trial_expect_refused("TRUSTED_PROXIES=::1,",
                                  "TRUSTED_PROXIES: \"::1,\" is not " PROXIES_RULE);
    settings_trial_expect_refused("TRUSTED_PROXIES=,::1",
                                  "TRUSTED_PROXIES: \",::1\" is not " PROXIES_RULE);
    settings_trial_expect_refused("TRUSTED_PROXIES= ,",
                                  "TRUSTED_PROXIES: \" ,\" is not " PROXIES_RULE);
}
END_TEST

START_TEST(test_gateway_settings__proxies_at_and_above_their_number)
{
    settings_trial_load(repeated("TRUSTED_PROXIES", "::1", TRUSTED_PROXIES_MAX));
    ck_assert_uint_eq(settings.trusted_proxies_count, TRUSTED_PROXIES_MAX);
    settings_trial_free();
    ck_assert_int_eq(
        settings_trial_load(repeated("TRUSTED_PROXIES", "::1", TRUSTED_PROXIES_MAX + 1)),
        SETTINGS_INVALID);
}
END_TEST

START_TEST(test_gateway_settings__origins_are_taken_apart)
{
    settings_trial_load("ALLOWED_ORIGINS=https://example.org, http://localhost:8080");
    ck_assert_uint_eq(settings.allowed_origins_count, 2);
    ck_assert_str_eq(settings.allowed_origins[0], "https://example.org");
    ck_assert_str_eq(settings.allowed_origins[1], "http://localhost:8080");
    settings_trial_free();
}
END_TEST

START_TEST(test_gateway_settings__what_are_no_origins_is_refused)
{
    settings_trial_expect_refused(
        "ALLOWED_ORIGINS=example.org",
        "ALLOWED_ORIGINS: \"example.org\" is not a list of at most 64 origins such as "
        "https://example.org,http://localhost:8080\n");
    ck_assert_int_eq(settings_trial_load("ALLOWED_ORIGINS=https://a/,https://b"), SETTINGS_INVALID);
}
END_TEST

START_TEST(test_gateway_settings__origins_at_and_above_their_number)
{
    settings_trial_load(repeated("ALLOWED_ORIGINS", "https://a.example", ALLOWED_ORIGINS_MAX));
    ck_assert_uint_eq(settings.allowed_origins_count, ALLOWED_ORIGINS_MAX);
    settings_trial_free();
    ck_assert_int_eq(settings_trial_load(
                         repeated("ALLOWED_ORIGINS", "https://a.example", ALLOWED_ORIGINS_MAX + 1)),
                     SETTINGS_INVALID);
}
END_TEST

static Suite *gateway_settings_suite(void)
{
    Suite *suite = suite_create("gateway_settings");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_gateway_settings__defaults_are_those_of_the_contract);
    tcase_add_test(all, test_gateway_settings__service_url_of_every_form);
    tcase_add_test(all, test_gateway_settings__slash_at_the_end_of_the_url_is_stripped);
    tcase_add_test(all, test_gateway_settings__what_is_no_service_url_is_refused);
    tcase_add_test(all, test_gateway_settings__service_url_with_a_user_is_refused_and_not_shown);
    tcase_add_test(all, test_gateway_settings__host_at_and_above_its_length);
    tcase_add_test(all, test_gateway_settings__upstream_timeout_at_and_outside_its_bounds);
    tcase_add_test(all, test_gateway_settings__rate_may_be_off);
    tcase_add_test(all, test_gateway_settings__rate_outside_its_bounds_is_refused);
    tcase_add_test(all, test_gateway_settings__template_dir_is_not_empty);
    tcase_add_test(all, test_gateway_settings__proxies_become_blocks);
    tcase_add_test(all, test_gateway_settings__an_empty_list_is_none);
    tcase_add_test(all, test_gateway_settings__what_are_no_proxies_is_refused);
    tcase_add_test(all, test_gateway_settings__proxies_at_and_above_their_number);
    tcase_add_test(all, test_gateway_settings__origins_are_taken_apart);
    tcase_add_test(all, test_gateway_settings__what_are_no_origins_is_refused);
    tcase_add_test(all, test_gateway_settings__origins_at_and_above_their_number);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(gateway_settings_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
