/*
 * The ids of events: how far in a room's order of acceptance a reader has come.
 *
 * An id is the number of the last message that it covers and a tag of the room's epoch. A store
 * that has forgotten the room begins a new epoch, so that earlier ids are recognised as useless. As
 * text an id is 26 digits: 16 of the number, 10 of the tag. Within an epoch ids increase, as texts
 * and as numbers; the same id means the same on every replica.
 */
#ifndef TEMPMESSENGER_EVENT_ID_H
#define TEMPMESSENGER_EVENT_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { EVENT_ID_LEN = 26, EVENT_ID_SIZE = EVENT_ID_LEN + 1 };

/* Numbers are microseconds since 1970: 16 digits last until the year 2286. */
#define EVENT_NUMBER_MAX UINT64_C(9999999999999999)

struct event_id {
    uint64_t number; /* 0: before any message */
    uint64_t tag;
};

/* The id of `number` in this epoch of `room`. Epoch 0: the store has no messages of the room. */
struct event_id event_id_make(const char *room, uint64_t epoch, uint64_t number);

/* The id of a reader that has no event of `room` yet; it can be honoured at any time. */
struct event_id event_id_nothing(const char *room);

/* `id.number` is at most EVENT_NUMBER_MAX. */
void event_id_format(struct event_id id, char ret_text[EVENT_ID_SIZE]);

/* False unless `text` is exactly of an id's form. */
bool event_id_parse(const char *text, struct event_id *ret_id) __attribute__((warn_unused_result));

#endif
