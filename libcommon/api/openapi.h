/*
 * A service's OpenAPI document, merged at the start of the part that both services share
 * (openapi.json beside this file) and the service's own (openapi.json beside its routes).
 *
 * Immutable after that; any thread.
 */
#ifndef TEMPMESSENGER_OPENAPI_H
#define TEMPMESSENGER_OPENAPI_H

#include "cleanup.h"
#include "entity_tag.h"
#include "http_exchange.h"

/* The text of the shared part, NUL-terminated; the build embeds it. */
extern const char openapi_shared[];

struct openapi {
    char *json; /* NUL-terminated */
    size_t len;
    char etag[ENTITY_TAG_SIZE];
};

/*
 * Makes the document of two JSON objects: objects are merged member by member; anything else that
 * both have is taken from `own`. `info.version` becomes the project's version. The caller frees
 * *ret_openapi. INTERNAL, with a cause, if a part is no JSON object, or out of memory.
 */
enum error_code openapi_make(const char *shared, const char *own, struct openapi **ret_openapi,
                             struct error *err) ERROR_MUST_USE;

/* Takes NULL. */
void openapi_free(struct openapi *openapi);

CLEANUP_DEFINE(struct openapi, openapi_free)

/* Answers with the document; caches may keep it but must revalidate it each time. */
enum error_code openapi_answer(const struct openapi *openapi, struct http_exchange *exchange);

#endif
