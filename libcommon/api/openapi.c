/*
 * jansson merges the two parts once, at the start, so that a request costs no more than one for a
 * static file. CMake could merge them at build time, but its JSON has no order, and people read the
 * document too, from the first path to the last component.
 *
 * tests/integration/openapi.test.mjs checks that the document is true.
 */
#include "openapi.h"

#include "json_read.h"

#include <stdlib.h>
#include <string.h>

CLEANUP_DEFINE(json_t, json_decref)

static enum error_code parse(const char *text, const char *name, json_t **ret_object,
                             struct error *err)
{
    json_error_t fault;
    CLEANUP(json_decref) json_t *json = NULL;
    enum error_code code = json_read(text, strlen(text), JSON_REJECT_DUPLICATES, &json, &fault);
    if (code == ERROR_INTERNAL)
        return error_because(err, code, "out of memory for the OpenAPI document");
    if (code)
        return error_because(err, ERROR_INTERNAL, "the OpenAPI document's %s part, line %d: %s",
                             name, fault.line, fault.text);
    if (!json_is_object(json))
        return error_because(err, ERROR_INTERNAL, "the OpenAPI document's %s part is not an object",
                             name);
    *ret_object = json;
    json = NULL;
    return ERROR_NONE;
}

static bool merge(json_t *document, json_t *own)
{
    CLEANUP(json_decref)
    json_t *version = json_pack("{s{ss}}", "info", "version", TEMPMESSENGER_VERSION);
    return version && json_object_update_recursive(document, own) == 0 &&
           json_object_update_recursive(document, version) == 0;
}

/* NULL when out of memory. */
static struct openapi *openapi_new(const json_t *document)
{
    struct openapi *openapi = calloc(1, sizeof *openapi);
    if (!openapi)
        return NULL;
    openapi->json = json_dumps(document, JSON_INDENT(2));
    if (!openapi->json) {
        free(openapi);
        return NULL;
    }
    openapi->len = strlen(openapi->json);
    entity_tag_make(openapi->json, openapi->len, openapi->etag);
    return openapi;
}

enum error_code openapi_make(const char *shared, const char *own, struct openapi **ret_openapi,
                             struct error *err)
{
    CLEANUP(json_decref) json_t *document = NULL;
    CLEANUP(json_decref) json_t *own_part = NULL;
    enum error_code code = parse(shared, "shared", &document, err);
    if (!code)
        code = parse(own, "own", &own_part, err);
    if (code)
        return code;
    struct openapi *openapi = merge(document, own_part) ? openapi_new(document) : NULL;
    if (!openapi)
        return error_because(err, ERROR_INTERNAL, "out of memory for the OpenAPI document");
    *ret_openapi = openapi;
    return ERROR_NONE;
}

void openapi_free(struct openapi *openapi)
{
    if (!openapi)
        return;
    free(openapi->json);
    free(openapi);
}

enum error_code openapi_answer(const struct openapi *openapi, struct http_exchange *exchange)
{
    /* Not `public`: where a token is required, no cache on the way may serve it to everyone. */
    http_answer_set_header(exchange, "Cache-Control", "no-cache");
    return http_answer_tagged(exchange, HTTP_TYPE_JSON, openapi->etag, openapi->json, openapi->len);
}
