/*
 * When to give a stream up, how long to pause before the next, and what the log and the room hear
 * of it. The stream itself is feed_stream's.
 *
 * A stream that ended in good order is asked for again almost at once: a service that stops has a
 * neighbour that goes on. After a failure the pause doubles each time, up to a maximum, and is
 * random below that: the feeds of many rooms must not come back all at once.
 *
 * A room becomes stale when it has not been synchronised for a while, or at once where the service
 * answers, but refuses. A service that has said that it stops may refuse until then: it may be
 * restarting, and so may one to which no connection can be made.
 */
#include "room_feed.h"

#include "log.h"

#include <sys/random.h>

enum { US_PER_MS = 1000 };

static uint64_t time_us(const struct room_feed *feed)
{
    return clock_monotonic_us(feed->host->config.clock);
}

/* ---- its timer ---- */

static void set_timer(struct room_feed *feed)
{
    uint64_t due_us = feed->due_us < feed->stale_us ? feed->due_us : feed->stale_us;
    timer_heap_set(&feed->host->timers, &feed->timer, due_us);
}

static void set_due(struct room_feed *feed, uint64_t due_us)
{
    feed->due_us = due_us;
    set_timer(feed);
}

/* ---- what the room hears of its state ---- */

static void count(_Atomic size_t *counter, bool *state, bool new_state)
{
    if (new_state && !*state)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    else if (!new_state && *state)
        atomic_fetch_sub_explicit(counter, 1, memory_order_relaxed);
    *state = new_state;
}

static void become_stale(struct room_feed *feed)
{
    feed->stale_us = UINT64_MAX;
    feed->last_try = false;
    if (feed->stale)
        return;
    count(&feed->host->stale, &feed->stale, true);
    live_source_set_stale(feed->room, true);
}

static void become_fresh(struct room_feed *feed)
{
    feed->stale_us = UINT64_MAX;
    feed->last_try = false;
    if (!feed->stale)
        return;
    count(&feed->host->stale, &feed->stale, false);
    live_source_set_stale(feed->room, false);
}

/* Cuts the stream; from now on the room is not synchronised. */
static void disconnect(struct room_feed *feed)
{
    if (feed->connected)
        feed->stale_us = time_us(feed) + (uint64_t)ROOM_FEED_STALE_MS * US_PER_MS;
    count(&feed->host->connected, &feed->connected, false);
    feed_stream_cut(&feed->stream);
}

/* ---- what the stream tells ---- */

static void on_heard(void *context, uint64_t heard_us)
{
    struct room_feed *feed = context;
    const struct room_feed_config *config = &feed->host->config;
    uint64_t wait_ms = feed_stream_live(&feed->stream) ? config->silence_ms : config->timeout_ms;
    set_due(feed, heard_us + wait_ms * US_PER_MS);
}

