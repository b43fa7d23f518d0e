/*
 * A mark is "@@00000000:0000000000000000;". Nothing else in an event has an "@".
 */
#include "marks.h"

#include "loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_AT = 2, NUMBER_LEN = 8, TIME_AT = 11, TIME_LEN = 16 };

void mark_text(char *text, size_t text_len, unsigned number, uint64_t due_us)
{
    int len = snprintf(text, text_len + 1, "@@%08u:%016" PRIu64 ";", number, due_us);
    memset(text + len, 'x', text_len - (size_t)len);
    text[text_len] = '\0';
}

static uint64_t digits(const char *text, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            loop_fail("a message arrived damaged");
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    return number;
}

size_t marks_take(const char *text, size_t len,
                  void (*take)(void *context, unsigned number, uint64_t due_us), void *context)
{
    const char *at = text;
    const char *end = text + len;
    while (at < end && (at = memchr(at, '@', (size_t)(end - at)))) {
        if (end - at < MARK_LEN)
            return (size_t)(at - text);
        take(context, (unsigned)digits(at + NUMBER_AT, NUMBER_LEN), digits(at + TIME_AT, TIME_LEN));
        at += MARK_LEN;
    }
    return len;
}
