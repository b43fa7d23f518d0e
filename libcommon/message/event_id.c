/*
 * The tag is a hash, not a secret: it tells a foreign or outdated id from a valid one, and a forged
 * id only gets its forger a stream that resumes at the wrong place.
 */
#include "event_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 16, TAG_DIGITS = EVENT_ID_LEN - NUMBER_DIGITS };

static const uint64_t tag_range = UINT64_C(10000000000);

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t state, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        state = (state ^ at[i]) * UINT64_C(0x100000001b3);
    return state;
}

struct event_id event_id_make(const char *room, uint64_t epoch, uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, " %" PRIu64, epoch);
    uint64_t state = hash(UINT64_C(0xcbf29ce484222325), room, strlen(room));
    state = hash(state, digits, (size_t)len);
    return (struct event_id){.number = number, .tag = (state ^ state >> 32) % tag_range};
}

struct event_id event_id_nothing(const char *room)
{
    return event_id_make(room, 0, 0);
}

void event_id_format(struct event_id id, char ret_text[EVENT_ID_SIZE])
{
    snprintf(ret_text, EVENT_ID_SIZE, "%0*" PRIu64 "%0*" PRIu64, NUMBER_DIGITS,
             id.number % (EVENT_NUMBER_MAX + 1), TAG_DIGITS, id.tag % tag_range);
}

bool event_id_parse(const char *text, struct event_id *ret_id)
{
    if (strspn(text, "0123456789") != EVENT_ID_LEN || text[EVENT_ID_LEN] != '\0')
        return false;
    char number[NUMBER_DIGITS + 1];
    memcpy(number, text, NUMBER_DIGITS);
    number[NUMBER_DIGITS] = '\0';
    ret_id->number = strtoull(number, NULL, 10);
    ret_id->tag = strtoull(text + NUMBER_DIGITS, NULL, 10);
    return true;
}
