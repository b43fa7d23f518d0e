/*
 * libunistring knows UTF-8 and the properties of characters.
 *
 * Invisible are Unicode's white space, its controls, its default-ignorable code points, its
 * noncharacters, and a few blanks that none of these name. The rule stops messages that look empty
 * and does not judge text: code points that are not assigned yet count as visible, and so does a
 * lone combining mark, which renderers show.
 */
#include "text.h"

#include <unictype.h>
#include <unistr.h>

static bool is_other_blank(uint32_t character)
{
    return character == 0x2800 ||                            /* empty braille pattern */
           (character >= 0xFFF9 && character <= 0xFFFB) ||   /* interlinear annotation */
           (character >= 0x13430 && character <= 0x1343F) || /* Egyptian hieroglyph joiners */
           character == 0x1D159;                             /* musical null note head */
}

static bool is_visible(uint32_t character)
{
    return !uc_is_property_white_space(character) && !uc_is_property_iso_control(character) &&
           !uc_is_property_default_ignorable_code_point(character) &&
           !uc_is_property_not_a_character(character) && !is_other_blank(character);
}

size_t text_decode(const void *bytes, size_t len, uint32_t *ret_character)
{
    ucs4_t character;
    int sequence = len ? u8_mbtoucr(&character, bytes, len) : 0;
    if (sequence <= 0)
        return 0;
    *ret_character = character;
    return (size_t)sequence;
}

bool text_valid_utf8(const void *bytes, size_t len)
{
    return !len || !u8_check(bytes, len);
}

size_t text_characters(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t character;
    size_t count = 0;
    for (size_t i = 0; i < len; count++) {
        size_t step = text_decode(at + i, len - i, &character);
        i += step ? step : 1;
    }
    return count;
}

bool text_has_visible(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t character;
    for (size_t i = 0, step; i < len; i += step ? step : 1) {
        step = text_decode(at + i, len - i, &character);
        if (step && is_visible(character))
            return true;
    }
    return false;
}

bool text_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character <= 0x9F);
}

bool text_turns_direction(uint32_t character)
{
    return character == 0x061C || character == 0x200E || character == 0x200F ||
           (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

size_t text_find(const void *bytes, size_t len, bool (*wanted)(uint32_t character),
                 uint32_t *ret_character)
{
    const uint8_t *at = bytes;
    size_t place = 1;
    for (size_t i = 0, step; i < len; i += step ? step : 1, place++) {
        uint32_t character;
        step = text_decode(at + i, len - i, &character);
        if (step && wanted(character)) {
            *ret_character = character;
            return place;
        }
    }
    return 0;
}

bool text_visible_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

int text_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool text_percent_byte(const char *from, size_t len, char *ret_byte)
{
    int high = len >= 3 && from[0] == '%' ? text_hex_digit(from[1]) : -1;
    int low = high >= 0 ? text_hex_digit(from[2]) : -1;
    if (low < 0)
        return false;
    *ret_byte = (char)(high << 4 | low);
    return true;
}

size_t text_percent_decode(const char *from, size_t len, char *to)
{
    size_t decoded = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = from[i];
        if (text_percent_byte(from + i, len - i, &byte))
            i += 2;
        to[decoded++] = byte;
    }
    return decoded;
}
