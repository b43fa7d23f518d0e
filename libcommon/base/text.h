/*
 * Facts about texts that people send: whether the bytes are UTF-8, how many characters they are,
 * and whether a reader would see anything of them.
 *
 * Pure: no state, no locale. Any thread. `bytes` may be NULL where `len` is 0.
 */
#ifndef TEMPMESSENGER_TEXT_H
#define TEMPMESSENGER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-8 to the letter of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is
 * a character like others; an empty text is valid. */
bool text_valid_utf8(const void *bytes, size_t len);

/* The number of code points. `bytes` is valid UTF-8; a byte that is not counts as one. */
size_t text_characters(const void *bytes, size_t len);

/* Whether there is at least one character that leaves a mark: not white space, a control, a format
 * or zero-width character, a variation selector, or a blank that is not called one (Hangul fillers,
 * the empty braille pattern). `bytes` is valid UTF-8; a byte that is not leaves no mark. */
bool text_has_visible(const void *bytes, size_t len);

#endif
