/*
 * A key is compared, never interpreted: a backslash between the quotes is part of the key.
 */
#include "idempotency_key.h"

#include "text.h"

#include <string.h>

bool idempotency_key_parse(const char *value, char ret_key[IDEMPOTENCY_KEY_SIZE])
{
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    if (len < 1 || len > IDEMPOTENCY_KEY_MAX || !text_visible_ascii(value, len))
        return false;
    memcpy(ret_key, value, len);
    ret_key[len] = '\0';
    return true;
}
