/*
 * Lines are cut where the standard says (LF, CR, or both), fields are read line by line, and an
 * empty line ends an event.
 *
 * Most events come whole in one piece, with one line of data, which is handed on where it lies.
 * Only what must outlive the piece is copied: the beginning of a line, or the data of an event
 * whose empty line has not come. A long line that came in many pieces (a snapshot) is gathered in
 * `line`, which then swaps places with `data`.
 */
#include "event_parser.h"

#include <stdint.h>
#include <string.h>

/* What is kept of a buffer's memory from one event to the next. */
enum { KEEP_MAX = 64 * 1024 };

/* What may stand before the data in its line. */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define DATA_FIELD "data:"
enum {
    BYTE_ORDER_MARK_LEN = sizeof BYTE_ORDER_MARK - 1,
    DATA_FIELD_LEN = sizeof DATA_FIELD - 1,
    DATA_PREFIX_MAX = BYTE_ORDER_MARK_LEN + DATA_FIELD_LEN + 1,
};

/* Where the next LF and CR of a piece are, so that each byte is looked at once for each. */
struct piece {
    const char *at;
    const char *end;
    const char *lf; /* valid if not before `at`; `end`: there is none */
    const char *cr;
};

void event_parser_init(struct event_parser *parser, size_t data_max, event_parser_take *take,
                       void *context)
{
    size_t held_max = data_max + DATA_PREFIX_MAX;
    if (held_max < EVENT_PARSER_LINE_MAX)
        held_max = EVENT_PARSER_LINE_MAX;
    *parser = (struct event_parser){.take = take, .context = context, .data_max = data_max};
    buffer_init(&parser->line, held_max);
    buffer_init(&parser->data, held_max);
}

void event_parser_reset(struct event_parser *parser)
{
    buffer_fini(&parser->line);
    buffer_fini(&parser->data);
    event_parser_init(parser, parser->data_max, parser->take, parser->context);
}

/* Empties `buffer`, and gives back its memory where that was for something large. */
static void forget(struct buffer *buffer)
{
    if (buffer->capacity > KEEP_MAX)
        buffer_fini(buffer);
    else
        buffer_clear(buffer);
}

/* ---- an event ---- */

static void append_data(struct event_parser *parser, const char *bytes, size_t len)
{
    buffer_append(&parser->data, bytes, len);
    if (parser->data.failed)
        parser->failed = true;
}

/* Copies the data that lies in the piece, which is about to go. */
static void keep_span(struct event_parser *parser)
{
    if (!parser->span)
        return;
    parser->data_start = 0;
    append_data(parser, parser->span, parser->span_len);
    parser->span = NULL;
}

static void add_first_data(struct event_parser *parser, const char *value, size_t len)
{
    parser->has_data = true;
    if (len > parser->data_max) {
        parser->failed = true;
    } else if (parser->line.len) {
        struct buffer empty = parser->data;
        parser->data = parser->line;
        parser->line = empty;
        parser->data_start = (size_t)(value - parser->data.data);
    } else {
        parser->span = value;
        parser->span_len = len;
    }
}

static void add_data(struct event_parser *parser, const char *value, size_t len)
{
    if (!parser->has_data) {
        add_first_data(parser, value, len);
        return;
    }
    keep_span(parser);
    if (parser->failed || len >= parser->data_max - (parser->data.len - parser->data_start)) {
        parser->failed = true;
        return;
    }
    append_data(parser, "\n", 1);
    append_data(parser, value, len);
}

/* Copies a value that has its place in the struct. */
static bool copy_value(char *to, size_t max, const char *value, size_t len)
{
    if (len > max || memchr(value, '\0', len))
        return false;
    memcpy(to, value, len);
    to[len] = '\0';
    return true;
}

static void set_id(struct event_parser *parser, const char *value, size_t len)
{
    if (memchr(value, '\0', len))
        return;
    parser->has_id = copy_value(parser->id, EVENT_PARSER_ID_MAX, value, len);
    if (!parser->has_id)
        parser->failed = true;
}

static void set_name(struct event_parser *parser, const char *value, size_t len)
{
    if (!copy_value(parser->name, EVENT_PARSER_NAME_MAX, value, len))
        parser->failed = true;
}

