/*
 * A draft: the message that a sender asks for, before a store accepts it. Reads the two bodies that
 * both services take, JSON and plain text, and checks the rules of docs/api.md, "Sending".
 *
 * Pure: no state, no clock. Any thread.
 */
#ifndef TEMPMESSENGER_DRAFT_H
#define TEMPMESSENGER_DRAFT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUTHOR_MAX_CHARACTERS = 40 };

struct draft_rules {
    size_t text_max; /* bytes of UTF-8 */
    uint64_t ttl_min_ms;
    uint64_t ttl_max_ms;
    uint64_t ttl_default_ms;
};

struct draft {
    char *author; /* NULL when none was given */
    char *text;   /* as sent; valid UTF-8 without control characters but tab, LF and CR */
    size_t text_len;
    uint64_t ttl_ms; /* the sender's, or the default */
};

/*
 * Reads a JSON object (RFC 8259) with the members message, ttl and author; it ignores others.
 * On success the caller frees *ret_draft with draft_fini; on failure it is left as it was.
 * INVALID_JSON, NO_MESSAGE, TOO_LARGE, INVALID_MESSAGE, INVALID_TTL, INVALID_AUTHOR; details name
 * the limits. INTERNAL when out of memory.
 */
enum error_code draft_from_json(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err) ERROR_MUST_USE;

/* The same for a body that is the message itself (text/plain). */
enum error_code draft_from_text(const void *body, size_t len, const struct draft_rules *rules,
                                struct draft *ret_draft, struct error *err) ERROR_MUST_USE;

/* The bytes of text and author: what the message takes of a room's ROOM_MAX_BYTES. */
size_t draft_size(const struct draft *draft);

/* Takes a zeroed draft. */
void draft_fini(struct draft *draft);

#endif
