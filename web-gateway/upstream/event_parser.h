/*
 * Reads a stream of server-sent events (the HTML standard's "event stream"), piece by piece as it
 * comes from the network.
 *
 * Bytes are handed on as they came: whoever reads the data checks whether they are UTF-8. What a
 * browser would remember beyond an event (the last id, the retry time) is not kept.
 * Not thread-safe.
 */
#ifndef TEMPMESSENGER_EVENT_PARSER_H
#define TEMPMESSENGER_EVENT_PARSER_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    EVENT_PARSER_NAME_MAX = 64,
    EVENT_PARSER_ID_MAX = 128,
    EVENT_PARSER_LINE_MAX = 8 * 1024, /* of a line that is not data */
};

/* An event's data at its longest: the snapshot of a full room of long messages. */
#define EVENT_PARSER_DATA_MAX ((size_t)256 * 1024 * 1024)

/* Takes one event: its name ("message" where it has none), its own id or NULL where it carried
 * none, its data with the lines joined by LF. All is borrowed for the call, and `data` has no NUL
 * behind it. False: the parser is to fail. */
typedef bool event_parser_take(void *context, const char *name, const char *id, const char *data,
                               size_t len);

struct event_parser {
    event_parser_take *take;
    void *context;
    size_t data_max;
    struct buffer line; /* the beginning of a line whose end has not come yet */
    struct buffer data; /* the event's data, from `data_start` on */
    size_t data_start;
    const char *span; /* instead of `data`: the one data line, where it lies in the piece */
    size_t span_len;
    bool begun;   /* the first line, which may have a byte order mark, is over */
    bool skip_lf; /* the last line ended with CR: an LF now is a part of that end */
    bool has_data;
    bool has_id;
    bool failed;
    char name[EVENT_PARSER_NAME_MAX + 1];
    char id[EVENT_PARSER_ID_MAX + 1];
};

/* A parser at the beginning of a stream, for events of at most `data_max` bytes of data. Allocates
 * nothing. */
void event_parser_init(struct event_parser *parser, size_t data_max, event_parser_take *take,
                       void *context);

/* Frees what it holds; the parser is then as after event_parser_init. */
void event_parser_reset(struct event_parser *parser);

/* The next piece; calls `take` for each event that it completes. False, now and for ever, where
 * `take` said so, something was over its maximum, a name had a NUL or there was no memory. `take`
 * must not touch the parser. */
bool event_parser_feed(struct event_parser *parser, const char *bytes, size_t len)
    __attribute__((warn_unused_result));

#endif