static void on_synced(void *context, const struct message_limits *limits)
{
    struct room_feed *feed = context;
    const struct room_feed_config *config = &feed->host->config;
    feed->synced = true;
    feed->stopping = false;
    count(&feed->host->connected, &feed->connected, true);
    become_fresh(feed);
    if (feed->complained)
        log_write(LOG_LEVEL_INFO, "room feed restored",
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
    const struct room_feed_config *config = &feed->host->config;
    uint64_t max_ms = config->backoff_min_ms;
    for (unsigned i = 1; i < feed->failures && max_ms < config->backoff_max_ms; i++)
        max_ms *= 2;
    return jitter((max_ms < config->backoff_max_ms ? max_ms : config->backoff_max_ms) * US_PER_MS);
}

/* Logs the loss of a feed that was not lost a moment ago. */
static void complain(struct room_feed *feed, const char *cause, uint64_t now_us)
{
    bool again =
        feed->failed_us && now_us - feed->failed_us < (uint64_t)ROOM_FEED_QUIET_MS * US_PER_MS;
    feed->failed_us = now_us;
    if (feed->complained || again)
        return;
    log_write(LOG_LEVEL_WARNING, "room feed lost", LOG_TEXT("room", live_room_name(feed->room)),
              LOG_TEXT("cause", cause));
    feed->complained = true;
}

/* The stream, or the attempt at one, came to a bad end. */
static void fail(struct room_feed *feed, const char *cause)
{
    uint64_t now_us = time_us(feed);
    bool stale = feed->last_try || (feed->stream.refused && !feed->stopping);
    if (!feed->synced)
        live_source_unreachable(feed->room);
    complain(feed, cause, now_us);
    if (feed->failures < UINT16_MAX)
        feed->failures++;
    disconnect(feed);
    if (stale)
        become_stale(feed);
    set_due(feed, now_us + backoff_us(feed));
}

static void begin(struct room_feed *feed)
{
    set_due(feed, time_us(feed) + feed->host->config.timeout_ms * US_PER_MS);
    if (!feed_stream_begin(&feed->stream, feed->host->loop->multi))
        fail(feed, "out of memory");
}

void room_feed_start(struct room_feed *feed)
{
    feed->stale_us = time_us(feed) + (uint64_t)ROOM_FEED_STALE_MS * US_PER_MS;
    begin(feed);
}

/* A stream that sent nonsense, synchronised or not, has not gone well: its service is not asked
 * again and again without a pause. */
void room_feed_on_end(struct room_feed *feed, CURLcode result)
{
    char cause[FEED_READER_CAUSE_SIZE];
    if (feed_stream_live(&feed->stream)) {
        feed->failures = 0;
        feed->stopping = feed->stream.reader.stopping;
    }
    if (!feed_stream_ended_well(&feed->stream, result, cause)) {
        fail(feed, cause);
        return;
    }
    disconnect(feed);
    set_due(feed, time_us(feed) + jitter(feed->host->config.again_max_ms * US_PER_MS));
}

/* The running stream took too long. */
static void give_up(struct room_feed *feed)
{
    bool live = feed_stream_live(&feed->stream);
    if (live)
        feed->failures = 0;
    fail(feed,
         live ? "nothing was heard for too long" : "the room's messages did not come in time");
}

/* The room was not synchronised in time; but the feed may have been pausing since the service came
 * back. */
static void make_last_try(struct room_feed *feed, uint64_t now_us)
{
    feed->last_try = true;
    feed->stale_us = now_us + (uint64_t)ROOM_FEED_LAST_TRY_MS * US_PER_MS;
    if (!feed->stream.multi)
        feed->due_us = now_us;
}

void room_feed_on_due(struct room_feed *feed, uint64_t now_us)
{
    if (feed->stale_us <= now_us && feed->last_try)
        become_stale(feed);
    else if (feed->stale_us <= now_us)
        make_last_try(feed, now_us);
    if (feed->due_us > now_us)
        set_timer(feed);
    else if (feed->stream.multi)
        give_up(feed);
    else
        begin(feed);
}

void room_feed_stop(struct room_feed *feed)
{
    disconnect(feed);
    count(&feed->host->stale, &feed->stale, false);
    timer_heap_remove(&feed->host->timers, &feed->timer);
}

/* ---- its making ---- */

bool room_feed_init(struct room_feed *feed, struct room_feed_host *host, struct live_room *room)
{
    const struct feed_stream_config stream = {
        .target = &host->config.target,
        .connect_timeout_ms = host->config.timeout_ms,
        .clock = host->config.clock,
        .room = room,
        .upstream_clock = host->config.upstream_clock,
        .heard = on_heard,
        .synced = on_synced,
        .context = feed,
    };
    *feed = (struct room_feed){.room = room, .host = host};
    return feed_stream_init(&feed->stream, &stream);
}

void room_feed_fini(struct room_feed *feed)
{
    feed_stream_fini(&feed->stream);
}
