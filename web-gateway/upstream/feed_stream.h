/*
 * One event stream from the message service: a transfer of libcurl's, begun again and again for
 * the same room, each from its request to its end.
 *
 * When to begin a stream and when to give it up is the caller's to decide. Not thread-safe: for
 * the thread that runs the multi handle, except feed_stream_init, and feed_stream_fini of a stream
 * that is not running.
 */
#ifndef TEMPMESSENGER_FEED_STREAM_H
#define TEMPMESSENGER_FEED_STREAM_H

#include "clock.h"
#include "feed_reader.h"
#include "message_limits.h"
#include "upstream_request.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* The target is borrowed for the call, all else for the stream's life. */
struct feed_stream_config {
    const struct upstream_request_target *target;
    uint64_t connect_timeout_ms;
    const struct clock *clock;
    struct live_room *room;
    struct upstream_clock *upstream_clock; /* dates the messages; NULL: nothing does */
    /* At `now_us` the stream went on: anything at all came, once the room is synchronised; before
     * that, a message that `resumed` promised. */
    void (*heard)(void *context, uint64_t now_us);
    /* The room has been synchronised; `limits` NULL: the service did not send them. */
    void (*synced)(void *context, const struct message_limits *limits);
    void *context;
};

struct feed_stream {
    struct feed_stream_config config;
    CURL *handle;
    struct upstream_request request;
    CURLM *multi;  /* the one that runs the stream; NULL: it is not running */
    bool answered; /* the answer's head was as it should be, and its body has begun */
    bool refused;  /* for reading: the service answered with another status than 200 */
    bool has_limits;
    struct message_limits limits;
    char cause[FEED_READER_CAUSE_SIZE]; /* why the answer is refused; empty: it is not */
    struct feed_reader reader;
};

/* False when out of memory; the stream is then to be given to feed_stream_fini. It must not be
 * moved. */
bool feed_stream_init(struct feed_stream *stream, const struct feed_stream_config *config)
    __attribute__((warn_unused_result));

/* Takes a zeroed one. */
void feed_stream_fini(struct feed_stream *stream);

/* Asks for the stream, which `multi` then runs. False when out of memory, or where it is NULL. */
bool feed_stream_begin(struct feed_stream *stream, CURLM *multi)
    __attribute__((warn_unused_result));

/* Ends the stream, whatever state it is in; does nothing where there is none. */
void feed_stream_cut(struct feed_stream *stream);

/* Whether this stream has synchronised the room, and nothing was wrong with it since. */
bool feed_stream_live(const struct feed_stream *stream);

/* The context of the next stream that `multi` has finished, and its result; NULL: there is none.
 * The caller then asks how the stream ended, and cuts it. */
void *feed_stream_next_done(CURLM *multi, CURLcode *ret_result);

/* Whether the stream, which libcurl has finished with `result`, came to a good end. If not,
 * *ret_cause says why. */
bool feed_stream_ended_well(struct feed_stream *stream, CURLcode result,
                            char ret_cause[FEED_READER_CAUSE_SIZE]);

#endif
