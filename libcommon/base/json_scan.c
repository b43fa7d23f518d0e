/*
 * A parser builds a value for each `1,` of a body, and each costs a hundred times the two bytes
 * that it took to send. So this one builds nothing: brackets are a stack of the objects and arrays
 * that are open, strings and numbers are stepped over, and the names of members are kept as hashes
 * in one table, since a name may stand only once in its object.
 *
 * The hash is SipHash-1-3 under a key that nobody knows: whoever could choose names that fall into
 * one place of the table could make it slow. Names of one 64-bit hash count as the same.
 *
 * What the members mean is the caller's: draft.c has the rules.
 */
#include "json_scan.h"

#include "text.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistr.h>

enum { TABLE_FIRST = 64 };

/* An object or array that is open. */
struct level {
    uint32_t object; /* its number, or 0 for an array */
    bool begun;      /* something stands in it */
};

struct scanner {
    const char *json, *at, *end;
    struct json_scan_member *members;
    size_t member_count;
    uint32_t objects; /* so far */
    size_t depth;
    const char *fault;   /* NULL: out of memory */
    char *name;          /* room to decode a name in */
    uint64_t *hashes;    /* of names; 0: free */
    size_t size, hashed; /* places, a power of two, and how many are taken */
    struct level levels[JSON_SCAN_DEPTH_MAX];
};

static bool fail(struct scanner *scanner, const char *fault)
{
    scanner->fault = scanner->at == scanner->end ? "ends too early" : fault;
    return false;
}

/* ---- names that are known ---- */

static uint64_t hash_key[2];

static void make_hash_key(void)
{
    /* With none, which a running kernel does not do, the table is only easier to guess. */
    if (getrandom(hash_key, sizeof hash_key, GRND_NONBLOCK) != sizeof hash_key)
        hash_key[0] ^= (uintptr_t)&hash_key;
}

