/*
 * One decoder serves all three questions, so that they cannot disagree on what a character is.
 *
 * What can be seen is decided by a table of what cannot: Unicode's white space, its controls, its
 * default-ignorable code points, its noncharacters, and a few blanks that none of these name. It is
 * made to stop messages that look empty, not to judge text: code points that are not assigned yet
 * count as visible, so that the table does not age, and so does a lone combining mark, which
 * renderers show.
 */
#include "text.h"

#include <stdint.h>

struct range {
    uint32_t first;
    uint32_t last;
};

/* Sorted, without overlap. */
static const struct range invisible[] = {
    {0x0000, 0x0020},   /* controls, space */
    {0x007F, 0x00A0},   /* delete, more controls, no-break space */
    {0x00AD, 0x00AD},   /* soft hyphen */
    {0x034F, 0x034F},   /* combining grapheme joiner */
    {0x061C, 0x061C},   /* Arabic letter mark */
    {0x115F, 0x1160},   /* Hangul fillers */
    {0x1680, 0x1680},   /* Ogham space mark */
    {0x17B4, 0x17B5},   /* Khmer inherent vowels */
    {0x180B, 0x180F},   /* Mongolian variation selectors, vowel separator */
    {0x2000, 0x200F},   /* spaces, zero-width characters, direction marks */
    {0x2028, 0x202F},   /* line and paragraph separator, bidi embeddings, narrow no-break space */
    {0x205F, 0x206F},   /* medium space, word joiner, invisible operators, bidi isolates */
    {0x2800, 0x2800},   /* empty braille pattern */
    {0x3000, 0x3000},   /* ideographic space */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xFDD0, 0xFDEF},   /* noncharacters */
    {0xFE00, 0xFE0F},   /* variation selectors */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* half-width Hangul filler */
    {0xFFF0, 0xFFFB},   /* reserved for formats, interlinear annotation */
    {0x13430, 0x1343F}, /* Egyptian hieroglyph joiners */
    {0x1BCA0, 0x1BCA3}, /* shorthand format controls */
    {0x1D159, 0x1D159}, /* musical null note head */
    {0x1D173, 0x1D17A}, /* musical format controls */
    {0xE0000, 0xE0FFF}, /* tags, more variation selectors */
};

enum { INVISIBLE_COUNT = sizeof invisible / sizeof invisible[0] };

/* The bytes of the sequence that `lead` begins, its payload bits, and the least code point that may
 * be written so long; 0 where no sequence begins with it. */
static size_t sequence_len(uint8_t lead, uint32_t *ret_bits, uint32_t *ret_least)
{
    if (lead < 0x80) {
        *ret_bits = lead;
        *ret_least = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *ret_bits = lead & 0x1F;
        *ret_least = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *ret_bits = lead & 0x0F;
        *ret_least = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *ret_bits = lead & 0x07;
        *ret_least = 0x10000;
        return 4;
    }
    return 0;
}

/* Reads the character at the front of `len` bytes (at least one); its bytes, or 0 if there is
 * none. */
static size_t decode(const uint8_t *bytes, size_t len, uint32_t *ret_character)
{
    uint32_t character;
    uint32_t least;
    size_t sequence = sequence_len(bytes[0], &character, &least);
    if (sequence == 0 || sequence > len)
        return 0;
    for (size_t i = 1; i < sequence; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        character = character << 6 | (bytes[i] & 0x3F);
    }
    bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < least || character > 0x10FFFF || surrogate)
        return 0;
    *ret_character = character;
    return sequence;
}

static bool is_visible(uint32_t character)
{
    if ((character & 0xFFFE) == 0xFFFE) /* the last two of each plane are noncharacters */
        return false;
    size_t low = 0;
    size_t high = INVISIBLE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character > invisible[middle].last)
            low = middle + 1;
        else if (character < invisible[middle].first)
            high = middle;
        else
            return false;
    }
    return true;
}

bool text_valid_utf8(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t character;
    for (size_t i = 0, step; i < len; i += step) {
        step = decode(at + i, len - i, &character);
        if (step == 0)
            return false;
    }
    return true;
}

size_t text_characters(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t character;
    size_t count = 0;
    for (size_t i = 0, step; i < len; i += step) {
        step = decode(at + i, len - i, &character);
        if (step == 0)
            step = 1;
        count++;
    }
    return count;
}

bool text_has_visible(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t character;
    for (size_t i = 0, step; i < len; i += step) {
        step = decode(at + i, len - i, &character);
        if (step == 0)
            step = 1;
        else if (is_visible(character))
            return true;
    }
    return false;
}
