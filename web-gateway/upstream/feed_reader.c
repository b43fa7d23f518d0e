/*
 * event_parser cuts the stream into events; this file knows what each of them may say, when it may
 * come and what the room then hears. An event that breaks a rule ends the stream: its service, or
 * something in between, is not to be believed, and the next stream brings everything again.
 *
 * A stream begins with a snapshot, or with `resumed` and as many messages as it promises. Either
 * way the room hears of all of them at once, and finds out by itself which are new. Until then
 * nothing reaches the room, so a stream that breaks off leaves it as it was.
 */
#include "feed_reader.h"

#include "json_read.h"
#include "live_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_MIN = 16 };

/* Remembers what is wrong with the stream. Always false. */
static bool nonsense(struct feed_reader *reader, const char *cause)
{
    snprintf(reader->cause, sizeof reader->cause, "%s", cause);
    return false;
}

static void drop_messages(struct feed_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        message_release(reader->messages[i]);
    free(reader->messages);
    reader->messages = NULL;
    reader->count = reader->capacity = 0;
    reader->missed = reader->collected_len = 0;
}

static bool in_its_room(struct feed_reader *reader, const struct message *message)
{
    return strcmp(message->room, live_room_name(reader->room)) == 0 ||
           nonsense(reader, "a message of another room");
}

static bool grow_messages(struct feed_reader *reader)
{
    if (reader->count < reader->capacity)
        return true;
    size_t capacity = reader->capacity ? reader->capacity * 2 : MESSAGES_MIN;
    struct message **messages = realloc(reader->messages, capacity * sizeof(struct message *));
    if (!messages)
        return nonsense(reader, "out of memory");
    reader->messages = messages;
    reader->capacity = capacity;
    return true;
}

/* Takes the reference, also where it says false. */
static bool collect(void *context, struct message *message)
{
    struct feed_reader *reader = context;
    bool taken =
        in_its_room(reader, message) &&
        (reader->count < FEED_READER_MESSAGES_MAX || nonsense(reader, "too many messages")) &&
        grow_messages(reader);
    if (taken)
        reader->messages[reader->count++] = message;
    else
        message_release(message);
    return taken;
}

static void synchronise(struct feed_reader *reader, struct event_id last)
{
    live_source_sync(reader->room, reader->messages, reader->count, last);
    drop_messages(reader);
    reader->stage = FEED_READER_LIVE;
    reader->synced(reader->context);
}

static bool read_id(struct feed_reader *reader, const char *text, struct event_id *ret_id)
{
    return (text && event_id_parse(text, ret_id)) ||
           nonsense(reader, "an event without a valid id");
}

static bool on_snapshot(struct feed_reader *reader, const char *id_text, const char *data,
                        size_t len)
{
    struct event_id id;
    if (reader->stage != FEED_READER_OPENING)
        return nonsense(reader, "a snapshot in the middle of the stream");
    if (!read_id(reader, id_text, &id))
        return false;
    if (!message_array_from_json(data, len, id.number, reader->now_us, collect, reader) ||
        (reader->count && !id.number))
        return reader->cause[0] ? false : nonsense(reader, "a snapshot that cannot be read");
    synchronise(reader, id);
    return true;
}

/* The object; NULL where it is none, or out of memory. */
static json_t *read_object(const char *data, size_t len)
{
    json_error_t fault;
    json_t *object = NULL;
    return json_read(data, len, JSON_REJECT_DUPLICATES, &object, &fault) ? NULL : object;
}

/* The number in {"missed": n}. */
static bool read_missed(const char *data, size_t len, size_t *ret_missed)
{
    json_t *object = read_object(data, len);
    const json_t *member = json_object_get(object, "missed");
    json_int_t missed = json_is_integer(member) ? json_integer_value(member) : -1;
    json_decref(object);
    *ret_missed = (size_t)missed;
    return missed >= 0 && missed <= FEED_READER_MESSAGES_MAX;
}

static bool on_resumed(struct feed_reader *reader, const char *id_text, const char *data,
                       size_t len)
{
    (void)id_text;
    if (reader->stage != FEED_READER_OPENING)
        return nonsense(reader, "resumed in the middle of the stream");
    if (!reader->has_last)
        return nonsense(reader, "an answer without a valid Last-Event-ID");
    if (!read_missed(data, len, &reader->missed))
        return nonsense(reader, "resumed, without a number of missed messages");
    reader->stage = FEED_READER_MISSED;
    if (!reader->missed)
        synchronise(reader, reader->last);
    return true;
}

