/*
 * Separators rather than lengths part the bytes, so that people can write and read a seed as text,
 * and a change in one part leaves the others as they were.
 */
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void input_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

uint8_t input_byte(struct input *input)
{
    if (!input->left)
        return 0;
    input->left--;
    return *input->at++;
}

uint32_t input_u32(struct input *input)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number = number << 8 | input_byte(input);
    return number;
}

/* A copy of the next `len` bytes, which are there, with `spare` zero bytes behind it. */
static char *take(struct input *input, size_t len, size_t spare)
{
    char *copy = malloc(len + spare);
    REQUIRE(copy || len + spare == 0);
    if (len)
        memcpy(copy, input->at, len);
    if (spare)
        memset(copy + len, 0, spare);
    input->at += len;
    input->left -= len;
    return copy;
}

static size_t find(const struct input *input, char separator)
{
    const uint8_t *found = input->left ? memchr(input->at, separator, input->left) : NULL;
    return found ? (size_t)(found - input->at) : input->left;
}

char *input_string(struct input *input, char separator)
{
    char *text = take(input, find(input, separator), 1);
    input_byte(input);
    char *string = strdup(text); /* no longer than it is up to a NUL */
    REQUIRE(string);
    free(text);
    return string;
}

char *input_bytes(struct input *input, char separator, size_t *ret_len)
{
    *ret_len = find(input, separator);
    char *bytes = take(input, *ret_len, 0);
    input_byte(input);
    return bytes;
}

char *input_rest(struct input *input, size_t *ret_len)
{
    *ret_len = input->left;
    return take(input, input->left, 0);
}
