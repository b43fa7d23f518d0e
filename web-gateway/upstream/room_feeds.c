/*
 * The rooms' feeds together: the thread that runs all their streams, and the ways in for others.
 *
 * Other threads leave the feeds' thread orders in a list: begin this feed, let it go. Who closes a
 * room waits until the thread has let it go, and then frees the feed. A feed's streams, when each
 * ends and when the next begins, are room_feed.c's.
 */
#include "room_feed_internal.h"

#include "cleanup.h"

#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The longest sleep: orders and bytes end it sooner. */
    POLL_MAX_MS = 60 * 1000,
    POLL_FAILED_MS = 10,
    US_PER_MS = 1000,
};

static uint64_t now_us(const struct room_feeds *feeds)
{
    return clock_monotonic_us(feeds->config.clock);
}

/* ---- the thread ---- */

static void let_go(struct room_feed *feed)
{
    room_feed_stop(feed);
    if (feed->listed)
        LIST_REMOVE(feed, entry);
    feed->listed = false;
    LOCKED(&feed->feeds->lock);
    feed->let_go = true;
    pthread_cond_broadcast(&feed->feeds->let_go);
}

/* The next order and what it is; NULL when there is none. */
static struct room_feed *next_order(struct room_feeds *feeds, bool *ret_closing)
{
    LOCKED(&feeds->lock);
    struct room_feed *feed = STAILQ_FIRST(&feeds->orders);
    if (feed) {
        STAILQ_REMOVE_HEAD(&feeds->orders, order);
        feed->ordered = false;
        *ret_closing = feed->closing;
    }
    return feed;
}

static void take_orders(struct room_feeds *feeds)
{
    struct room_feed *feed;
    bool closing;
    while ((feed = next_order(feeds, &closing))) {
        if (closing) {
            let_go(feed);
            continue;
        }
        LIST_INSERT_HEAD(&feeds->list, feed, entry);
        feed->listed = true;
        room_feed_start(feed);
    }
}

/* `now` is from before the bytes were read: what had come by then has been heard. */
static void check_due(struct room_feeds *feeds, uint64_t now)
{
    if (now < feeds->due_us)
        return;
    feeds->due_us = UINT64_MAX;
    for (struct room_feed *feed = LIST_FIRST(&feeds->list); feed; feed = LIST_NEXT(feed, entry)) {
        if (feed->due_us <= now)
            room_feed_on_due(feed);
        if (feed->due_us < feeds->due_us)
            feeds->due_us = feed->due_us;
    }
}

static void take_ended(struct room_feeds *feeds)
{
    CURLcode result;
    struct room_feed *feed;
    while ((feed = feed_stream_next_done(feeds->multi, &result)))
        room_feed_on_end(feed, result);
}

static int poll_ms(const struct room_feeds *feeds)
{
    uint64_t now = now_us(feeds);
    if (feeds->due_us <= now)
        return 0;
    uint64_t ms = (feeds->due_us - now - 1) / US_PER_MS + 1;
    return ms < POLL_MAX_MS ? (int)ms : POLL_MAX_MS;
}

static bool is_ending(struct room_feeds *feeds)
{
    LOCKED(&feeds->lock);
    return feeds->ending;
}

static void *run(void *context)
{
    struct room_feeds *feeds = context;
    while (!is_ending(feeds)) {
        int running;
        take_orders(feeds);
        uint64_t now = now_us(feeds);
        curl_multi_perform(feeds->multi, &running);
        take_ended(feeds);
        check_due(feeds, now);
        if (curl_multi_poll(feeds->multi, NULL, 0, poll_ms(feeds), NULL) != CURLM_OK)
            poll(NULL, 0, POLL_FAILED_MS);
    }
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(struct room_feeds *feeds)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    feeds->started = pthread_create(&feeds->thread, NULL, run, feeds) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return feeds->started;
}

/* ---- for other threads ---- */

static int compare_rooms(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct room_feed *)a)->room;
    uintptr_t right = (uintptr_t)((const struct room_feed *)b)->room;
    return (left > right) - (left < right);
}

/* Under the lock. */
static void give_order(struct room_feed *feed)
{
    if (feed->ordered)
        return;
    feed->ordered = true;
    STAILQ_INSERT_TAIL(&feed->feeds->orders, feed, order);
}

