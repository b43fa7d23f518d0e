/*
 * Reading JSON in such a way that missing memory neither passes for the sender's fault nor changes
 * what was sent.
 *
 * Any thread.
 */
#ifndef TEMPMESSENGER_JSON_READ_H
#define TEMPMESSENGER_JSON_READ_H

#include "error.h"

#include <jansson.h>
#include <stddef.h>

/*
 * As json_loadb with `flags`. *ret_json is the caller's reference. INVALID_JSON, with *ret_fault,
 * which may not be NULL, saying what is wrong; INTERNAL when out of memory.
 */
enum error_code json_read(const void *json, size_t len, size_t flags, json_t **ret_json,
                          json_error_t *ret_fault) ERROR_MUST_USE;

#endif
