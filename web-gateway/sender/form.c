/*
 * One pass over the body. Names are compared as they are decoded, and only the value of the field
 * is copied. The caller, who knows the field, checks the value.
 *
 * The URL standard's parser goes on to decode UTF-8 with replacement characters. This one does not:
 * a message is stored exactly as sent or refused, never mended.
 */
#include "form.h"

#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that are left to read. */
struct reader {
    const char *at, *end;
};

/* Takes and decodes the next byte; there is one. */
static char next_byte(struct reader *reader)
{
    char byte = *reader->at;
    bool encoded = text_percent_byte(reader->at, (size_t)(reader->end - reader->at), &byte);
    reader->at += encoded ? 3 : 1;
    if (byte == '+' && !encoded)
        byte = ' ';
    return byte;
}

/* Takes the bytes before the next `separator`, and the separator; all bytes if there is none. */
static struct reader split_off(struct reader *reader, char separator)
{
    struct reader part = *reader;
    const char *found =
        part.at < part.end ? memchr(part.at, separator, (size_t)(part.end - part.at)) : NULL;
    reader->at = found ? found + 1 : part.end;
    if (found)
        part.end = found;
    return part;
}

static bool decodes_to(struct reader encoded, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (encoded.at == encoded.end || next_byte(&encoded) != name[i])
            return false;
    return encoded.at == encoded.end;
}

static enum error_code decode(struct reader encoded, char **ret_value, size_t *ret_len)
{
    size_t len = 0;
    char *value = malloc((size_t)(encoded.end - encoded.at) + 1); /* decoding never grows */
    if (!value)
        return ERROR_INTERNAL;
    while (encoded.at < encoded.end)
        value[len++] = next_byte(&encoded);
    value[len] = '\0';
    *ret_value = value;
    *ret_len = len;
    return ERROR_NONE;
}

enum error_code form_field(const char *body, size_t len, const char *name, char **ret_value,
                           size_t *ret_len)
{
    struct reader reader = {body, len ? body + len : body};
    unsigned count = 0;
    while (reader.at < reader.end) {
        struct reader value = split_off(&reader, '&');
        if (value.at == value.end)
            continue; /* an empty piece between two & is no field */
        if (count++ == FORM_FIELDS_MAX)
            return ERROR_TOO_LARGE;
        struct reader field_name = split_off(&value, '=');
        if (decodes_to(field_name, name))
            return decode(value, ret_value, ret_len);
    }
    *ret_value = NULL;
    *ret_len = 0;
    return ERROR_NONE;
}
