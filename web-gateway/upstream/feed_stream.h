/*
 * One event stream from the message service: a transfer of libcurl's, again and again for the same
 * room, each from its request to its end.
 *
 * When to begin one and when to give it up is for the caller to say. Not thread-safe: for the
 * thread that runs the multi handle, but for feed_stream_init and the feed_stream_fini of one that
 * is not running.
 */
#ifndef TEMPMESSENGER_FEED_STREAM_H
#define TEMPMESSENGER_FEED_STREAM_H

#include "clock.h"
#include "feed_reader.h"
#include "message_limits.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* The strings are borrowed for the call, all else for as long as the stream is there. */
struct feed_stream_config {
    CURLM *multi;
    const char *url;   /* of the message service, no slash at the end */
    const char *token; /* for Authorization; NULL: none */
    uint64_t connect_timeout_ms;
    const struct clock *clock;
    struct live_room *room;
    struct upstream_clock *upstream_clock; /* dates the messages; NULL: nothing does */
    /* At `now_us` the stream went on: anything at all came, once the room is synchronised; before
     * that, a message that was waited for. */
    void (*heard)(void *context, uint64_t now_us);
    /* The room has been synchronised; `limits` NULL: the service did not tell them. */
    void (*synced)(void *context, const struct message_limits *limits);
    void *context;
};

struct feed_stream {
    struct feed_stream_config config;
    CURL *handle;
    struct curl_slist *headers;
    bool running;  /* the handle is with the multi handle */
    bool answered; /* the answer's head was as it should be, and its body has begun */
    bool has_limits;
    struct message_limits limits;
    char cause[FEED_READER_CAUSE_SIZE]; /* why the answer is refused; empty: it is not */
    struct feed_reader reader;
};

/* False when out of memory; it is then to be given to feed_stream_fini. It must not be moved. */
bool feed_stream_init(struct feed_stream *stream, const struct feed_stream_config *config);

/* Takes a zeroed one. */
void feed_stream_fini(struct feed_stream *stream);

/* Asks for the stream. False when out of memory. */
bool feed_stream_begin(struct feed_stream *stream) __attribute__((warn_unused_result));

/* Ends it, whatever state it is in; does nothing where there is none. */
void feed_stream_cut(struct feed_stream *stream);

/* Whether the room has been synchronised by this stream, and nothing was wrong with it since. */
bool feed_stream_live(const struct feed_stream *stream);

/* The context of the next stream with which libcurl is done, and how it ended; NULL: there is none.
 * What came of it is then to be asked, and it is to be cut. */
void *feed_stream_next_done(CURLM *multi, CURLcode *ret_result);

/* Whether the stream, which has ended so, came to a good end. If not, *ret_cause is why. */
bool feed_stream_ended_well(struct feed_stream *stream, CURLcode result,
                            char ret_cause[FEED_READER_CAUSE_SIZE]);

#endif
