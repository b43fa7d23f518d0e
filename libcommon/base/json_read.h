/*
 * Reading JSON, so that memory that is missing is never taken for the sender's fault, and never makes
 * of what was sent something else.
 *
 * Any thread.
 */
#ifndef TEMPMESSENGER_JSON_READ_H
#define TEMPMESSENGER_JSON_READ_H

#include "error.h"

#include <jansson.h>
#include <stddef.h>

/*
 * As json_loadb with `flags`. *ret_json is the caller's reference; *ret_fault, which may not be
 * NULL, says what is wrong where it is INVALID_JSON. INTERNAL when out of memory.
 */
enum error_code json_read(const void *json, size_t len, size_t flags, json_t **ret_json,
                          json_error_t *ret_fault) ERROR_MUST_USE;

#endif
