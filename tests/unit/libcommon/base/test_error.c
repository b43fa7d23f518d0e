/*
 * The error list against the contract's table, written out once more here, and the texts of a
 * struct error at the ends of their buffers.
 */
#include "error.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct row {
    enum error_code code;
    int status;
    const char *type;
};

static const struct row contract[] = {
    {ERROR_BAD_REQUEST, 400, "urn:tempmessenger:problem:bad-request"},
    {ERROR_INVALID_JSON, 400, "urn:tempmessenger:problem:invalid-json"},
    {ERROR_NO_MESSAGE, 400, "urn:tempmessenger:problem:no-message"},
    {ERROR_INVALID_ROOM, 400, "urn:tempmessenger:problem:invalid-room"},
    {ERROR_UNAUTHORIZED, 401, "urn:tempmessenger:problem:unauthorized"},
    {ERROR_CROSS_ORIGIN, 403, "urn:tempmessenger:problem:cross-origin"},
    {ERROR_MESSAGE_NOT_FOUND, 404, "urn:tempmessenger:problem:message-not-found"},
    {ERROR_NOT_FOUND, 404, "urn:tempmessenger:problem:not-found"},
    {ERROR_METHOD_NOT_ALLOWED, 405, "urn:tempmessenger:problem:method-not-allowed"},
    {ERROR_TOO_LARGE, 413, "urn:tempmessenger:problem:too-large"},
    {ERROR_UNSUPPORTED_ENCODING, 415, "urn:tempmessenger:problem:unsupported-encoding"},
    {ERROR_INVALID_MESSAGE, 422, "urn:tempmessenger:problem:invalid-message"},
    {ERROR_INVALID_TTL, 422, "urn:tempmessenger:problem:invalid-ttl"},
    {ERROR_INVALID_AUTHOR, 422, "urn:tempmessenger:problem:invalid-author"},
    {ERROR_IDEMPOTENCY_KEY_REUSED, 422, "urn:tempmessenger:problem:idempotency-key-reused"},
    {ERROR_RATE_LIMITED, 429, "urn:tempmessenger:problem:rate-limited"},
    {ERROR_ROOM_FULL, 429, "urn:tempmessenger:problem:room-full"},
    {ERROR_INTERNAL, 500, "urn:tempmessenger:problem:internal"},
    {ERROR_UNAVAILABLE, 503, "urn:tempmessenger:problem:unavailable"},
    {ERROR_TIMEOUT, 504, "urn:tempmessenger:problem:timeout"},
};

enum { ROWS = sizeof contract / sizeof contract[0] };

START_TEST(test_error__list_holds_the_contract_and_nothing_else)
{
    ck_assert_int_eq(ERROR_NONE, 0);
    ck_assert_int_eq(ERROR_COUNT, ROWS + 1);
}
END_TEST

START_TEST(test_error__status_and_type_are_the_contracts)
{
    ck_assert_int_eq(error_status(contract[_i].code), contract[_i].status);
    ck_assert_str_eq(error_type(contract[_i].code), contract[_i].type);
}
END_TEST

START_TEST(test_error__has_a_title_and_a_detail)
{
    ck_assert_str_ne(error_title(contract[_i].code), "");
    ck_assert_str_ne(error_detail(contract[_i].code, NULL), "");
}
END_TEST

START_TEST(test_error__type_leads_back_to_its_code)
{
    ck_assert_int_eq(error_from_type(contract[_i].type), contract[_i].code);
}
END_TEST

START_TEST(test_error__unknown_type_is_none)
{
    ck_assert_int_eq(error_from_type(""), ERROR_NONE);
    ck_assert_int_eq(error_from_type("about:blank"), ERROR_NONE);
    ck_assert_int_eq(error_from_type("timeout"), ERROR_NONE);
    ck_assert_int_eq(error_from_type(ERROR_TYPE_PREFIX), ERROR_NONE);
    ck_assert_int_eq(error_from_type(ERROR_TYPE_PREFIX "timeout "), ERROR_NONE);
    ck_assert_int_eq(error_from_type(ERROR_TYPE_PREFIX "TIMEOUT"), ERROR_NONE);
}
END_TEST

START_TEST(test_error__details_that_the_contract_spells_out)
{
    ck_assert_str_eq(error_detail(ERROR_INVALID_JSON, NULL), "JSON payload expected");
    ck_assert_str_eq(error_detail(ERROR_NO_MESSAGE, NULL), "No message given");
    ck_assert_str_eq(error_title(ERROR_NO_MESSAGE), "No message given");
}
END_TEST

START_TEST(test_error__set_formats_the_detail_and_returns_the_code)
{
    struct error err = {0};
    ck_assert_int_eq(error_set(&err, ERROR_TOO_LARGE, "at most %d bytes", 7), ERROR_TOO_LARGE);
    ck_assert_str_eq(error_detail(ERROR_TOO_LARGE, &err), "at most 7 bytes");
    ck_assert_str_eq(err.cause, "");
    ck_assert_uint_eq(err.retry_after_s, 0);
}
END_TEST

