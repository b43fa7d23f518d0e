/*
 * JSON from strangers, read in one pass: its form is checked, a few members are found, and of all
 * the rest nothing is kept. The time grows with the length alone, whatever the shape.
 *
 * Pure but for a key from the kernel, made once. Any thread.
 */
#ifndef TEMPMESSENGER_JSON_SCAN_H
#define TEMPMESSENGER_JSON_SCAN_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_SCAN_DEPTH_MAX = 2048 };

/* A member to find, by name. */
struct json_scan_member {
    const char *name;
    const char *value; /* as it stands in the JSON; of an array or object the bracket alone; NULL:
                        * there is no such member */
    size_t len;
};

/*
 * Reads one JSON object (RFC 8259) and finds `count` of its members. INVALID_JSON, with the place
 * in the cause, for what is not JSON, not UTF-8, not an object, nested deeper than the maximum, or
 * has, at any depth, a member twice or a NUL in a member's name; INTERNAL when out of memory.
 * Numbers may be of any size. The members then are undefined.
 */
enum error_code json_scan_object(const char *json, size_t len, struct json_scan_member members[],
                                 size_t count, struct error *err) ERROR_MUST_USE;

/* What kind of value was found. */
bool json_scan_is_string(const struct json_scan_member *member);
bool json_scan_is_number(const struct json_scan_member *member);

/* Decodes a found string into `to`, which has room for its `len` bytes; returns how many it wrote.
 * It adds no NUL, but there is room for one. */
size_t json_scan_decode(const struct json_scan_member *member, char *to);

/* Whether the text is one JSON number, with or without white space around it. */
bool json_scan_number_alone(const char *text, size_t len);

#endif
