/*
 * The event parser on any bytes: it must not crash, must keep to its maximum, and must report the
 * same events however the stream is cut. The first byte is the length of the pieces, the rest is
 * the stream.
 */
#include "event_parser.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 256, EVENTS_MAX = 64 * 1024 * 1024 };

static bool take(void *context, const char *name, const char *id, const char *data, size_t len)
{
    struct buffer *events = context;
    if (len > DATA_MAX || strlen(name) > EVENT_PARSER_NAME_MAX ||
        (id && strlen(id) > EVENT_PARSER_ID_MAX))
        abort();
    buffer_append_format(events, "%s|%s|%zu|", name, id ? id : "\n", len);
    buffer_append(events, data, len);
    return true;
}

/* Whether the stream was read to its end. Each piece is a copy of its own, so that the sanitizer
 * sees reads beyond it and into those that are gone. */
static bool read_in_pieces(const uint8_t *stream, size_t len, size_t piece, struct buffer *events)
{
    struct event_parser parser;
    event_parser_init(&parser, DATA_MAX, take, events);
    bool good = true;
    for (size_t at = 0; good && at < len; at += piece) {
        size_t this_len = len - at < piece ? len - at : piece;
        char *copy = malloc(this_len);
        if (!copy)
            abort();
        memcpy(copy, stream + at, this_len);
        good = event_parser_feed(&parser, copy, this_len);
        free(copy);
    }
    event_parser_reset(&parser);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct buffer whole;
    struct buffer cut;
    buffer_init(&whole, EVENTS_MAX);
    buffer_init(&cut, EVENTS_MAX);
    bool whole_good = read_in_pieces(bytes + 1, len - 1, len - 1, &whole);
    bool cut_good = read_in_pieces(bytes + 1, len - 1, (size_t)bytes[0] + 1, &cut);
    if (whole_good != cut_good || whole.len != cut.len ||
        (whole.len && memcmp(whole.data, cut.data, whole.len) != 0))
        abort();
    buffer_fini(&whole);
    buffer_fini(&cut);
    return 0;
}
