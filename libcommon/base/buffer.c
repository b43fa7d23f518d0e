/*
 * Growth doubles up to the maximum, so that n appends cost O(n). The NUL behind the bytes makes
 * `data` usable as a string wherever its content has no NUL of its own.
 */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MIN_CAPACITY = 128 };

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

/* Makes room for `more` bytes and the NUL. */
static bool reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more > buffer->max - buffer->len) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->len + more + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_MIN_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
    if (!reserve(buffer, len))
        return;
    if (len)
        memcpy(buffer->data + buffer->len, bytes, len);
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_u64(struct buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buffer_append(buffer, digits + at, sizeof digits - at);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !reserve(buffer, (size_t)len)) {
        buffer->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}

/* What must be escaped: the quote, the backslash and the controls below U+0020. */
static void append_json_escape(struct buffer *buffer, unsigned char byte)
{
    switch (byte) {
    case '"': buffer_append(buffer, "\\\"", 2); break;
    case '\\': buffer_append(buffer, "\\\\", 2); break;
    case '\n': buffer_append(buffer, "\\n", 2); break;
    case '\r': buffer_append(buffer, "\\r", 2); break;
    case '\t': buffer_append(buffer, "\\t", 2); break;
    default: buffer_append_format(buffer, "\\u%04x", byte);
    }
}

void buffer_append_json_string(struct buffer *buffer, const char *text, size_t len)
{
    buffer_append(buffer, "\"", 1);
    size_t plain = 0; /* where the run of bytes that need no escape began */
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buffer_append(buffer, text + plain, i - plain);
        append_json_escape(buffer, byte);
        plain = i + 1;
    }
    buffer_append(buffer, text + plain, len - plain);
    buffer_append(buffer, "\"", 1);
}
