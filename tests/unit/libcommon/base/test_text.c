/*
 * UTF-8 at the edges of each of its ranges, the texts that look empty, and percent-decoding.
 */
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct sample {
    const char *bytes;
    size_t len;
};

#define SAMPLE(literal)                                                                            \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct sample valid[] = {
    SAMPLE(""),
    SAMPLE("plain"),
    SAMPLE("a\0b"),
    SAMPLE("\x7f"),
    SAMPLE("\xC2\x80"),         /* U+0080, the first of two bytes */
    SAMPLE("\xDF\xBF"),         /* U+07FF */
    SAMPLE("\xE0\xA0\x80"),     /* U+0800, the first of three */
    SAMPLE("\xED\x9F\xBF"),     /* U+D7FF, the last before the surrogates */
    SAMPLE("\xEE\x80\x80"),     /* U+E000, the first after them */
    SAMPLE("\xEF\xBF\xBF"),     /* U+FFFF */
    SAMPLE("\xF0\x90\x80\x80"), /* U+10000, the first of four */
    SAMPLE("\xF4\x8F\xBF\xBF"), /* U+10FFFF, the last of all */
};

static const struct sample malformed[] = {
    SAMPLE("\x80"),                     /* a continuation alone */
    SAMPLE("\xBF"),                     /* another */
    SAMPLE("a\xC2"),                    /* cut after one of two */
    SAMPLE("\xE2\x82"),                 /* cut after two of three */
    SAMPLE("\xF0\x9F\x98"),             /* cut after three of four */
    SAMPLE("\xC2 "),                    /* no continuation */
    SAMPLE("\xE2\x82 "),                /* one too few */
    SAMPLE("\xC0\x80"),                 /* overlong NUL */
    SAMPLE("\xC1\xBF"),                 /* overlong U+007F */
    SAMPLE("\xE0\x9F\xBF"),             /* overlong U+07FF */
    SAMPLE("\xF0\x8F\xBF\xBF"),         /* overlong U+FFFF */
    SAMPLE("\xED\xA0\x80"),             /* U+D800 */
    SAMPLE("\xED\xBF\xBF"),             /* U+DFFF */
    SAMPLE("\xF4\x90\x80\x80"),         /* U+110000 */
    SAMPLE("\xF5\x80\x80\x80"),         /* far above */
    SAMPLE("\xF8\x88\x80\x80\x80"),     /* five bytes */
    SAMPLE("\xFC\x84\x80\x80\x80\x80"), /* six */
    SAMPLE("\xFE"),
    SAMPLE("ok\xFF"),
};

static const struct sample blank[] = {
    SAMPLE(""),
    SAMPLE(" \t\r\n\v\f"),
    SAMPLE("\0\x01\x1f\x7f"),
    SAMPLE("\xC2\x80\xC2\x85\xC2\x9F\xC2\xA0"),                 /* C1 controls, no-break space */
    SAMPLE("\xC2\xAD"),                                         /* soft hyphen */
    SAMPLE("\xCD\x8F"),                                         /* combining grapheme joiner */
    SAMPLE("\xD8\x9C"),                                         /* Arabic letter mark */
    SAMPLE("\xE1\x85\x9F\xE1\x85\xA0"),                         /* Hangul fillers */
    SAMPLE("\xE1\x9A\x80"),                                     /* Ogham space */
    SAMPLE("\xE1\xA0\x8B\xE1\xA0\x8E\xE1\xA0\x8F"),             /* Mongolian selectors, separator */
    SAMPLE("\xE2\x80\x80\xE2\x80\x8A\xE2\x80\x8B\xE2\x80\x8D"), /* spaces, zero-width ones */
    SAMPLE("\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\xAE\xE2\x81\xA6"), /* bidi */
    SAMPLE("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\x9F"), /* separators, thin spaces */
    SAMPLE("\xE2\x81\xA0\xE2\x81\xA4"),                         /* word joiner, invisible plus */
    SAMPLE("\xE2\xA0\x80"),                                     /* empty braille pattern */
    SAMPLE("\xE3\x80\x80"),                                     /* ideographic space */
    SAMPLE("\xE3\x85\xA4\xEF\xBE\xA0"),                         /* Hangul filler, half-width */
    SAMPLE("\xEF\xB8\x80\xEF\xB8\x8F"),                         /* variation selectors */
    SAMPLE("\xEF\xBB\xBF"),                                     /* byte order mark */
    SAMPLE("\xEF\xBF\xB9\xEF\xBF\xBB"),                         /* interlinear annotation */
    SAMPLE("\xEF\xBF\xBE\xEF\xBF\xBF\xF4\x8F\xBF\xBF"),         /* noncharacters */
    SAMPLE("\xF0\x9D\x85\xB3"),                                 /* musical begin beam */
    SAMPLE("\xF3\xA0\x80\xA0\xF3\xA0\x84\x80"), /* tag space, variation selector 17 */
};

