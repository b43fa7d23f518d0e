/*
 * Ids that cannot be guessed: 128 bits from the kernel.
 */
#ifndef TEMPMESSENGER_RANDOM_ID_H
#define TEMPMESSENGER_RANDOM_ID_H

#include <stdbool.h>

enum { RANDOM_ID_LEN = 32, RANDOM_ID_SIZE = RANDOM_ID_LEN + 1 };

/* 32 lower-case hex digits; false if the kernel gave no random bytes. Any thread. */
bool random_id_make(char ret_id[RANDOM_ID_SIZE]) __attribute__((warn_unused_result));

#endif