bool room_feeds_open(void *context, struct live_room *room)
{
    struct room_feeds *feeds = context;
    struct room_feed *feed = room_feed_new(feeds, room);
    if (!feed)
        return false;
    pthread_mutex_lock(&feeds->lock);
    bool added = tsearch(feed, &feeds->by_room, compare_rooms) != NULL;
    if (added) {
        give_order(feed);
        atomic_fetch_add_explicit(&feeds->count, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&feeds->lock);
    if (added)
        curl_multi_wakeup(feeds->multi);
    else
        room_feed_free(feed);
    return added;
}

/* Takes the room's feed out of the tree and waits for the thread to have done with it. */
static struct room_feed *take_out(struct room_feeds *feeds, struct live_room *room)
{
    struct room_feed key = {.room = room};
    LOCKED(&feeds->lock);
    struct room_feed **found = tfind(&key, &feeds->by_room, compare_rooms);
    if (!found)
        return NULL;
    struct room_feed *feed = *found;
    tdelete(feed, &feeds->by_room, compare_rooms);
    atomic_fetch_sub_explicit(&feeds->count, 1, memory_order_relaxed);
    feed->closing = true;
    give_order(feed);
    curl_multi_wakeup(feeds->multi);
    while (!feed->let_go)
        pthread_cond_wait(&feeds->let_go, &feeds->lock);
    return feed;
}

void room_feeds_close(void *context, struct live_room *room)
{
    room_feed_free(take_out(context, room));
}

/* ---- their making ---- */

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static void copy_config(struct room_feeds *feeds, const struct room_feeds_config *config)
{
    struct room_feeds_config *own = &feeds->config;
    *own = *config;
    own->clock = config->clock ? config->clock : &clock_system;
    own->backoff_min_ms = or_default(config->backoff_min_ms, ROOM_FEED_BACKOFF_MIN_MS);
    own->backoff_max_ms = or_default(config->backoff_max_ms, ROOM_FEED_BACKOFF_MAX_MS);
    own->again_max_ms = or_default(config->again_max_ms, ROOM_FEED_AGAIN_MAX_MS);
    own->silence_ms = or_default(config->silence_ms, ROOM_FEED_SILENCE_MS);
    own->url = feeds->url = strdup(config->url);
    own->token = feeds->token = config->token ? strdup(config->token) : NULL;
}

struct room_feeds *room_feeds_new(const struct room_feeds_config *config)
{
    struct room_feeds *feeds = calloc(1, sizeof *feeds);
    if (!feeds)
        return NULL;
    pthread_mutex_init(&feeds->lock, NULL);
    pthread_cond_init(&feeds->let_go, NULL);
    STAILQ_INIT(&feeds->orders);
    LIST_INIT(&feeds->list);
    feeds->due_us = UINT64_MAX;
    copy_config(feeds, config);
    feeds->multi = curl_multi_init();
    if (!feeds->url || (config->token && !feeds->token) || !feeds->multi || !start_thread(feeds)) {
        room_feeds_free(feeds);
        return NULL;
    }
    return feeds;
}

static void free_in_tree(void *feed)
{
    room_feed_free(feed);
}

void room_feeds_free(struct room_feeds *feeds)
{
    if (!feeds)
        return;
    if (feeds->started) {
        pthread_mutex_lock(&feeds->lock);
        feeds->ending = true;
        pthread_mutex_unlock(&feeds->lock);
        curl_multi_wakeup(feeds->multi);
        pthread_join(feeds->thread, NULL);
    }
    tdestroy(feeds->by_room, free_in_tree);
    curl_multi_cleanup(feeds->multi);
    pthread_cond_destroy(&feeds->let_go);
    pthread_mutex_destroy(&feeds->lock);
    free(feeds->url);
    free(feeds->token);
    free(feeds);
}

void room_feeds_metrics(const struct room_feeds *feeds, struct room_feeds_metrics *ret_metrics)
{
    size_t connected = atomic_load_explicit(&feeds->connected, memory_order_relaxed);
    size_t count = atomic_load_explicit(&feeds->count, memory_order_relaxed);
    /* One may have been closed in between. */
    *ret_metrics = (struct room_feeds_metrics){
        .connected = connected < count ? connected : count,
        .disconnected = connected < count ? count - connected : 0,
    };
}