/* Each but the first few stands right beside a range of blanks. */
static const struct sample visible[] = {
    SAMPLE("a"),
    SAMPLE("\n\t x \n"),
    SAMPLE("\0x"),
    SAMPLE("!"),
    SAMPLE("~"),
    SAMPLE("\xC2\xA1"),                 /* U+00A1 */
    SAMPLE("\xC2\xAC"),                 /* U+00AC */
    SAMPLE("\xC2\xAE"),                 /* U+00AE */
    SAMPLE("\xE1\x85\x9E"),             /* U+115E */
    SAMPLE("\xE1\x85\xA1"),             /* U+1161 */
    SAMPLE("\xE2\x80\x90"),             /* U+2010, hyphen */
    SAMPLE("\xE2\x80\xA7"),             /* U+2027 */
    SAMPLE("\xE2\x80\xB0"),             /* U+2030 */
    SAMPLE("\xE2\x81\xB0"),             /* U+2070 */
    SAMPLE("\xE2\x9F\xBF"),             /* U+27FF */
    SAMPLE("\xE2\xA0\x81"),             /* U+2801, one dot */
    SAMPLE("\xE3\x80\x81"),             /* U+3001 */
    SAMPLE("\xEF\xBF\xBD"),             /* U+FFFD */
    SAMPLE("\xF0\x9F\x98\x80"),         /* an emoji */
    SAMPLE("\xE2\x80\x8D\xE2\x98\xBA"), /* a joiner, then a mark */
    SAMPLE("\xEF\xB7\xB0"),             /* U+FDF0 */
};

START_TEST(test_text__valid_utf8_is_valid)
{
    ck_assert(text_valid_utf8(valid[_i].bytes, valid[_i].len));
}
END_TEST

START_TEST(test_text__malformed_utf8_is_invalid)
{
    ck_assert(!text_valid_utf8(malformed[_i].bytes, malformed[_i].len));
}
END_TEST

START_TEST(test_text__reads_no_byte_behind_the_length)
{
    ck_assert(!text_valid_utf8("\xE2\x82\xAC", 2));
    ck_assert(text_valid_utf8("a\xFF", 1));
}
END_TEST

START_TEST(test_text__null_is_an_empty_text)
{
    ck_assert(text_valid_utf8(NULL, 0));
    ck_assert_uint_eq(text_characters(NULL, 0), 0);
    ck_assert(!text_has_visible(NULL, 0));
}
END_TEST

