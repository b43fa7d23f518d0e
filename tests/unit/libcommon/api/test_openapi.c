/*
 * The OpenAPI document: how its two parts become one. What it says is for the integration tests.
 */
#include "openapi.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char shared[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"shared\",\"version\":\"0\"},"
    "\"tags\":[\"a\",\"b\"],\"paths\":{\"/one\":{\"get\":{\"x\":1}}}}";

/* Makes the document and reads it; the caller releases it. */
static json_t *made(const char *own)
{
    struct openapi *openapi = NULL;
    struct error err = {0};
    ck_assert_int_eq(openapi_make(shared, own, &openapi, &err), ERROR_NONE);
    ck_assert_uint_eq(openapi->len, strlen(openapi->json));
    json_t *json = json_loads(openapi->json, 0, NULL);
    ck_assert_ptr_nonnull(json);
    openapi_free(openapi);
    return json;
}

static void assert_text(json_t *json, const char *object, const char *name, const char *expected)
{
    const char *text = json_string_value(json_object_get(json_object_get(json, object), name));
    ck_assert_str_eq(text, expected);
}

START_TEST(test_openapi__objects_are_merged_member_by_member)
{
    json_t *json = made("{\"paths\":{\"/one\":{\"get\":{\"y\":2}},\"/two\":{}}}");
    json_t *get = json_object_get(json_object_get(json_object_get(json, "paths"), "/one"), "get");
    ck_assert_int_eq(json_integer_value(json_object_get(get, "x")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(get, "y")), 2);
    ck_assert_uint_eq(json_object_size(json_object_get(json, "paths")), 2);
    json_decref(json);
}
END_TEST

START_TEST(test_openapi__of_texts_and_lists_the_own_count)
{
    json_t *json = made("{\"info\":{\"title\":\"own\"},\"tags\":[\"c\"]}");
    assert_text(json, "info", "title", "own");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "tags")), 1);
    json_decref(json);
}
END_TEST

START_TEST(test_openapi__the_version_is_the_projects)
{
    json_t *json = made("{\"info\":{\"version\":\"another\"}}");
    assert_text(json, "info", "version", TEMPMESSENGER_VERSION);
    assert_text(json, "info", "title", "shared");
    json_decref(json);
}
END_TEST

START_TEST(test_openapi__stands_in_the_order_of_its_parts)
{
    struct openapi *openapi = NULL;
    ck_assert_int_eq(openapi_make(shared, "{\"last\":1}", &openapi, NULL), ERROR_NONE);
    ck_assert_int_eq(strncmp(openapi->json, "{\n  \"openapi\": \"3.1.0\",\n  \"info\": {", 35), 0);
    ck_assert_ptr_nonnull(strstr(openapi->json, "\n  \"last\": 1\n}"));
    openapi_free(openapi);
}
END_TEST

START_TEST(test_openapi__the_tag_is_that_of_the_document)
{
    struct openapi *one = NULL;
    struct openapi *same = NULL;
    struct openapi *other = NULL;
    ck_assert_int_eq(openapi_make(shared, "{}", &one, NULL), ERROR_NONE);
    ck_assert_int_eq(openapi_make(shared, "{ }", &same, NULL), ERROR_NONE);
    ck_assert_int_eq(openapi_make(shared, "{\"a\":1}", &other, NULL), ERROR_NONE);
    ck_assert_str_eq(one->etag, same->etag);
    ck_assert_str_ne(one->etag, other->etag);
    openapi_free(one);
    openapi_free(same);
    openapi_free(other);
}
END_TEST

static const char *const broken[] = {"", "{", "[]", "\"text\"", "{\"a\":1,\"a\":2}", "{} {}"};

START_TEST(test_openapi__a_part_that_is_no_object_is_refused)
{
    struct openapi *openapi = NULL;
    struct error err = {0};
    ck_assert_int_eq(openapi_make(shared, broken[_i], &openapi, &err), ERROR_INTERNAL);
    ck_assert_ptr_nonnull(strstr(err.cause, "own part"));
    err = (struct error){0};
    ck_assert_int_eq(openapi_make(broken[_i], "{}", &openapi, &err), ERROR_INTERNAL);
    ck_assert_ptr_nonnull(strstr(err.cause, "shared part"));
    ck_assert_ptr_null(openapi);
}
END_TEST

START_TEST(test_openapi__the_embedded_part_is_whole)
{
    struct openapi *openapi = NULL;
    ck_assert_int_eq(openapi_make(openapi_shared, "{}", &openapi, NULL), ERROR_NONE);
    ck_assert_ptr_nonnull(strstr(openapi->json, "\"/messages\""));
    openapi_free(openapi);
}
END_TEST

START_TEST(test_openapi__free_takes_null)
{
    openapi_free(NULL);
}
END_TEST

static Suite *openapi_suite(void)
{
    enum { BROKEN = sizeof broken / sizeof broken[0] };
    Suite *suite = suite_create("openapi");
    TCase *tcase = tcase_create("make");
    tcase_add_test(tcase, test_openapi__objects_are_merged_member_by_member);
    tcase_add_test(tcase, test_openapi__of_texts_and_lists_the_own_count);
    tcase_add_test(tcase, test_openapi__the_version_is_the_projects);
    tcase_add_test(tcase, test_openapi__stands_in_the_order_of_its_parts);
    tcase_add_test(tcase, test_openapi__the_tag_is_that_of_the_document);
    tcase_add_loop_test(tcase, test_openapi__a_part_that_is_no_object_is_refused, 0, BROKEN);
    tcase_add_test(tcase, test_openapi__the_embedded_part_is_whole);
    tcase_add_test(tcase, test_openapi__free_takes_null);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(openapi_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
