/*
 * The thread that runs all feeds, and the ways in for other threads.
 *
 * Other threads leave the feeds' thread orders in a list: start this feed, let it go. Whoever
 * closes a room waits until the thread has let its feed go, and then frees it.
 *
 * Only the feeds' thread touches libcurl and the rooms, and it does so with no lock held, so that
 * whoever holds a room up may well wait here for it to be closed. The lock is over the orders
 * alone.
 */
#include "room_feeds.h"

#include "cleanup.h"
#include "curl_loop.h"
#include "thread.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A feed, and what is under the lock of it. */
struct feed_entry {
    struct room_feed feed;
    STAILQ_ENTRY(feed_entry) order;
    bool ordered; /* in the list of orders */
    bool closing;
    bool let_go;

    /* The thread's own. */
    LIST_ENTRY(feed_entry) place;
    bool listed;
};

struct room_feeds {
    struct room_feed_host host;
    char *url;
    char *token;
    struct curl_loop loop;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t let_go;
    void *by_room; /* tsearch's tree of all entries */
    STAILQ_HEAD(feed_orders, feed_entry) orders;
    bool ending;

    LIST_HEAD(feed_list, feed_entry) list; /* the thread's own: of the feeds that have started */

    _Atomic size_t count; /* of feeds; without the lock */
};

/* ---- the thread ---- */

static void let_go(struct room_feeds *feeds, struct feed_entry *entry)
{
    room_feed_stop(&entry->feed);
    if (entry->listed)
        LIST_REMOVE(entry, place);
    entry->listed = false;
    LOCKED(&feeds->lock);
    entry->let_go = true;
    pthread_cond_broadcast(&feeds->let_go);
}

/* The next order and what it is; NULL when there is none. */
static struct feed_entry *next_order(struct room_feeds *feeds, bool *ret_closing)
{
    LOCKED(&feeds->lock);
    struct feed_entry *entry = STAILQ_FIRST(&feeds->orders);
    if (entry) {
        STAILQ_REMOVE_HEAD(&feeds->orders, order);
        entry->ordered = false;
        *ret_closing = entry->closing;
    }
    return entry;
}

static void start(struct room_feeds *feeds, struct feed_entry *entry)
{
    LIST_INSERT_HEAD(&feeds->list, entry, place);
    entry->listed = true;
    room_feed_start(&entry->feed);
}

static void take_orders(struct room_feeds *feeds)
{
    struct feed_entry *entry;
    bool closing;
    while ((entry = next_order(feeds, &closing)))
        if (closing)
            let_go(feeds, entry);
        else
            start(feeds, entry);
}

static void take_ended(struct room_feeds *feeds)
{
    CURLcode result;
    struct room_feed *feed;
    while ((feed = feed_stream_next_done(feeds->loop.multi, &result)))
        room_feed_on_end(feed, result);
}

/* Ends all streams for want of memory, as the loop demands. */
static void end_all(struct room_feeds *feeds)
{
    struct feed_entry *entry;
    for (entry = LIST_FIRST(&feeds->list); entry; entry = LIST_NEXT(entry, place))
        if (entry->feed.stream.multi)
            room_feed_on_end(&entry->feed, CURLE_OUT_OF_MEMORY);
    curl_loop_renew(&feeds->loop);
}

_Static_assert(offsetof(struct room_feed, timer) == 0, "a feed's timer is where the feed is");

static void run_due(struct room_feeds *feeds, uint64_t now_us)
{
    const struct timer_heap *timers = &feeds->host.timers;
    while (timers->first && timers->first->due_us <= now_us)
        room_feed_on_due((struct room_feed *)(void *)timers->first, now_us);
}

static uint64_t wait_us(const struct room_feeds *feeds, uint64_t now_us)
{
    const struct timer_heap_node *first = feeds->host.timers.first;
    if (!first)
        return UINT64_MAX;
    return first->due_us > now_us ? first->due_us - now_us : 0;
}

static bool is_ending(struct room_feeds *feeds)
{
    LOCKED(&feeds->lock);
    return feeds->ending;
}

/* The clock is read before the sockets are: what had come by a feed's deadline has been heard when
 * the deadline is looked at. */
static void *run(void *context)
{
    struct room_feeds *feeds = context;
    while (!is_ending(feeds)) {
        take_orders(feeds);
        uint64_t now_us = clock_monotonic_us(feeds->host.config.clock);
        enum curl_loop_result result = curl_loop_turn(&feeds->loop, wait_us(feeds, now_us));
        take_ended(feeds);
        if (result == CURL_LOOP_FAILED)
            end_all(feeds);
        else if (result == CURL_LOOP_DONE)
            run_due(feeds, now_us);
    }
    return NULL;
}

/* ---- for other threads ---- */

static int compare_rooms(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct feed_entry *)a)->feed.room;
    uintptr_t right = (uintptr_t)((const struct feed_entry *)b)->feed.room;
    return (left > right) - (left < right);
}

static void free_entry(void *entry)
{
    room_feed_fini(&((struct feed_entry *)entry)->feed);
    free(entry);
}

