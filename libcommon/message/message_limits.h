/*
 * The message service's limits for a message, which it announces to the gateway in a header of its
 * own: a structured field (RFC 8941), a dictionary of integers, in milliseconds and bytes.
 *
 *     Message-Limits: ttl-min=1000, ttl-max=86400000, ttl-default=60000, text-max=4096
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_MESSAGE_LIMITS_H
#define TEMPMESSENGER_MESSAGE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_LIMITS_HEADER "Message-Limits"

/* The largest integer of a structured field. */
#define MESSAGE_LIMITS_FIGURE_MAX UINT64_C(999999999999999)

/* Of the longest value and its NUL. */
enum { MESSAGE_LIMITS_SIZE = 128 };

/* No member is 0, and ttl_min_ms <= ttl_default_ms <= ttl_max_ms. */
struct message_limits {
    uint64_t ttl_min_ms;
    uint64_t ttl_max_ms;
    uint64_t ttl_default_ms;
    size_t text_max; /* bytes of UTF-8 */
};

/* Writes the header's value, figures above the maximum as the maximum. The text is empty if
 * `size` is too small; MESSAGE_LIMITS_SIZE never is. */
void message_limits_format(const struct message_limits *limits, char *ret_text, size_t size);

/*
 * Reads a header's value. The members may come in any order, unknown ones are ignored, and the last
 * of a repeated one counts. False, and *ret_limits is left as it was, if one of the four is missing
 * or is not an integer from 1 to the maximum, or if they contradict each other.
 */
bool message_limits_parse(const char *text, struct message_limits *ret_limits)
    __attribute__((warn_unused_result));

#endif
