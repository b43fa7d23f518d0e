/*
 * getrandom without flags waits for the kernel's pool, and then fills so few bytes whole.
 */
#include "random_id.h"

#include <stddef.h>
#include <sys/random.h>

bool random_id_make(char ret_id[RANDOM_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[RANDOM_ID_LEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        ret_id[2 * i] = digits[bytes[i] >> 4];
        ret_id[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_id[RANDOM_ID_LEN] = '\0';
    return true;
}