/* Under the lock. */
static void give_order(struct room_feeds *feeds, struct feed_entry *entry)
{
    if (!entry->ordered)
        STAILQ_INSERT_TAIL(&feeds->orders, entry, order);
    entry->ordered = true;
    curl_loop_wake(&feeds->loop);
}

/* False when out of memory. */
static bool add(struct room_feeds *feeds, struct feed_entry *entry)
{
    LOCKED(&feeds->lock);
    if (!tsearch(entry, &feeds->by_room, compare_rooms))
        return false;
    atomic_fetch_add_explicit(&feeds->count, 1, memory_order_relaxed);
    give_order(feeds, entry);
    return true;
}

bool room_feeds_open(void *context, struct live_room *room)
{
    struct room_feeds *feeds = context;
    struct feed_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return false;
    if (room_feed_init(&entry->feed, &feeds->host, room) && add(feeds, entry))
        return true;
    free_entry(entry);
    return false;
}

/* Takes the room's feed out of the tree and waits for the thread to have done with it. */
static struct feed_entry *take_out(struct room_feeds *feeds, struct live_room *room)
{
    const struct feed_entry key = {.feed.room = room};
    LOCKED(&feeds->lock);
    struct feed_entry **found = tfind(&key, &feeds->by_room, compare_rooms);
    if (!found)
        return NULL;
    struct feed_entry *entry = *found;
    tdelete(entry, &feeds->by_room, compare_rooms);
    atomic_fetch_sub_explicit(&feeds->count, 1, memory_order_relaxed);
    entry->closing = true;
    give_order(feeds, entry);
    while (!entry->let_go)
        pthread_cond_wait(&feeds->let_go, &feeds->lock);
    return entry;
}

void room_feeds_close(void *context, struct live_room *room)
{
    struct feed_entry *entry = take_out(context, room);
    if (entry)
        free_entry(entry);
}

void room_feeds_metrics(const struct room_feeds *feeds, struct room_feeds_metrics *ret_metrics)
{
    size_t connected = atomic_load_explicit(&feeds->host.connected, memory_order_relaxed);
    size_t stale = atomic_load_explicit(&feeds->host.stale, memory_order_relaxed);
    size_t count = atomic_load_explicit(&feeds->count, memory_order_relaxed);
    /* One may have been closed in between. */
    size_t disconnected = connected < count ? count - connected : 0;
    *ret_metrics = (struct room_feeds_metrics){
        .connected = count - disconnected,
        .disconnected = disconnected,
        .stale = stale < disconnected ? stale : disconnected,
    };
}

/* ---- their making ---- */

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static void copy_config(struct room_feeds *feeds, const struct room_feed_config *config)
{
    struct room_feed_config *own = &feeds->host.config;
    *own = *config;
    own->clock = config->clock ? config->clock : &clock_system;
    own->backoff_min_ms = or_default(config->backoff_min_ms, ROOM_FEED_BACKOFF_MIN_MS);
    own->backoff_max_ms = or_default(config->backoff_max_ms, ROOM_FEED_BACKOFF_MAX_MS);
    own->again_max_ms = or_default(config->again_max_ms, ROOM_FEED_AGAIN_MAX_MS);
    own->silence_ms = or_default(config->silence_ms, ROOM_FEED_SILENCE_MS);
    own->target.url = feeds->url = strdup(config->target.url);
    own->target.token = feeds->token = config->target.token ? strdup(config->target.token) : NULL;
}

struct room_feeds *room_feeds_new(const struct room_feed_config *config)
{
    struct room_feeds *feeds = calloc(1, sizeof *feeds);
    if (!feeds)
        return NULL;
    pthread_mutex_init(&feeds->lock, NULL);
    pthread_cond_init(&feeds->let_go, NULL);
    STAILQ_INIT(&feeds->orders);
    LIST_INIT(&feeds->list);
    copy_config(feeds, config);
    bool has_loop = curl_loop_init(&feeds->loop);
    feeds->host.loop = &feeds->loop;
    bool whole = has_loop && feeds->url && (feeds->token || !config->target.token);
    feeds->started = whole && thread_start(&feeds->thread, "room-feeds", run, feeds);
    if (feeds->started)
        return feeds;
    room_feeds_free(feeds);
    return NULL;
}

static void end_thread(struct room_feeds *feeds)
{
    pthread_mutex_lock(&feeds->lock);
    feeds->ending = true;
    pthread_mutex_unlock(&feeds->lock);
    curl_loop_wake(&feeds->loop);
    pthread_join(feeds->thread, NULL);
}

void room_feeds_free(struct room_feeds *feeds)
{
    if (!feeds)
        return;
    if (feeds->started)
        end_thread(feeds);
    tdestroy(feeds->by_room, free_entry);
    curl_loop_fini(&feeds->loop);
    pthread_cond_destroy(&feeds->let_go);
    pthread_mutex_destroy(&feeds->lock);
    free(feeds->url);
    free(feeds->token);
    free(feeds);
}