START_TEST(test_text__characters_are_code_points)
{
    ck_assert_uint_eq(text_characters("abc", 3), 3);
    ck_assert_uint_eq(text_characters("a\0c", 3), 3);
    ck_assert_uint_eq(text_characters("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9), 3);
}
END_TEST

START_TEST(test_text__malformed_bytes_count_one_each)
{
    ck_assert_uint_eq(text_characters("a\xFF\xFE", 3), 3);
}
END_TEST

START_TEST(test_text__blank_has_nothing_visible)
{
    ck_assert(!text_has_visible(blank[_i].bytes, blank[_i].len));
}
END_TEST

START_TEST(test_text__visible_is_visible)
{
    ck_assert(text_has_visible(visible[_i].bytes, visible[_i].len));
}
END_TEST

START_TEST(test_text__malformed_bytes_are_not_visible)
{
    ck_assert(!text_has_visible("\xFF\xC2", 2));
}
END_TEST

START_TEST(test_text__decodes_one_character)
{
    uint32_t character = 0;
    ck_assert_uint_eq(text_decode("\xE2\x82\xAC!", 4, &character), 3);
    ck_assert_uint_eq(character, 0x20AC);
    ck_assert_uint_eq(text_decode("\xE2\x82\xAC", 2, &character), 0);
    ck_assert_uint_eq(text_decode("\xFF", 1, &character), 0);
    ck_assert_uint_eq(text_decode(NULL, 0, &character), 0);
    ck_assert_uint_eq(character, 0x20AC);
}
END_TEST

START_TEST(test_text__visible_ascii_ends_before_blanks_and_controls)
{
    ck_assert(text_visible_ascii("!azAZ09~", 8));
    ck_assert(text_visible_ascii(NULL, 0));
    for (int byte = 0; byte < 256; byte++)
        ck_assert_int_eq(text_visible_ascii((char[]){'a', (char)byte}, 2),
                         byte >= '!' && byte <= '~');
}
END_TEST

START_TEST(test_text__controls_are_c0_delete_and_c1)
{
    for (uint32_t character = 0; character < 0x200; character++)
        ck_assert_int_eq(text_is_control(character),
                         character < 0x20 || (character >= 0x7F && character < 0xA0));
}
END_TEST

START_TEST(test_text__twelve_characters_turn_direction)
{
    unsigned count = 0;
    for (uint32_t character = 0; character <= 0x10FFFF; character++)
        count += text_turns_direction(character);
    ck_assert_uint_eq(count, 12);
    static const uint32_t all[] = {0x061C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C,
                                   0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert(text_turns_direction(all[i]));
}
END_TEST

START_TEST(test_text__finds_the_first_wanted_character_and_its_place)
{
    static const char text[] = "\xF0\x9F\x98\x80\xC3\xA9\xFF\x07\x1B";
    uint32_t character = 'x';
    ck_assert_uint_eq(text_find(text, strlen(text), text_is_control, &character), 4);
    ck_assert_uint_eq(character, 7);
    ck_assert_uint_eq(text_find(text, 7, text_is_control, &character), 0);
    ck_assert_uint_eq(text_find(NULL, 0, text_is_control, &character), 0);
    ck_assert_uint_eq(character, 7);
    ck_assert_uint_eq(text_find("a\0", 2, text_is_control, &character), 2);
    ck_assert_uint_eq(character, 0);
}
END_TEST

START_TEST(test_text__hex_digits_are_of_either_case)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int byte = 1; byte < 256; byte++) {
        const char *found = strchr(digits, byte);
        long value = found ? found - digits : 0;
        char decoded = '\0';
        bool is_digit = text_percent_byte((char[]){'%', '0', (char)byte}, 3, &decoded);
        ck_assert_int_eq(is_digit, found != NULL);
        ck_assert_int_eq(decoded, value > 15 ? value - 6 : value);
    }
    char decoded;
    ck_assert(!text_percent_byte("%0", 3, &decoded));
}
END_TEST

static const struct {
    const char *encoded;
    const char *decoded;
} percents[] = {
    {"", ""},
    {"plain+text", "plain+text"},
    {"%41%6a%6A", "Ajj"},
    {"a%20b", "a b"},
    {"%", "%"},
    {"%4", "%4"},
    {"%4g%g4", "%4g%g4"},
    {"%%41", "%A"},
    {"%2541", "%41"},
    {"%C3%BC", "\xC3\xBC"},
    {"100%", "100%"},
};

START_TEST(test_text__percent_decodes_what_two_hex_digits_follow)
{
    char bytes[32] = {0};
    size_t len = strlen(percents[_i].encoded);
    memcpy(bytes, percents[_i].encoded, len);
    size_t decoded = text_percent_decode(bytes, len, bytes); /* in place */
    ck_assert_uint_eq(decoded, strlen(percents[_i].decoded));
    ck_assert_mem_eq(bytes, percents[_i].decoded, decoded);
}
END_TEST

START_TEST(test_text__percent_byte_reads_no_byte_behind_the_length)
{
    char byte = 'x';
    ck_assert(!text_percent_byte("%41", 2, &byte));
    ck_assert(!text_percent_byte(NULL, 0, &byte));
    ck_assert_int_eq(byte, 'x');
    ck_assert(text_percent_byte("%00", 3, &byte));
    ck_assert_int_eq(byte, '\0');
}
END_TEST

static Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *utf8 = tcase_create("utf8");
    tcase_add_loop_test(utf8, test_text__valid_utf8_is_valid, 0, COUNT(valid));
    tcase_add_loop_test(utf8, test_text__malformed_utf8_is_invalid, 0, COUNT(malformed));
    tcase_add_test(utf8, test_text__reads_no_byte_behind_the_length);
    tcase_add_test(utf8, test_text__null_is_an_empty_text);
    tcase_add_test(utf8, test_text__characters_are_code_points);
    tcase_add_test(utf8, test_text__malformed_bytes_count_one_each);
    suite_add_tcase(suite, utf8);
    TCase *marks = tcase_create("visible");
    tcase_add_loop_test(marks, test_text__blank_has_nothing_visible, 0, COUNT(blank));
    tcase_add_loop_test(marks, test_text__visible_is_visible, 0, COUNT(visible));
    tcase_add_test(marks, test_text__malformed_bytes_are_not_visible);
    suite_add_tcase(suite, marks);
    TCase *bytes = tcase_create("bytes");
    tcase_add_test(bytes, test_text__decodes_one_character);
    tcase_add_test(bytes, test_text__visible_ascii_ends_before_blanks_and_controls);
    tcase_add_test(bytes, test_text__controls_are_c0_delete_and_c1);
    tcase_add_test(bytes, test_text__twelve_characters_turn_direction);
    tcase_add_test(bytes, test_text__finds_the_first_wanted_character_and_its_place);
    tcase_add_test(bytes, test_text__hex_digits_are_of_either_case);
    tcase_add_loop_test(bytes, test_text__percent_decodes_what_two_hex_digits_follow, 0,
                        COUNT(percents));
    tcase_add_test(bytes, test_text__percent_byte_reads_no_byte_behind_the_length);
    suite_add_tcase(suite, bytes);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(text_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
