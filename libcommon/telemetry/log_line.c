/*
 * Renders a line of the log into a fixed buffer, so that logging allocates nothing.
 *
 * Every text is taken for hostile: paths, headers and what libraries say about them come from
 * anyone. A character goes through whole or is escaped; what would end a line, move the cursor or
 * turn the direction of writing never goes through. An escape looks alike in both forms, except
 * that JSON has none for a lone byte, which becomes U+FFFD there.
 */
#include "log_line.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Kept free for the mark of a cut line, the closing brace and the newline. */
enum { TAIL_MAX = 32, MESSAGE_COLUMN_PAD = 7 };

#define ELLIPSIS "…"

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

struct output {
    char *bytes;
    size_t len;
    size_t max;
    bool full; /* something did not fit and was left out */
};

static void put(struct output *output, const char *bytes, size_t len)
{
    if (output->full || len > output->max - output->len) {
        output->full = true;
        return;
    }
    memcpy(output->bytes + output->len, bytes, len);
    output->len += len;
}

static void put_string(struct output *output, const char *string)
{
    put(output, string, strlen(string));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct output *output,
                                                             const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_string(output, text);
}

/* Controls (C0, DEL, C1), line and paragraph separators, and what turns the direction of text. */
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

/* Writes the character at `text` into `ret_piece`, escaped where it must be; returns how many bytes
 * of `text` it took. */
static size_t escape(enum log_format format, const char *text, char ret_piece[8])
{
    uint32_t code;
    size_t taken = text_decode(text, strnlen(text, TEXT_CHARACTER_MAX), &code);
    if (!taken)
        snprintf(ret_piece, 8, format == LOG_FORMAT_JSON ? "\\ufffd" : "\\x%02x",
                 (unsigned char)text[0]);
    else if (code == '\n')
        snprintf(ret_piece, 8, "\\n");
    else if (code == '\r')
        snprintf(ret_piece, 8, "\\r");
    else if (code == '\t')
        snprintf(ret_piece, 8, "\\t");
    else if (code == '"' || code == '\\')
        snprintf(ret_piece, 8, "\\%c", (char)code);
    else if (is_unsafe(code))
        snprintf(ret_piece, 8, "\\u%04x", (unsigned)code & 0xffff);
    else
        snprintf(ret_piece, 8, "%.*s", (int)taken, text);
    return taken ? taken : 1;
}

/* At most LOG_VALUE_MAX bytes of `text`, never a part of an escape or a character. */
static void put_escaped(struct output *output, enum log_format format, const char *text)
{
    size_t end = output->len + LOG_VALUE_MAX;
    size_t cut = output->len; /* the last place with room for the ellipsis behind it */
    while (*text && !output->full) {
        char piece[8];
        text += escape(format, text, piece);
        if (output->len + strlen(piece) > end) {
            output->len = cut;
            put_string(output, ELLIPSIS);
            return;
        }
        put_string(output, piece);
        if (output->len + strlen(ELLIPSIS) <= end)
            cut = output->len;
    }
}

static void put_quoted(struct output *output, enum log_format format, const char *text)
{
    put(output, "\"", 1);
    put_escaped(output, format, text);
    put(output, "\"", 1);
}

/* Whether a text value may stand without quotes: visible ASCII that does not look like syntax. */
static bool is_bare(const char *text)
{
    size_t len = strlen(text);
    return len && len <= LOG_VALUE_MAX && text_visible_ascii(text, len) && !strpbrk(text, "\"\\=");
}

static void put_value(struct output *output, enum log_format format, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        if (format == LOG_FORMAT_TEXT && is_bare(field->text))
            put_string(output, field->text);
        else
            put_quoted(output, format, field->text);
        break;
    case LOG_FIELD_NUMBER: put_format(output, "%llu", (unsigned long long)field->number); break;
    case LOG_FIELD_DURATION:
        put_format(output, "%llu.%03u", (unsigned long long)field->number / 1000,
                   (unsigned)(field->number % 1000));
        break;
    }
}

static void put_fields(struct output *output, enum log_format format,
                       const struct log_field *fields)
{
    bool json = format == LOG_FORMAT_JSON;
    for (; fields->key; fields++) {
        if (fields->kind == LOG_FIELD_TEXT && !fields->text)
            continue;
        size_t before = output->len;
        put_string(output, json ? ",\"" : " ");
        put_string(output, fields->key);
        put_string(output, json ? "\":" : "=");
        put_value(output, format, fields);
        if (output->full) {
            output->len = before;
            break;
        }
    }
}

static void put_time(struct output *output, uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[32];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    put_format(output, "%s.%03uZ", text, (unsigned)(time_ms % 1000));
}

static void put_head(struct output *output, enum log_format format, const struct log_line *line)
{
    const char *level = level_names[line->level];
    if (format == LOG_FORMAT_TEXT) {
        put_time(output, line->time_ms);
        put_format(output, " %-*s ", MESSAGE_COLUMN_PAD, level);
        put_escaped(output, format, line->message);
        return;
    }
    put_string(output, "{\"time\":\"");
    put_time(output, line->time_ms);
    put_format(output, "\",\"level\":\"%s\",\"service\":", level);
    put_quoted(output, format, line->service);
    put_string(output, ",\"message\":");
    put_quoted(output, format, line->message);
}

size_t log_line_render(enum log_format format, const struct log_line *line,
                       char ret_bytes[LOG_LINE_MAX])
{
    struct output output = {.bytes = ret_bytes, .max = LOG_LINE_MAX - TAIL_MAX};
    bool json = format == LOG_FORMAT_JSON;
    put_head(&output, format, line);
    put_fields(&output, format, line->fields);
    bool truncated = output.full;
    output.full = false;
    output.max = LOG_LINE_MAX;
    if (truncated)
        put_string(&output, json ? ",\"truncated\":true" : " truncated=true");
    put_string(&output, json ? "}\n" : "\n");
    return output.len;
}
