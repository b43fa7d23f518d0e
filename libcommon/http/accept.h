/*
 * The Accept header, as far as it decides the form of an error: a problem document, plain text, or
 * an event.
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_ACCEPT_H
#define TEMPMESSENGER_ACCEPT_H

#include <stdbool.h>

enum { ACCEPT_MAX = 4096 }; /* bytes of the header; a longer one counts as malformed */

/*
 * Whether the client gives text/plain (in UTF-8) a higher quality than the better one of
 * application/problem+json and application/json (RFC 9110, section 12.5.1: of the ranges that match
 * a type the most specific one counts). False for a tie, for NULL and for a malformed header.
 */
bool accept_prefers_plain_text(const char *accept_header);

/* Whether the client names text/event-stream itself, not by a range with an asterisk, and gives it
 * a quality above 0. False for NULL and for a malformed header. */
bool accept_names_event_stream(const char *accept_header);

#endif
