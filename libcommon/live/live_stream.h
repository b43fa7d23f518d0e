/*
 * A room's event stream to one reader.
 */
#ifndef TEMPMESSENGER_LIVE_STREAM_H
#define TEMPMESSENGER_LIVE_STREAM_H

#include "error.h"
#include "http_exchange.h"
#include "live_room.h"
#include "stream_loops.h"

#include <stdbool.h>
#include <stddef.h>

/* What a reader asks for. */
struct live_stream_wish {
    const char *last_event_id; /* NULL, or not an id: a new reader */
    size_t newest;             /* at most so many messages in its snapshot; 0: all */
    /* Called once with `client`, if that is not NULL: when the stream ends, or is not opened. */
    void (*closed)(void *client);
    void *client;
};

/*
 * Answers with the room's event stream. It begins when the room is synchronised; until then it
 * carries comments.
 * UNAVAILABLE where there are as many streams as there may be, or the service is stopping; INTERNAL
 * when out of memory, or where the room was.
 */
enum error_code live_stream_open(struct live_room *room, struct http_exchange *exchange,
                                 const struct live_stream_wish *wish,
                                 struct error *err) ERROR_MUST_USE;

/*
 * Answers with an event stream that ends at once, for clients that give up for good on any status
 * but 200 (EventSource of the HTML standard): `stopping`, or `full` with the time after which to
 * try again.
 */
enum error_code live_stream_refuse(struct http_exchange *exchange, bool stopping,
                                   unsigned retry_after_s);

/* What a room's source of streams does. */
extern const struct stream_source_ops live_stream_ops;

#endif
