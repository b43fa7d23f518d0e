/*
 * What a stream told its reader, event by event, as short as a test wants to say it.
 *
 * Messages are called by small numbers: message 3 has the id 3 and the number FIRST_NUMBER + 3.
 */
#ifndef TEMPMESSENGER_TESTS_TOLD_H
#define TEMPMESSENGER_TESTS_TOLD_H

#include "buffer.h"
#include "event_id.h"

#include <stddef.h>
#include <stdint.h>

#define FIRST_NUMBER UINT64_C(1795327200000000)
#define EPOCH UINT64_C(1795327200000000)

struct told {
    char event[16]; /* "retry" and "comment" too */
    char id[EVENT_ID_SIZE];
    const char *data; /* in the text that was read, or NULL */
};

/* Reads the event at the beginning of `text` (NULL: there is none yet), which it cuts into lines.
 * Returns its length, or 0 where it is not whole. */
size_t told_next(char *text, struct told *ret_told);

/* Takes off what has been read. */
void told_drop(struct buffer *text, size_t len);

/* The next message in `*data`, or 0; moves on behind it. */
uint64_t told_message(const char **data);

/* The message whose event has this id. */
uint64_t told_number(const char *event_id);

/* Appends "message 3 #3", behind a "; " where there is something before it. */
void told_append(struct buffer *summary, const struct told *told);

#endif
