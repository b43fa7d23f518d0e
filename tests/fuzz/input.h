/*
 * Draws values from the bytes of a fuzz target, and ends the run when a property is broken.
 *
 * Texts are heap copies of exactly their length, so that the sanitizer sees a read beyond them.
 * Once the bytes are used up, the values are zeros and empty texts.
 */
#ifndef TEMPMESSENGER_INPUT_H
#define TEMPMESSENGER_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *at;
    size_t left;
};

/* Ends the run, naming the place, unless `condition` holds. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            input_fail(__FILE__, __LINE__, #condition);                                            \
    } while (0)

_Noreturn void input_fail(const char *file, int line, const char *condition);

uint8_t input_byte(struct input *input);

/* Four bytes, big-endian. */
uint32_t input_u32(struct input *input);

/* The bytes before the next `separator` (which is taken too) or the end, as a string that ends at a
 * NUL among them; to be freed with free(). */
char *input_string(struct input *input, char separator);

/* The same without a NUL behind them, NULs among them kept. */
char *input_bytes(struct input *input, char separator, size_t *ret_len);

/* All bytes left, without a NUL behind it; to be freed with free(). */
char *input_rest(struct input *input, size_t *ret_len);

/* libFuzzer calls it; each target defines it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
