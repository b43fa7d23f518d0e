/*
 * libcurl keeps the connection and HTTP, feed_reader understands the body; what is ours is the
 * request, the answer's head and how the two of them judge an end.
 *
 * Every stream is asked for with the id of one who has nothing: the service then sends all messages
 * with their numbers, and the room finds out by itself what is new. Nothing has to be remembered
 * from one stream to the next.
 */
#include "feed_stream.h"
#include "service_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    URL_SIZE = SERVICE_URL_MAX + 128, /* the longest path behind it is that of a room */
    HEADER_SIZE = 640,                /* of one that is sent */
    VALUE_SIZE = 512,                 /* of one that is read */
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
};

/* ---- what libcurl hands over ---- */

/* Whether `line`, a header's, has this name (with the colon); then ret_value is what follows, without
 * the space around it. One that is too long is as if it were empty. */
static bool header_is(const char *line, size_t len, const char *name, char ret_value[VALUE_SIZE])
{
    size_t name_len = strlen(name);
    if (len < name_len || strncasecmp(line, name, name_len) != 0)
        return false;
    const char *value = line + name_len;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (value < end && strchr(" \t\r\n", end[-1]))
        end--;
    size_t value_len = end - value < VALUE_SIZE ? (size_t)(end - value) : 0;
    memcpy(ret_value, value, value_len);
    ret_value[value_len] = '\0';
    return true;
}

static void read_last_id(struct feed_stream *stream, const char *value)
{
    struct event_id last;
    feed_reader_set_last(&stream->reader, event_id_parse(value, &last) ? &last : NULL);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct feed_stream *stream = context;
    size_t len = size * count;
    char value[VALUE_SIZE];
    if (stream->answered)
        return len; /* a trailer */
    if (header_is(line, len, "HTTP/", value)) {
        /* What came before was of an interim answer. */
        feed_reader_set_last(&stream->reader, NULL);
        stream->has_limits = false;
    } else if (header_is(line, len, "Last-Event-ID:", value)) {
        read_last_id(stream, value);
    } else if (header_is(line, len, MESSAGE_LIMITS_HEADER ":", value)) {
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
    if (status != 200)
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

static bool add_header(struct feed_stream *stream, const char *name, const char *value)
{
    char line[HEADER_SIZE];
    int len = snprintf(line, sizeof line, "%s%s", name, value);
    struct curl_slist *longer =
        len > 0 && (size_t)len < sizeof line ? curl_slist_append(stream->headers, line) : NULL;
    if (longer)
        stream->headers = longer;
    return longer != NULL;
}

static bool make_headers(struct feed_stream *stream)
{
    char nothing[EVENT_ID_SIZE];
    const char *token = stream->config.token;
    event_id_format(event_id_nothing(live_room_name(stream->config.room)), nothing);
    return add_header(stream, "Accept: ", "text/event-stream") &&
           add_header(stream, "Last-Event-ID: ", nothing) &&
           (!token || add_header(stream, "Authorization: Bearer ", token));
}

/* The texts among the options. Without its empty one a proxy of the environment's would be asked, and
 * told the token. False when out of memory, or where the URL is too long. */
static bool set_texts(struct feed_stream *stream)
{
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "%s/rooms/%s/events", stream->config.url,
                       live_room_name(stream->config.room));
    return len > 0 && (size_t)len < sizeof url &&
           curl_easy_setopt(stream->handle, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(stream->handle, CURLOPT_PROXY, "") == CURLE_OK;
}

static void set_options(struct feed_stream *stream)
{
    CURL *handle = stream->handle;
    curl_easy_setopt(handle, CURLOPT_PRIVATE, stream);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, stream->headers);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    /* A name that is being looked up must not hold up the other feeds when this one is cut. */
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)stream->config.connect_timeout_ms);
    /* A connection for each stream: the next one may find another replica behind the address. */
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
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
    if (!stream->handle || !make_headers(stream) || !set_texts(stream))
        return false;
    set_options(stream);
    stream->config.url = stream->config.token = NULL;
    return true;
}

void feed_stream_fini(struct feed_stream *stream)
{
    feed_stream_cut(stream);
    curl_easy_cleanup(stream->handle);
    curl_slist_free_all(stream->headers);
    *stream = (struct feed_stream){0};
}

/* ---- its beginning and end ---- */

bool feed_stream_begin(struct feed_stream *stream)
{
    stream->answered = false;
    stream->has_limits = false;
    stream->running = curl_multi_add_handle(stream->config.multi, stream->handle) == CURLM_OK;
    return stream->running;
}

void feed_stream_cut(struct feed_stream *stream)
{
    if (stream->running)
        curl_multi_remove_handle(stream->config.multi, stream->handle);
    stream->running = false;
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

/* libcurl speaks of files where a service went away. */
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