static uint64_t rotate(uint64_t bits, unsigned by)
{
    return bits << by | bits >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* Of a name in the object of this number; never 0. */
static uint64_t hash_name(uint32_t object, const char *name, size_t len)
{
    uint64_t v[4] = {hash_key[0] ^ 0x736f6d6570736575u, hash_key[1] ^ 0x646f72616e646f6du,
                     hash_key[0] ^ 0x6c7967656e657261u, hash_key[1] ^ 0x7465646279746573u};
    uint64_t word;
    sip_word(v, object);
    for (; len >= sizeof word; name += sizeof word, len -= sizeof word) {
        memcpy(&word, name, sizeof word);
        sip_word(v, word);
    }
    word = (uint64_t)len << 56;
    memcpy(&word, name, len);
    sip_word(v, word);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    uint64_t hash = v[0] ^ v[1] ^ v[2] ^ v[3];
    return hash ? hash : 1;
}

/* The place of `hash`, or the free one where it belongs. */
static uint64_t *place_of(uint64_t *hashes, size_t size, uint64_t hash)
{
    size_t i = hash & (size - 1);
    while (hashes[i] && hashes[i] != hash)
        i = (i + 1) & (size - 1);
    return &hashes[i];
}

static bool grow_table(struct scanner *scanner)
{
    size_t size = scanner->size ? 4 * scanner->size : TABLE_FIRST;
    uint64_t *hashes = calloc(size, sizeof *hashes);
    if (!hashes)
        return false;
    for (size_t i = 0; i < scanner->size; i++)
        if (scanner->hashes[i])
            *place_of(hashes, size, scanner->hashes[i]) = scanner->hashes[i];
    free(scanner->hashes);
    scanner->hashes = hashes;
    scanner->size = size;
    return true;
}

/* Remembers a name of the innermost object. */
static bool add_name(struct scanner *scanner, const char *name, size_t len)
{
    if (2 * scanner->hashed >= scanner->size && !grow_table(scanner))
        return false;
    uint64_t hash = hash_name(scanner->levels[scanner->depth - 1].object, name, len);
    uint64_t *place = place_of(scanner->hashes, scanner->size, hash);
    if (*place)
        return fail(scanner, "duplicate member");
    *place = hash;
    scanner->hashed++;
    return true;
}

/* ---- strings ---- */

/* Reads the four hex digits of \uXXXX at the front; -1 if it is not there. */
static int32_t read_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = text_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high_surrogate(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Reads the escape at the front; returns its length, or 0 if it is none. */
static size_t read_escape(const char *at, const char *end, uint32_t *ret_character)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = end - at >= 2 && at[1] ? strchr(letters, at[1]) : NULL;
    if (letter) {
        *ret_character = (uint32_t)meanings[letter - letters];
        return 2;
    }
    int32_t unit = read_unit(at, end);
    *ret_character = (uint32_t)unit;
    if (unit < 0 || is_low_surrogate(unit))
        return 0;
    if (!is_high_surrogate(unit))
        return 6;
    int32_t low = read_unit(at + 6, end);
    *ret_character = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    return is_low_surrogate(low) ? 12 : 0;
}

/* Steps over the string that begins here; whether any of it is escaped is in *ret_escaped. */
static bool skip_string(struct scanner *scanner, bool *ret_escaped)
{
    *ret_escaped = false;
    for (scanner->at++; scanner->at < scanner->end;) {
        unsigned char byte = (unsigned char)*scanner->at;
        uint32_t character;
        size_t step = 1;
        if (byte == '"') {
            scanner->at++;
            return true;
        }
        if (byte == '\\') {
            *ret_escaped = true;
            step = read_escape(scanner->at, scanner->end, &character);
        }
        if (byte < ' ' || !step)
            return fail(scanner, "not JSON");
        scanner->at += step;
    }
    return fail(scanner, "not JSON");
}

/* Decodes what stands between the quotes of a string that was checked. */
static size_t decode(const char *from, size_t len, char *to)
{
    const char *end = from + len;
    char *start = to;
    while (from < end) {
        uint32_t character;
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from += read_escape(from, end, &character);
        to += u8_uctomb((uint8_t *)to, character, TEXT_CHARACTER_MAX);
    }
    return (size_t)(to - start);
}

/* ---- the rest ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct scanner *scanner)
{
    while (scanner->at < scanner->end && is_blank(*scanner->at))
        scanner->at++;
}

/* Takes this byte, if it is the next. */
static bool take(struct scanner *scanner, char byte)
{
    if (scanner->at == scanner->end || *scanner->at != byte)
        return false;
    scanner->at++;
    return true;
}

static bool take_digits(struct scanner *scanner)
{
    const char *begin = scanner->at;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
        scanner->at++;
    return scanner->at > begin;
}

static bool skip_number(struct scanner *scanner)
{
    take(scanner, '-');
    bool good = take(scanner, '0') || take_digits(scanner);
    if (good && take(scanner, '.'))
        good = take_digits(scanner);
    if (good && (take(scanner, 'e') || take(scanner, 'E'))) {
        if (!take(scanner, '+'))
            take(scanner, '-');
        good = take_digits(scanner);
    }
    return good || fail(scanner, "not JSON");
}

static bool skip_word(struct scanner *scanner)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(scanner->end - scanner->at) >= len &&
            memcmp(scanner->at, words[i], len) == 0) {
            scanner->at += len;
            return true;
        }
    }
    return fail(scanner, "not JSON");
}

static bool open_level(struct scanner *scanner)
{
    if (scanner->depth == JSON_SCAN_DEPTH_MAX)
        return fail(scanner, "nested too deep");
    scanner->levels[scanner->depth++] =
        (struct level){.object = *scanner->at == '{' ? ++scanner->objects : 0};
    scanner->at++;
    return true;
}

/* Steps over a value, or into it. */
static bool read_value(struct scanner *scanner)
{
    bool escaped;
    switch (scanner->at < scanner->end ? *scanner->at : '\0') {
    case '{':
    case '[': return open_level(scanner);
    case '"': return skip_string(scanner, &escaped);
    case 't':
    case 'f':
    case 'n': return skip_word(scanner);
    default: return skip_number(scanner);
    }
}

