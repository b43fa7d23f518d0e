/*
 * What the tests of the room feeds have in place of the real things: the log and the rooms are
 * stand-ins, and the message service each test plays itself on a socket of 127.0.0.1.
 *
 * A room writes down what it is told, as `sync 2:1=one,2=two;` `add 3=three;` `delete …1;`, and
 * counts how often it could not be reached; the log counts. What is expected is waited for: each
 * fake_upstream_expect_… fails the test where it does not come.
 */
#ifndef TEMPMESSENGER_TESTS_FAKE_UPSTREAM_H
#define TEMPMESSENGER_TESTS_FAKE_UPSTREAM_H

#include "buffer.h"
#include "room_feeds.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    FAKE_UPSTREAM_WAIT_S = 20, /* only a failing test waits so long */
    FAKE_UPSTREAM_TEST_TIMEOUT_S = 60,
    FAKE_UPSTREAM_TOLD_MAX = 64 * 1024,
};

#define TAG "0000000007"
#define ID(number) "000000000000000" #number TAG
#define MESSAGE_ID(digit) "0123456789abcdef0123456789abcde" #digit
#define MESSAGE_IN(room, digit, text)                                                              \
    "{\"id\":\"" MESSAGE_ID(digit) "\",\"room\":\"" room "\",\"message\":\"" text "\","            \
                                   "\"created_at\":\"2026-11-22T06:00:00.123Z\","                  \
                                   "\"expires_at\":\"2026-11-22T06:01:00.123Z\","                  \
                                   "\"expires_in\":60000}"
#define MESSAGE(digit, text) MESSAGE_IN("lobby", digit, text)
#define EVENT(number, text)                                                                        \
    "event: message\nid: " ID(number) "\ndata: " MESSAGE(number, text) "\n\n"
#define RESUMED(missed) "retry: 1000\nevent: resumed\ndata: {\"missed\": " #missed "}\n\n"
#define SNAPSHOT(number, array) "event: snapshot\nid: " ID(number) "\ndata: " array "\n\n"

#define HEAD_OF(type, more) "HTTP/1.1 200 OK\r\nContent-Type: " type "\r\n" more "\r\n"
#define HEAD HEAD_OF("text/event-stream", "Last-Event-ID: " ID(2) "\r\n")

/* ---- the log and the rooms ---- */

struct live_room {
    const char *name;
    struct buffer told;
    uint64_t last_deadline_us;
    unsigned unreachable; /* how often it was told so */
    bool stale;
    unsigned stales;        /* how often it became so */
    bool synced_when_stale; /* since it became so */
    bool hold;              /* live_source_add and _unreachable do not return */
    bool inside;
    bool closed;
};

extern pthread_mutex_t fake_upstream_lock; /* over the rooms and the log */
extern pthread_cond_t fake_upstream_changed;
extern char fake_upstream_last_cause[128];

void fake_upstream_room_init(struct live_room *room, const char *name);

/* Waits for something to change, under the lock; false when a test has waited too long. */
bool fake_upstream_wait_for_change(void);

/* Waits until the room was told so much, and that it was told just this. */
void fake_upstream_expect_told(struct live_room *room, const char *expected);

/* Waits until the room tells somebody who does not leave it, as `hold` says. */
void fake_upstream_expect_inside(struct live_room *room);

/* Lets go of those who are held. */
void fake_upstream_end_hold(struct live_room *room);

/* Waits until the room was so often called unreachable, and that it was no more often. */
void fake_upstream_expect_unreachable(struct live_room *room, unsigned count);

/* Waits until the room is stale, or is not. */
void fake_upstream_expect_stale(struct live_room *room, bool stale);

/* Waits until so many feeds are connected, so many are not, and of these so many are stale. */
void fake_upstream_expect_metrics(size_t connected, size_t disconnected, size_t stale);

/* The same of the log. */
void fake_upstream_expect_warnings(unsigned count);
void fake_upstream_expect_recoveries(unsigned count);

/* ---- the message service ---- */

extern int fake_upstream_listener;
extern char fake_upstream_request[2048];

/* Until then connections are refused. */
void fake_upstream_listen_now(void);

/* The next connection of a feed, but for that of a room called "other", once its request, then in
 * fake_upstream_request, is there. */
int fake_upstream_accept_feed(void);

/* A feed that has cut the stream already does not hear the rest. */
void fake_upstream_say(int peer, const char *text);
void fake_upstream_say_bytes(int peer, const char *bytes, size_t len);

/* Waits until the feed has hung up. */
void fake_upstream_expect_cut(int peer);

/* Hangs up with a reset instead of an orderly end. */
void fake_upstream_reset_connection(int peer);

/* ---- what each test has ---- */

extern struct room_feeds *fake_upstream_feeds;
extern struct live_room fake_upstream_lobby;
extern atomic_uint fake_upstream_reached; /* calls of the config's `reached` */

/* Waits until it was called so often, and that the last was told these limits; NULL: none. */
void fake_upstream_expect_limits(unsigned reached, const struct message_limits *limits);

/* Of feeds that try again at once. */
struct room_feed_config fake_upstream_quick_config(void);

/* Starts the feeds and opens the lobby. */
void fake_upstream_open_lobby(const struct room_feed_config *config);

void fake_upstream_close_room(struct live_room *room);

/* The fixtures: an address at which nobody listens; the same with a listener and an open lobby. */
void fake_upstream_set_up(void);
void fake_upstream_set_up_open(void);
void fake_upstream_tear_down(void);

#endif