START_TEST(test_error__because_formats_the_cause_and_returns_the_code)
{
    struct error err = {0};
    ck_assert_int_eq(error_because(&err, ERROR_INTERNAL, "%s of %s", "out", "memory"),
                     ERROR_INTERNAL);
    ck_assert_str_eq(err.cause, "out of memory");
}
END_TEST

START_TEST(test_error__cause_is_never_the_clients_text)
{
    struct error err = {0};
    ck_assert_int_eq(error_because(&err, ERROR_UNAVAILABLE, "/run/secret.sock"), ERROR_UNAVAILABLE);
    ck_assert_str_eq(error_detail(ERROR_UNAVAILABLE, &err), error_detail(ERROR_UNAVAILABLE, NULL));
}
END_TEST

START_TEST(test_error__null_error_takes_no_text)
{
    ck_assert_int_eq(error_set(NULL, ERROR_TIMEOUT, "%d", 1), ERROR_TIMEOUT);
    ck_assert_int_eq(error_because(NULL, ERROR_TIMEOUT, "%d", 1), ERROR_TIMEOUT);
}
END_TEST

START_TEST(test_error__a_later_detail_replaces_the_first)
{
    struct error err = {0};
    ck_assert_int_eq(error_set(&err, ERROR_TIMEOUT, "first, and long"), ERROR_TIMEOUT);
    ck_assert_int_eq(error_set(&err, ERROR_TIMEOUT, "second"), ERROR_TIMEOUT);
    ck_assert_str_eq(err.detail, "second");
}
END_TEST

/* Sets texts of `len` characters and asserts that `detail_len` and `cause_len` of them are kept. */
static void assert_kept(int len, size_t detail_len, size_t cause_len)
{
    struct error err = {.retry_after_s = 77};
    ck_assert_int_eq(error_set(&err, ERROR_TIMEOUT, "%0*d", len, 0), ERROR_TIMEOUT);
    ck_assert_int_eq(error_because(&err, ERROR_TIMEOUT, "%0*d", len, 0), ERROR_TIMEOUT);
    ck_assert_uint_eq(strlen(err.detail), detail_len);
    ck_assert_uint_eq(strlen(err.cause), cause_len);
    ck_assert_uint_eq(err.retry_after_s, 77);
}

START_TEST(test_error__detail_is_cut_at_its_end)
{
    assert_kept(ERROR_DETAIL_SIZE - 2, ERROR_DETAIL_SIZE - 2, ERROR_CAUSE_SIZE - 1);
    assert_kept(ERROR_DETAIL_SIZE - 1, ERROR_DETAIL_SIZE - 1, ERROR_CAUSE_SIZE - 1);
    assert_kept(ERROR_DETAIL_SIZE, ERROR_DETAIL_SIZE - 1, ERROR_CAUSE_SIZE - 1);
    assert_kept(100000, ERROR_DETAIL_SIZE - 1, ERROR_CAUSE_SIZE - 1);
}
END_TEST

START_TEST(test_error__cause_is_cut_at_its_end)
{
    assert_kept(ERROR_CAUSE_SIZE - 2, ERROR_CAUSE_SIZE - 2, ERROR_CAUSE_SIZE - 2);
    assert_kept(ERROR_CAUSE_SIZE - 1, ERROR_CAUSE_SIZE - 1, ERROR_CAUSE_SIZE - 1);
    assert_kept(ERROR_CAUSE_SIZE, ERROR_CAUSE_SIZE, ERROR_CAUSE_SIZE - 1);
}
END_TEST

/* A text of the list's own that is cut would be a text that nobody has read to its end. */
START_TEST(test_error__own_details_would_fit_in_a_detail)
{
    ck_assert_uint_lt(strlen(error_detail(contract[_i].code, NULL)), ERROR_DETAIL_SIZE);
}
END_TEST

static Suite *error_suite(void)
{
    Suite *suite = suite_create("error");
    TCase *list = tcase_create("list");
    tcase_add_test(list, test_error__list_holds_the_contract_and_nothing_else);
    tcase_add_loop_test(list, test_error__status_and_type_are_the_contracts, 0, ROWS);
    tcase_add_loop_test(list, test_error__has_a_title_and_a_detail, 0, ROWS);
    tcase_add_loop_test(list, test_error__type_leads_back_to_its_code, 0, ROWS);
    tcase_add_loop_test(list, test_error__own_details_would_fit_in_a_detail, 0, ROWS);
    tcase_add_test(list, test_error__unknown_type_is_none);
    tcase_add_test(list, test_error__details_that_the_contract_spells_out);
    suite_add_tcase(suite, list);
    TCase *texts = tcase_create("texts");
    tcase_add_test(texts, test_error__set_formats_the_detail_and_returns_the_code);
    tcase_add_test(texts, test_error__because_formats_the_cause_and_returns_the_code);
    tcase_add_test(texts, test_error__cause_is_never_the_clients_text);
    tcase_add_test(texts, test_error__null_error_takes_no_text);
    tcase_add_test(texts, test_error__a_later_detail_replaces_the_first);
    tcase_add_test(texts, test_error__detail_is_cut_at_its_end);
    tcase_add_test(texts, test_error__cause_is_cut_at_its_end);
    suite_add_tcase(suite, texts);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(error_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