/* An empty line: hands on the event, if there is data, and begins the next. */
static void end_event(struct event_parser *parser)
{
    if (parser->has_data) {
        const char *data = parser->span ? parser->span : parser->data.data + parser->data_start;
        size_t len = parser->span ? parser->span_len : parser->data.len - parser->data_start;
        if (!parser->take(parser->context, parser->name[0] ? parser->name : "message",
                          parser->has_id ? parser->id : NULL, data, len))
            parser->failed = true;
    }
    forget(&parser->data);
    parser->data_start = 0;
    parser->span = NULL;
    parser->has_data = false;
    parser->has_id = false;
    parser->name[0] = '\0';
}

/* ---- a line ---- */

static bool is_field(const char *field, size_t field_len, const char *line, size_t len)
{
    return len == field_len && memcmp(line, field, len) == 0;
}

/* A line that is not empty. One that begins with a colon is a comment. */
static void read_field(struct event_parser *parser, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    const char *value = colon ? colon + 1 : line + len;
    const char *end = line + len;
    if (value < end && *value == ' ')
        value++;
    size_t value_len = (size_t)(end - value);
    if (is_field("data", 4, line, name_len))
        add_data(parser, value, value_len);
    else if (is_field("id", 2, line, name_len))
        set_id(parser, value, value_len);
    else if (is_field("event", 5, line, name_len))
        set_name(parser, value, value_len);
}

/* The length of the byte order mark that the stream may begin with. */
static size_t mark_len(const struct event_parser *parser, const char *line, size_t len)
{
    bool marked = !parser->begun && len >= BYTE_ORDER_MARK_LEN &&
                  memcmp(line, BYTE_ORDER_MARK, BYTE_ORDER_MARK_LEN) == 0;
    return marked ? BYTE_ORDER_MARK_LEN : 0;
}

/* Whether a line, or its beginning, is not too long for what it is. */
static bool line_fits(const struct event_parser *parser, const char *line, size_t len)
{
    if (len <= EVENT_PARSER_LINE_MAX)
        return true;
    size_t mark = mark_len(parser, line, len);
    return memcmp(line + mark, DATA_FIELD, DATA_FIELD_LEN) == 0;
}

static void read_line(struct event_parser *parser, const char *line, size_t len)
{
    if (!line_fits(parser, line, len)) {
        parser->failed = true;
        return;
    }
    size_t mark = mark_len(parser, line, len);
    parser->begun = true;
    if (len == mark)
        end_event(parser);
    else
        read_field(parser, line + mark, len - mark);
}

/* Keeps the beginning of a line, or more of it. */
static void keep_line(struct event_parser *parser, const char *bytes, size_t len)
{
    buffer_append(&parser->line, bytes, len);
    if (parser->line.failed || !line_fits(parser, parser->line.data, parser->line.len))
        parser->failed = true;
}

static void end_line(struct event_parser *parser, const char *bytes, size_t len)
{
    if (!parser->line.len) {
        read_line(parser, bytes, len);
        return;
    }
    keep_line(parser, bytes, len);
    if (!parser->failed)
        read_line(parser, parser->line.data, parser->line.len);
    forget(&parser->line);
}

/* ---- a piece ---- */

static const char *find(const char *at, const char *end, char byte)
{
    const char *found = memchr(at, byte, (size_t)(end - at));
    return found ? found : end;
}

/* Where the line at `at` ends; the piece's end if it does not. */
static const char *find_line_end(struct piece *piece)
{
    if (!piece->lf || piece->lf < piece->at)
        piece->lf = find(piece->at, piece->end, '\n');
    if (!piece->cr || piece->cr < piece->at)
        piece->cr = find(piece->at, piece->end, '\r');
    return piece->lf < piece->cr ? piece->lf : piece->cr;
}

/* The LF of a CR LF belongs to the line before, even if it comes in the next piece. */
static void skip_lf(struct event_parser *parser, struct piece *piece)
{
    if (parser->skip_lf && *piece->at == '\n')
        piece->at++;
    parser->skip_lf = false;
}

bool event_parser_feed(struct event_parser *parser, const char *bytes, size_t len)
{
    if (parser->failed)
        return false;
    if (!len)
        return true;
    struct piece piece = {.at = bytes, .end = bytes + len};
    skip_lf(parser, &piece);
    while (!parser->failed && piece.at < piece.end) {
        const char *end = find_line_end(&piece);
        size_t line_len = (size_t)(end - piece.at);
        if (end == piece.end) {
            keep_line(parser, piece.at, line_len);
            break;
        }
        end_line(parser, piece.at, line_len);
        piece.at = end + 1;
        parser->skip_lf = *end == '\r';
        if (piece.at < piece.end)
            skip_lf(parser, &piece);
    }
    keep_span(parser);
    return !parser->failed;
}
