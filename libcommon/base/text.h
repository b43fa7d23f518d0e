/*
 * Texts that others send: whether the bytes are UTF-8, how many characters they are, whether a
 * reader would see anything of them, and their percent-decoding.
 *
 * Pure: no state, no locale. Any thread. `bytes` may be NULL where `len` is 0.
 */
#ifndef TEMPMESSENGER_TEXT_H
#define TEMPMESSENGER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one character. */
enum { TEXT_CHARACTER_MAX = 4 };

/* UTF-8 to the letter of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is
 * a character like others; an empty text is valid. */
bool text_valid_utf8(const void *bytes, size_t len);

/* Reads the character at the front of `len` bytes; returns its number of bytes, or 0 if there is no
 * character. */
size_t text_decode(const void *bytes, size_t len, uint32_t *ret_character);

/* The number of code points. A byte that is not part of valid UTF-8 counts as one. */
size_t text_characters(const void *bytes, size_t len);

/* Whether there is at least one character that leaves a mark: not white space, a control, a format
 * or zero-width character, a variation selector, or a blank that is not called one (Hangul fillers,
 * the empty braille pattern). A byte that is not part of valid UTF-8 leaves no mark. */
bool text_has_visible(const void *bytes, size_t len);

/* Whether this is a control character: U+0000 to U+001F, U+007F to U+009F. */
bool text_is_control(uint32_t character);

/* Whether this character turns the direction of the text around it: marks, embeddings, overrides
 * and isolates of Unicode's bidirectional algorithm. */
bool text_turns_direction(uint32_t character);

/* The place of the first character that `wanted` is true of, counted in characters from 1, and the
 * character; 0 if there is none. A byte that is not part of valid UTF-8 counts as a character, and
 * is never wanted. */
size_t text_find(const void *bytes, size_t len, bool (*wanted)(uint32_t character),
                 uint32_t *ret_character);

/* Whether all bytes are from '!' to '~'. */
bool text_visible_ascii(const char *text, size_t len);

/* The value of a hex digit of either case; -1 for any other byte. */
int text_hex_digit(char digit);

/* Decodes the %XX at the front of `len` bytes; false if there is none, and *ret_byte stays. */
bool text_percent_byte(const char *from, size_t len, char *ret_byte);

/* Decodes each %XX in `len` bytes into `to`, which has room for as many and may be `from`; a % that
 * no two hex digits follow stands for itself. Returns how many bytes it wrote; it adds no NUL. */
size_t text_percent_decode(const char *from, size_t len, char *to);

#endif
