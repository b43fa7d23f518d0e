/*
 * Records are kept in the order of the calls, of all rooms together, each with references of its
 * own to its messages. A view is made from scratch each time: a test's rooms are small.
 */
#include "recorder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 15000, STEP_US = 2000 };

void recorder_init(struct recorder *recorder)
{
    *recorder = (struct recorder){0};
    pthread_mutex_init(&recorder->lock, NULL);
    clock_cond_init(&recorder->recorded);
}

void recorder_fini(struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->count; i++) {
        for (size_t j = 0; j < recorder->records[i].count; j++)
            message_release(recorder->records[i].messages[j]);
        free(recorder->records[i].messages);
    }
    free(recorder->records);
    pthread_cond_destroy(&recorder->recorded);
    pthread_mutex_destroy(&recorder->lock);
}

static void append(struct recorder *recorder, struct record record, const char *room,
                   struct message *const *messages)
{
    LOCKED(&recorder->lock);
    if (recorder->count == recorder->size) {
        recorder->size = recorder->size ? 2 * recorder->size : 64;
        recorder->records = realloc(recorder->records, recorder->size * sizeof record);
    }
    record.called_us = clock_now_us();
    snprintf(record.room, sizeof record.room, "%s", room);
    record.messages = calloc(record.count + 1, sizeof *record.messages);
    for (size_t i = 0; i < record.count; i++)
        record.messages[i] = message_retain(messages[i]);
    recorder->records[recorder->count++] = record;
    pthread_cond_broadcast(&recorder->recorded);
}

static void on_synced(void *context, const char *room, const struct message_list *list)
{
    struct record record = {
        .kind = RECORD_SYNCED, .position = list->position, .count = list->count};
    append(context, record, room, list->messages);
}

static void on_added(void *context, struct message *message, uint64_t epoch)
{
    struct record record = {.kind = RECORD_ADDED, .position = {epoch, message->number}, .count = 1};
    append(context, record, message->room, &message);
}

static void on_unreachable(void *context, const char *room)
{
    append(context, (struct record){.kind = RECORD_UNREACHABLE}, room, NULL);
}

struct message_store_listener recorder_listener(struct recorder *recorder)
{
    return (struct message_store_listener){recorder, on_synced, on_added, on_unreachable};
}

static bool matches(const struct record *record, enum record_kind kind, const char *room)
{
    return record->kind == kind && (!room || strcmp(record->room, room) == 0);
}

size_t recorder_count(struct recorder *recorder, enum record_kind kind, const char *room)
{
    LOCKED(&recorder->lock);
    size_t count = 0;
    for (size_t i = 0; i < recorder->count; i++)
        count += matches(&recorder->records[i], kind, room);
    return count;
}

/* The record that makes `count` of them, or NULL. */
static const struct record *nth(const struct recorder *recorder, enum record_kind kind,
                                const char *room, size_t count)
{
    for (size_t i = 0; i < recorder->count; i++)
        if (matches(&recorder->records[i], kind, room) && --count == 0)
            return &recorder->records[i];
    return NULL;
}

static struct timespec late(void)
{
    return clock_timespec(clock_now_us() + WAIT_MS * 1000u);
}

struct record recorder_await(struct recorder *recorder, enum record_kind kind, const char *room,
                             size_t count)
{
    struct timespec until = late();
    LOCKED(&recorder->lock);
    const struct record *record;
    while (!(record = nth(recorder, kind, room, count)))
        ck_assert_msg(pthread_cond_timedwait(&recorder->recorded, &recorder->lock, &until) == 0,
                      "never called: kind %d of room %s, %zu times", (int)kind, room, count);
    return *record;
}

struct room_view recorder_view(struct recorder *recorder, const char *room)
{
    LOCKED(&recorder->lock);
    struct room_view view = {0};
    bool synced = false;
    for (size_t i = 0; i < recorder->count; i++) {
        const struct record *record = &recorder->records[i];
        if (strcmp(record->room, room) != 0 || record->kind == RECORD_UNREACHABLE)
            continue;
        synced = synced || record->kind == RECORD_SYNCED;
        ck_assert(synced);
        if (record->kind == RECORD_SYNCED)
            room_view_sync(&view, &record->position, record->messages, record->count);
        else
            room_view_add(&view, &record->position, record->messages[0]);
    }
    return view;
}

void recorder_await_view(struct recorder *recorder, const char *room, size_t count)
{
    uint64_t late_us = clock_now_us() + WAIT_MS * 1000u;
    for (;;) {
        struct room_view view = recorder_view(recorder, room);
        size_t seen = view.count;
        room_view_fini(&view);
        if (seen == count)
            return;
        uint64_t now_us = clock_now_us();
        ck_assert_msg(now_us < late_us, "%s: %zu messages and not %zu", room, seen, count);
        struct timespec until = clock_timespec(now_us + STEP_US);
        LOCKED(&recorder->lock);
        pthread_cond_timedwait(&recorder->recorded, &recorder->lock, &until);
    }
}
