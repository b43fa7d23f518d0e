/*
 * The Idempotency-Key header: 1 to 64 visible ASCII characters, quoted (a structured field's
 * string, as the IETF draft has it) or not.
 */
#ifndef TEMPMESSENGER_IDEMPOTENCY_KEY_H
#define TEMPMESSENGER_IDEMPOTENCY_KEY_H

#include <stdbool.h>

enum { IDEMPOTENCY_KEY_MAX = 64, IDEMPOTENCY_KEY_SIZE = IDEMPOTENCY_KEY_MAX + 1 };

/* The key without its quotes; false, and no key, if the header's value is malformed. */
bool idempotency_key_parse(const char *value, char ret_key[IDEMPOTENCY_KEY_SIZE]);

#endif
