/*
 * A tag is a hash and the length. FNV-1a with 64 bits is enough: what is tagged is the operator's
 * or our own, so nobody gains by making two collide.
 */
#include "entity_tag.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

static uint64_t hash(const unsigned char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++) {
        hash ^= bytes[i];
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

void entity_tag_make(const void *bytes, size_t len, char ret_tag[ENTITY_TAG_SIZE])
{
    snprintf(ret_tag, ENTITY_TAG_SIZE, "\"%016" PRIx64 "-%zx\"", hash(bytes, len), len);
}
