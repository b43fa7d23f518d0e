/*
 * What room_feed.c (one room's feed) and room_feeds.c (all of them, their thread and its orders)
 * share.
 *
 * Only the feeds' thread touches libcurl and the rooms, and it does so with no lock held, so a room
 * may well be closed by somebody who is waited for inside the room. The lock is over the orders
 * alone.
 */
#ifndef TEMPMESSENGER_ROOM_FEED_INTERNAL_H
#define TEMPMESSENGER_ROOM_FEED_INTERNAL_H

#include "feed_stream.h"
#include "room_feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct room_feed {
    struct live_room *room;
    struct room_feeds *feeds;

    /* Under the lock of the feeds. */
    STAILQ_ENTRY(room_feed) order;
    bool ordered; /* in the list of orders */
    bool closing;
    bool let_go;

    /* The feeds' thread's own. */
    LIST_ENTRY(room_feed) entry;
    bool listed;
    struct feed_stream stream;
    uint64_t due_us;    /* the stream is running: to be cut; else: to be started */
    unsigned failures;  /* since a stream went well */
    bool complained;    /* in the log */
    uint64_t failed_us; /* when it failed last; 0: never */
    bool synced;        /* once, at least */
    bool connected;     /* synchronised by the stream there is now */
};

struct room_feeds {
    struct room_feeds_config config; /* its strings are copies, and no 0 is left in it */
    char *url;
    char *token;
    CURLM *multi;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t let_go;
    void *by_room; /* tsearch's tree of all feeds */
    STAILQ_HEAD(feed_orders, room_feed) orders;
    bool ending;

    /* For an operator; without the lock. */
    _Atomic size_t count;
    _Atomic size_t connected;

    /* The thread's own. */
    LIST_HEAD(feed_list, room_feed) list;
    uint64_t due_us; /* no feed is due before */
};

/* A feed at rest, on any thread; NULL when out of memory. */
struct room_feed *room_feed_new(struct room_feeds *feeds, struct live_room *room);

/* Not while the feeds' thread may use it. Takes NULL. */
void room_feed_free(struct room_feed *feed);

/* The rest is for the feeds' thread. */

/* Asks for the first stream. */
void room_feed_start(struct room_feed *feed);

/* The feed's time has come: a stream is begun, or cut that took too long. */
void room_feed_on_due(struct room_feed *feed);

/* libcurl is done with the stream: another one follows, in a while. */
void room_feed_on_end(struct room_feed *feed, CURLcode result);

/* Cuts the stream, if there is one, and leaves the room alone. */
void room_feed_stop(struct room_feed *feed);

#endif
