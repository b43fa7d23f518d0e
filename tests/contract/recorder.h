/*
 * A listener that records its calls, for a test to wait for and to look at.
 *
 * Waiting has a bound and fails the test at its end.
 */
#ifndef TEMPMESSENGER_TESTS_RECORDER_H
#define TEMPMESSENGER_TESTS_RECORDER_H

#include "message_store.h"
#include "room_view.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum record_kind { RECORD_SYNCED, RECORD_ADDED, RECORD_UNREACHABLE };

struct record {
    enum record_kind kind;
    char room[ROOM_NAME_SIZE];
    struct message_store_position position; /* the list's, or the message's */
    struct message **messages;              /* the list's, or the one that was added */
    size_t count;
    uint64_t called_us; /* monotonic */
};

struct recorder {
    pthread_mutex_t lock;
    pthread_cond_t recorded;
    struct record *records;
    size_t count;
    size_t size;
};

void recorder_init(struct recorder *recorder);
void recorder_fini(struct recorder *recorder);

struct message_store_listener recorder_listener(struct recorder *recorder);

/* How many records there are of this kind; `room` NULL: of all rooms. */
size_t recorder_count(struct recorder *recorder, enum record_kind kind, const char *room);

/* Waits until there are `count` of them and returns the last of these. */
struct record recorder_await(struct recorder *recorder, enum record_kind kind, const char *room,
                             size_t count);

/* Puts the room together, as a reader would, and fails the test where messages came out of order,
 * twice or before the room was synced. Free with room_view_fini. */
struct room_view recorder_view(struct recorder *recorder, const char *room);

/* Waits until the room's view has `count` messages. */
void recorder_await_view(struct recorder *recorder, const char *room, size_t count);

#endif
