/*
 * One room's feed: stream after stream for as long as the room is open. The stream itself is
 * feed_stream's; what is ours is when to give one up, how long to wait for the next, and what the
 * log and the room hear of it.
 *
 * A stream that ended in good order is asked for again almost at once: a service that stops has a
 * neighbour that goes on. After a failure the wait doubles each time, up to a maximum, and is random
 * below that: the feeds of many rooms must not come back all at once.
 */
#include "log.h"
#include "room_feed_internal.h"

#include <stdlib.h>
#include <sys/random.h>

enum { US_PER_MS = 1000 };

static uint64_t now_us(const struct room_feed *feed)
{
    return clock_monotonic_us(feed->feeds->config.clock);
}

/* The feed is to be looked at when `after_us` have passed. */
static void set_due(struct room_feed *feed, uint64_t from_us, uint64_t after_us)
{
    feed->due_us = from_us + after_us;
    if (feed->due_us < feed->feeds->due_us)
        feed->feeds->due_us = feed->due_us;
}

static void set_connected(struct room_feed *feed, bool connected)
{
    if (connected && !feed->connected)
        atomic_fetch_add_explicit(&feed->feeds->connected, 1, memory_order_relaxed);
    else if (!connected && feed->connected)
        atomic_fetch_sub_explicit(&feed->feeds->connected, 1, memory_order_relaxed);
    feed->connected = connected;
}

/* ---- what the stream tells ---- */

static void on_heard(void *context, uint64_t heard_us)
{
    struct room_feed *feed = context;
    const struct room_feeds_config *config = &feed->feeds->config;
    uint64_t wait_ms = feed_stream_live(&feed->stream) ? config->silence_ms : config->timeout_ms;
    set_due(feed, heard_us, wait_ms * US_PER_MS);
}

static void on_synced(void *context, const struct message_limits *limits)
{
    struct room_feed *feed = context;
    const struct room_feeds_config *config = &feed->feeds->config;
    feed->synced = true;
    set_connected(feed, true);
    if (feed->complained)
        log_write(LOG_LEVEL_INFO, "room feed is back",
                  LOG_TEXT("room", live_room_name(feed->room)));
    feed->complained = false;
    if (config->reached)
        config->reached(config->reached_context, limits);
}

/* ---- a stream's beginning and end ---- */

static uint64_t jitter(uint64_t max_us)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return max_us;
    return random % (max_us + 1);
}

static uint64_t backoff_us(const struct room_feed *feed)
{
    const struct room_feeds_config *config = &feed->feeds->config;
    uint64_t max_ms = config->backoff_min_ms;
    for (unsigned i = 1; i < feed->failures && max_ms < config->backoff_max_ms; i++)
        max_ms *= 2;
    return jitter((max_ms < config->backoff_max_ms ? max_ms : config->backoff_max_ms) * US_PER_MS);
}

/* The stream, or the attempt at one, came to a bad end. */
static void fail(struct room_feed *feed, const char *cause)
{
    if (!feed->synced)
        live_room_unreachable(feed->room);
    uint64_t failed_us = now_us(feed);
    bool again =
        feed->failed_us && failed_us - feed->failed_us < (uint64_t)ROOM_FEED_QUIET_MS * US_PER_MS;
    feed->failed_us = failed_us;
    if (!feed->complained && !again) {
        log_write(LOG_LEVEL_WARNING, "room feed lost", LOG_TEXT("room", live_room_name(feed->room)),
                  LOG_TEXT("cause", cause));
        feed->complained = true;
    }
    if (feed->failures < UINT16_MAX)
        feed->failures++;
    room_feed_stop(feed);
    set_due(feed, now_us(feed), backoff_us(feed));
}

void room_feed_start(struct room_feed *feed)
{
    set_due(feed, now_us(feed), feed->feeds->config.timeout_ms * US_PER_MS);
    if (!feed_stream_begin(&feed->stream))
        fail(feed, "out of memory");
}

/* One that sent nonsense, synchronised or not, has not gone well: its service is not asked again and
 * again without a pause. */
void room_feed_on_end(struct room_feed *feed, CURLcode result)
{
    char cause[FEED_READER_CAUSE_SIZE];
    if (feed_stream_live(&feed->stream))
        feed->failures = 0;
    if (!feed_stream_ended_well(&feed->stream, result, cause)) {
        fail(feed, cause);
        return;
    }
    room_feed_stop(feed);
    set_due(feed, now_us(feed), jitter(feed->feeds->config.again_max_ms * US_PER_MS));
}

void room_feed_on_due(struct room_feed *feed)
{
    bool live = feed_stream_live(&feed->stream);
    if (!feed->stream.running) {
        room_feed_start(feed);
        return;
    }
    if (live)
        feed->failures = 0;
    fail(feed,
         live ? "nothing was heard for too long" : "the room's messages did not come in time");
}

void room_feed_stop(struct room_feed *feed)
{
    set_connected(feed, false);
    feed_stream_cut(&feed->stream);
}

/* ---- its making ---- */

struct room_feed *room_feed_new(struct room_feeds *feeds, struct live_room *room)
{
    struct feed_stream_config stream = {
        .multi = feeds->multi,
        .url = feeds->url,
        .token = feeds->token,
        .connect_timeout_ms = feeds->config.timeout_ms,
        .clock = feeds->config.clock,
        .room = room,
        .upstream_clock = feeds->config.upstream_clock,
        .heard = on_heard,
        .synced = on_synced,
    };
    struct room_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->room = room;
    feed->feeds = feeds;
    stream.context = feed;
    if (feed_stream_init(&feed->stream, &stream))
        return feed;
    room_feed_free(feed);
    return NULL;
}

void room_feed_free(struct room_feed *feed)
{
    if (!feed)
        return;
    feed_stream_fini(&feed->stream);
    free(feed);
}
