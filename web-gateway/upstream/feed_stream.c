/*
 * libcurl keeps the connection and HTTP, feed_reader understands the body; what is left for this
 * file is the answer's head, and how the two of them judge an end.
 *
 * Each request has the id of a reader who has nothing: the service then sends all messages with
 * their numbers, and the room finds out by itself which are new. Nothing has to be remembered from
 * one stream to the next.
 */
#include "feed_stream.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    /* libcurl keeps such a buffer for each stream; most of them are quiet. */
    READ_SIZE = 4 * 1024,
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
};

/* ---- what libcurl hands over ---- */

static void read_last_id(struct feed_stream *stream, const char *value)
{
    struct event_id last;
    feed_reader_set_last(&stream->reader, event_id_parse(value, &last) ? &last : NULL);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct feed_stream *stream = context;
    size_t len = size * count;
    char value[UPSTREAM_REQUEST_VALUE_SIZE];
    if (stream->answered)
        return len; /* a trailer */
    if (upstream_request_read_header(line, len, "HTTP/", value)) {
        /* What came before belongs to an interim answer. */
        feed_reader_set_last(&stream->reader, NULL);
        stream->has_limits = false;
    } else if (upstream_request_read_header(line, len, "Last-Event-ID:", value)) {
        read_last_id(stream, value);
    } else if (upstream_request_read_header(line, len, MESSAGE_LIMITS_HEADER ":", value)) {
        stream->has_limits = message_limits_parse(value, &stream->limits);
    }
    return len;
}

static bool is_event_stream(const char *type)
{
    static const char name[] = "text/event-stream";
    return type && strncasecmp(type, name, sizeof name - 1) == 0 &&
           strchr("; \t", type[sizeof name - 1]);
}

/* Looks at the answer's head, once. */
static bool check_answer(struct feed_stream *stream)
{
    long status = 0;
    char *type = NULL;
    curl_easy_getinfo(stream->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(stream->handle, CURLINFO_CONTENT_TYPE, &type);
    stream->answered = status == 200 && is_event_stream(type);
    stream->refused = status != 200;
    if (stream->refused)
        snprintf(stream->cause, sizeof stream->cause, "the message service answered %ld", status);
    else if (!stream->answered)
        snprintf(stream->cause, sizeof stream->cause, "the answer is not an event stream");
    return stream->answered;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct feed_stream *stream = context;
    size_t len = size * count;
    if (!stream->answered && !check_answer(stream))
        return CURL_WRITEFUNC_ERROR;
    uint64_t now_us = clock_monotonic_us(stream->config.clock);
    if (!feed_reader_feed(&stream->reader, bytes, len, now_us))
        return CURL_WRITEFUNC_ERROR;
    if (stream->reader.stage == FEED_READER_LIVE || stream->reader.advanced)
        stream->config.heard(stream->config.context, now_us);
    return len;
}

static void on_synced(void *context)
{
    struct feed_stream *stream = context;
    stream->config.synced(stream->config.context, stream->has_limits ? &stream->limits : NULL);
}

/* ---- its making ---- */

static bool make_request(struct feed_stream *stream)
{
    char path[UPSTREAM_REQUEST_PATH_SIZE];
    char nothing[EVENT_ID_SIZE];
    const char *room = live_room_name(stream->config.room);
    event_id_format(event_id_nothing(room), nothing);
    snprintf(path, sizeof path, "/rooms/%s/events", room);
    return upstream_request_init(&stream->request, stream->handle, stream->config.target, path,
                                 "text/event-stream") &&
           upstream_request_add_header(&stream->request, "Last-Event-ID", nothing);
}

static void set_options(struct feed_stream *stream)
{
    CURL *handle = stream->handle;
    curl_easy_setopt(handle, CURLOPT_PRIVATE, stream);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
    /* Cutting a feed whose name is being resolved must not hold up the others. */
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)stream->config.connect_timeout_ms);
    /* A connection for each stream: the next one may find another replica behind the address.
     * Without FRESH_CONNECT libcurl would search all connections for one that is free. */
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, stream);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, stream);
}

bool feed_stream_init(struct feed_stream *stream, const struct feed_stream_config *config)
{
    *stream = (struct feed_stream){.config = *config};
    feed_reader_init(&stream->reader, config->room, config->upstream_clock, on_synced, stream);
    stream->handle = curl_easy_init();
    if (!stream->handle || !make_request(stream))
        return false;
    set_options(stream);
    stream->config.target = NULL;
    return true;
}

void feed_stream_fini(struct feed_stream *stream)
{
    feed_stream_cut(stream);
    upstream_request_fini(&stream->request);
    curl_easy_cleanup(stream->handle);
    *stream = (struct feed_stream){0};
}

/* ---- its beginning and end ---- */

bool feed_stream_begin(struct feed_stream *stream, CURLM *multi)
{
    stream->answered = false;
    stream->refused = false;
    stream->has_limits = false;
    if (curl_multi_add_handle(multi, stream->handle) != CURLM_OK)
        return false;
    stream->multi = multi;
    return true;
}

void feed_stream_cut(struct feed_stream *stream)
{
    if (stream->multi)
        curl_multi_remove_handle(stream->multi, stream->handle);
    stream->multi = NULL;
    stream->cause[0] = '\0';
    feed_reader_reset(&stream->reader);
}

bool feed_stream_live(const struct feed_stream *stream)
{
    return stream->reader.stage == FEED_READER_LIVE && !stream->reader.cause[0];
}

void *feed_stream_next_done(CURLM *multi, CURLcode *ret_result)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left))) {
        char *stream = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        *ret_result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
        return ((struct feed_stream *)(void *)stream)->config.context;
    }
    return NULL;
}

/* Where a service went away libcurl's texts are about files. */
static const char *cause_of(CURLcode result)
{
    if (result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING)
        return "the connection broke off";
    return curl_easy_strerror(result);
}

bool feed_stream_ended_well(struct feed_stream *stream, CURLcode result,
                            char ret_cause[FEED_READER_CAUSE_SIZE])
{
    const char *cause = cause_of(result);
    if (feed_stream_live(stream) && (result == CURLE_OK || stream->reader.stopping))
        return true;
    if (result == CURLE_OK && (stream->answered || check_answer(stream)))
        cause = "the stream ended before it had begun";
    else if (stream->cause[0])
        cause = stream->cause;
    else if (stream->reader.cause[0])
        cause = stream->reader.cause;
    snprintf(ret_cause, FEED_READER_CAUSE_SIZE, "%s", cause);
    return false;
}