/* One of the messages that `resumed` promised; takes the reference. */
static bool on_missed(struct feed_reader *reader, struct message *message, size_t len)
{
    if (!collect(reader, message))
        return false;
    reader->collected_len += len;
    if (reader->collected_len > EVENT_PARSER_DATA_MAX)
        return nonsense(reader, "too many long messages");
    reader->advanced = true;
    if (--reader->missed == 0)
        synchronise(reader, reader->last);
    return true;
}

static bool on_message(struct feed_reader *reader, const char *id_text, const char *data,
                       size_t len)
{
    struct event_id id;
    struct message *message;
    if (reader->stage == FEED_READER_OPENING)
        return nonsense(reader, "a message before the first snapshot");
    if (!read_id(reader, id_text, &id))
        return false;
    if (!id.number || !message_from_json(data, len, id.number, reader->now_us, &message))
        return nonsense(reader, "a message that cannot be read");
    upstream_clock_date(reader->upstream_clock, message, reader->now_us);
    if (reader->stage == FEED_READER_MISSED)
        return on_missed(reader, message, len);
    bool right = in_its_room(reader, message);
    if (right)
        live_source_add(reader->room, message, id);
    message_release(message);
    return right;
}

/* Takes a collected message back; it was one of the missed ones, so the count of those still to
 * come stays. */
static void forget_collected(struct feed_reader *reader, const char *message_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->messages[i]->id, message_id) == 0)
            message_release(reader->messages[i]);
        else
            reader->messages[kept++] = reader->messages[i];
    reader->count = kept;
}

static bool on_deleted(struct feed_reader *reader, const char *id_text, const char *data,
                       size_t len)
{
    (void)id_text;
    if (reader->stage == FEED_READER_OPENING)
        return nonsense(reader, "deleted, before the first snapshot");
    json_t *object = read_object(data, len);
    const char *message_id = json_string_value(json_object_get(object, "id"));
    bool valid = message_id && message_id_valid(message_id);
    if (valid && reader->stage == FEED_READER_LIVE)
        live_source_delete(reader->room, message_id);
    else if (valid)
        forget_collected(reader, message_id);
    json_decref(object);
    return valid || nonsense(reader, "deleted, without a message's id");
}

static bool on_stopping(struct feed_reader *reader, const char *id_text, const char *data,
                        size_t len)
{
    (void)id_text, (void)data, (void)len;
    reader->stopping = true;
    return true;
}

/* Other events are skipped; `expired` is, because the rooms know the time. */
static const struct {
    const char *name;
    bool (*take)(struct feed_reader *reader, const char *id_text, const char *data, size_t len);
} events[] = {
    {"message", on_message}, {"deleted", on_deleted},   {"snapshot", on_snapshot},
    {"resumed", on_resumed}, {"stopping", on_stopping},
};

static bool on_event(void *context, const char *name, const char *id, const char *data, size_t len)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (strcmp(name, events[i].name) == 0)
            return events[i].take(context, id, data, len);
    return true;
}

/* ---- the reader ---- */

void feed_reader_init(struct feed_reader *reader, struct live_room *room,
                      struct upstream_clock *upstream_clock, void (*synced)(void *context),
                      void *context)
{
    *reader = (struct feed_reader){
        .room = room,
        .upstream_clock = upstream_clock,
        .synced = synced,
        .context = context,
    };
    event_parser_init(&reader->parser, EVENT_PARSER_DATA_MAX, on_event, reader);
}

void feed_reader_reset(struct feed_reader *reader)
{
    drop_messages(reader);
    event_parser_reset(&reader->parser);
    reader->stage = FEED_READER_OPENING;
    reader->stopping = false;
    reader->advanced = false;
    reader->cause[0] = '\0';
    reader->has_last = false;
}

void feed_reader_set_last(struct feed_reader *reader, const struct event_id *last)
{
    reader->has_last = last != NULL;
    if (last)
        reader->last = *last;
}

bool feed_reader_feed(struct feed_reader *reader, const char *bytes, size_t len, uint64_t now_us)
{
    reader->now_us = now_us;
    reader->advanced = false;
    if (event_parser_feed(&reader->parser, bytes, len))
        return true;
    return reader->cause[0] ? false : nonsense(reader, "not an event stream, or too long an event");
}
