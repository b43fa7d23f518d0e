/*
 * A byte buffer that grows to a named maximum and remembers that it failed, so that a run of
 * appends is checked once, at the end.
 *
 * Not thread-safe. After a failure (out of memory, or over the maximum) appends do nothing.
 */
#ifndef TEMPMESSENGER_BUFFER_H
#define TEMPMESSENGER_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NUL after the last byte, once anything was appended; NULL before */
    size_t len; /* bytes, the NUL not counted */
    size_t capacity;
    size_t max; /* bytes that `len` never exceeds */
    bool failed;
};

/* An empty buffer that holds at most `max` bytes. Allocates nothing. */
void buffer_init(struct buffer *buffer, size_t max);

/* Frees the bytes; the buffer is then as after buffer_init. Takes a zeroed struct. */
void buffer_fini(struct buffer *buffer);

/* Forgets the bytes and the failure, keeps the memory. */
void buffer_clear(struct buffer *buffer);

void buffer_append(struct buffer *buffer, const void *bytes, size_t len);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_u64(struct buffer *buffer, uint64_t number); /* decimal */
__attribute__((format(printf, 2, 3))) void buffer_append_format(struct buffer *buffer,
                                                                const char *format, ...);

/* Appends `text` as a JSON string (RFC 8259, section 7), quotes included; `text` is valid UTF-8. */
void buffer_append_json_string(struct buffer *buffer, const char *text, size_t len);

#endif
