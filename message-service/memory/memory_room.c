/*
 * The records stand in balanced trees (tsearch), so that keys chosen by a client cannot slow the
 * room down. A record lives and dies with its message, which it names by id.
 *
 * Dates: a room gets the offset between the wall clock and the monotonic one once, when it is made,
 * and dates all its messages by it. If each message read the wall clock, a step of that would put
 * messages in an order other than that in which they end.
 */
#include "memory_room.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    char key[IDEMPOTENCY_KEY_MAX + 1];
    char id[MESSAGE_ID_SIZE]; /* of the message made for it, which is on the board */
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct record *)a)->key, ((const struct record *)b)->key);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct record *)a)->id, ((const struct record *)b)->id);
}

static struct record *record_find(const struct memory_room *room, const char *key)
{
    struct record probe;
    snprintf(probe.key, sizeof probe.key, "%s", key);
    struct record *const *node = tfind(&probe, &room->records_by_key, compare_keys);
    return node ? *node : NULL;
}

static bool record_add(struct memory_room *room, const char *key, const char *id)
{
    struct record *record = malloc(sizeof *record);
    if (!record)
        return false;
    snprintf(record->key, sizeof record->key, "%s", key);
    snprintf(record->id, sizeof record->id, "%s", id);
    if (!tsearch(record, &room->records_by_key, compare_keys)) {
        free(record);
        return false;
    }
    if (!tsearch(record, &room->records_by_id, compare_ids)) {
        tdelete(record, &room->records_by_key, compare_keys);
        free(record);
        return false;
    }
    return true;
}

/* Drops the record made for the message `id`, if there is one. */
static void record_drop(struct memory_room *room, const char *id)
{
    struct record probe;
    snprintf(probe.id, sizeof probe.id, "%s", id);
    struct record *const *node = tfind(&probe, &room->records_by_id, compare_ids);
    if (!node)
        return;
    struct record *record = *node;
    tdelete(record, &room->records_by_id, compare_ids);
    tdelete(record, &room->records_by_key, compare_keys);
    free(record);
}

struct memory_room *memory_room_new(const char *name, uint64_t wall_offset_us)
{
    struct memory_room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    snprintf(room->name, sizeof room->name, "%s", name);
    room->wall_offset_us = wall_offset_us;
    room->board = board_new();
    if (!room->board) {
        free(room);
        return NULL;
    }
    return room;
}

static void leave(void *record)
{
    (void)record; /* the other tree frees it */
}

void memory_room_free(struct memory_room *room)
{
    if (!room)
        return;
    board_free(room->board);
    tdestroy(room->records_by_id, leave);
    tdestroy(room->records_by_key, free);
    free(room);
}

static size_t size_of(const struct message *message)
{
    return message->text_len + (message->author ? strlen(message->author) : 0);
}

bool memory_room_expire(struct memory_room *room, uint64_t now_us)
{
    struct message *message;
    while ((message = board_take_expired(room->board, now_us))) {
        record_drop(room, message->id);
        room->bytes -= size_of(message);
        message_release(message);
    }
    return board_count(room->board) > 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The answer to a key that was used before. */
static enum error_code repeat(const struct memory_room *room, const struct record *record,
                              const struct draft *draft, struct message **ret_message)
{
    struct message *first = board_find(room->board, record->id);
    if (!same_text(first->author, draft->author) || !same_text(first->text, draft->text) ||
        (uint64_t)(first->expires_at_ms - first->created_at_ms) != draft->ttl_ms)
        return ERROR_IDEMPOTENCY_KEY_REUSED;
    *ret_message = message_retain(first);
    return ERROR_NONE;
}

static enum error_code full(const struct memory_room *room, uint64_t now_us, struct error *err)
{
    /* An empty room takes any message that the settings allow. */
    uint64_t left_ms =
        board_count(room->board) ? message_expires_in_ms(board_at(room->board, 0), now_us) : 0;
    if (err)
        err->retry_after_s = (uint32_t)((left_ms + 999) / 1000);
    return ERROR_ROOM_FULL;
}

static struct message *make_message(const struct memory_room *room,
                                    const struct memory_room_entry *entry)
{
    uint64_t wall_us = entry->now_us + room->wall_offset_us;
    uint64_t created_at_ms = wall_us / 1000;
    uint64_t expires_at_ms = created_at_ms + entry->draft->ttl_ms;
    uint64_t next = entry->last_number + 1;
    return message_new(&(struct message_fields){
        .number = wall_us > next ? wall_us : next,
        .deadline_us = expires_at_ms * 1000u - room->wall_offset_us,
        .created_at_ms = (int64_t)created_at_ms,
        .expires_at_ms = (int64_t)expires_at_ms,
        .id = entry->id,
        .room = room->name,
        .author = entry->draft->author,
        .text = entry->draft->text,
    });
}

enum error_code memory_room_save(struct memory_room *room, const struct memory_room_entry *entry,
                                 const struct memory_room_limits *limits,
                                 struct message **ret_message, struct error *err)
{
    const struct record *record = entry->key ? record_find(room, entry->key) : NULL;
    if (record)
        return repeat(room, record, entry->draft, ret_message);
    if (board_count(room->board) >= limits->messages ||
        room->bytes + draft_size(entry->draft) > limits->bytes)
        return full(room, entry->now_us, err);
    CLEANUP(message_release) struct message *message = make_message(room, entry);
    if (!message || (entry->key && !record_add(room, entry->key, entry->id)))
        return error_because(err, ERROR_INTERNAL, "out of memory");
    if (board_insert(room->board, message) == BOARD_NO_MEMORY) {
        record_drop(room, entry->id);
        return error_because(err, ERROR_INTERNAL, "out of memory");
    }
    room->bytes += size_of(message);
    *ret_message = message_retain(message);
    return ERROR_NONE;
}