/* Reads a member's name and the colon. *ret_member is the one of that name to be found, or NULL. */
static bool read_name(struct scanner *scanner, struct json_scan_member **ret_member)
{
    bool escaped;
    if (scanner->at == scanner->end || *scanner->at != '"')
        return fail(scanner, "not JSON");
    const char *name = scanner->at + 1;
    if (!skip_string(scanner, &escaped))
        return false;
    size_t len = (size_t)(scanner->at - 1 - name);
    if (escaped) {
        if (!scanner->name)
            scanner->name = malloc((size_t)(scanner->end - scanner->json));
        if (!scanner->name)
            return false;
        len = decode(name, len, scanner->name);
        name = scanner->name;
        if (memchr(name, '\0', len))
            return fail(scanner, "NUL in a member's name");
    }
    *ret_member = NULL;
    for (size_t i = 0; scanner->depth == 1 && i < scanner->member_count; i++)
        if (strlen(scanner->members[i].name) == len &&
            memcmp(scanner->members[i].name, name, len) == 0)
            *ret_member = &scanner->members[i];
    if (!add_name(scanner, name, len))
        return false;
    skip_blanks(scanner);
    return take(scanner, ':') || fail(scanner, "not JSON");
}

/* Reads what comes next in the innermost object or array: its end, or something in it. */
static bool step(struct scanner *scanner)
{
    struct level *level = &scanner->levels[scanner->depth - 1];
    struct json_scan_member *member = NULL;
    skip_blanks(scanner);
    if (take(scanner, level->object ? '}' : ']')) {
        scanner->depth--;
        return true;
    }
    if (level->begun && !take(scanner, ','))
        return fail(scanner, "not JSON");
    level->begun = true;
    skip_blanks(scanner);
    if (level->object && !read_name(scanner, &member))
        return false;
    skip_blanks(scanner);
    const char *value = scanner->at;
    if (!read_value(scanner))
        return false;
    if (member) {
        member->value = value;
        member->len = (size_t)(scanner->at - value);
    }
    return true;
}

static bool read_object(struct scanner *scanner)
{
    size_t len = (size_t)(scanner->end - scanner->json);
    const uint8_t *broken = len ? u8_check((const uint8_t *)scanner->json, len) : NULL;
    if (broken) {
        scanner->at = (const char *)broken;
        return fail(scanner, "invalid UTF-8");
    }
    skip_blanks(scanner);
    if (scanner->at == scanner->end || *scanner->at != '{')
        return fail(scanner, "not a JSON object");
    bool good = open_level(scanner);
    while (good && scanner->depth)
        good = step(scanner);
    if (!good)
        return false;
    skip_blanks(scanner);
    return scanner->at == scanner->end || fail(scanner, "more after the end");
}

enum error_code json_scan_object(const char *json, size_t len, struct json_scan_member members[],
                                 size_t count, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, make_hash_key))
        return ERROR_INTERNAL;
    struct scanner scanner; /* without its levels: they are set when they are opened */
    memset(&scanner, 0, offsetof(struct scanner, levels));
    scanner.json = scanner.at = len ? json : "";
    scanner.end = scanner.json + len;
    scanner.members = members;
    scanner.member_count = count;
    for (size_t i = 0; i < count; i++)
        members[i].value = NULL;
    bool good = read_object(&scanner);
    free(scanner.name);
    free(scanner.hashes);
    if (good)
        return ERROR_NONE;
    if (!scanner.fault)
        return error_because(err, ERROR_INTERNAL, "out of memory for the JSON of a body");
    return error_because(err, ERROR_INVALID_JSON, "the body: %s at byte %zu", scanner.fault,
                         (size_t)(scanner.at - scanner.json));
}

bool json_scan_is_string(const struct json_scan_member *member)
{
    return member->value && member->value[0] == '"';
}

bool json_scan_is_number(const struct json_scan_member *member)
{
    return member->value &&
           (member->value[0] == '-' || (member->value[0] >= '0' && member->value[0] <= '9'));
}

size_t json_scan_decode(const struct json_scan_member *member, char *to)
{
    return decode(member->value + 1, member->len - 2, to);
}

bool json_scan_number_alone(const char *text, size_t len)
{
    struct scanner scanner;
    memset(&scanner, 0, offsetof(struct scanner, levels));
    scanner.json = scanner.at = text;
    scanner.end = text + len;
    skip_blanks(&scanner);
    if (!skip_number(&scanner))
        return false;
    skip_blanks(&scanner);
    return scanner.at == scanner.end;
}
