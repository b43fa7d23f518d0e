/*
 * JSON has no line breaks outside of its strings and none unescaped inside, so an event's data is
 * always one line.
 */
#include "event_text.h"

#include <stdio.h>
#include <string.h>

enum { RETRY_MIN_MS = 1000, RETRY_SPREAD_MS = 2000 };

/* A snapshot at its longest: far above what a room can hold. */
static const size_t snapshot_max = (size_t)1 << 34;

void event_text_retry(uint64_t random, char ret_text[EVENT_TEXT_RETRY_SIZE])
{
    snprintf(ret_text, EVENT_TEXT_RETRY_SIZE, "retry: %u\n\n",
             (unsigned)(RETRY_MIN_MS + random % (RETRY_SPREAD_MS + 1)));
}

static struct blob *literal(const char *text)
{
    return blob_new(text, strlen(text));
}

struct blob *event_text_comment(void)
{
    return literal(":\n\n");
}

struct blob *event_text_stopping(void)
{
    return literal("event: stopping\ndata: {}\n\n");
}

static void append_id(struct buffer *text, struct event_id id)
{
    char id_text[EVENT_ID_SIZE];
    event_id_format(id, id_text);
    buffer_append(text, "id: ", 4);
    buffer_append(text, id_text, EVENT_ID_LEN);
}

struct blob *event_text_snapshot(struct event_id id, const struct blob *list)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, snapshot_max);
    append_id(&text, id);
    buffer_append_string(&text, "\nevent: snapshot\ndata: ");
    buffer_append(&text, list->data, list->len);
    buffer_append(&text, "\n\n", 2);
    return event_text_blob(&text);
}

void event_text_append_resumed(struct buffer *text, size_t missed)
{
    buffer_append_format(text, "event: resumed\ndata: {\"missed\":%zu}\n\n", missed);
}

void event_text_append_message(struct buffer *text, struct event_id id,
                               const struct message *message, uint64_t now_us)
{
    append_id(text, id);
    buffer_append_string(text, "\nevent: message\ndata: ");
    message_append_json(message, now_us, text);
    buffer_append(text, "\n\n", 2);
}

static void append_gone(struct buffer *text, const char *event, const char *message_id)
{
    buffer_append_format(text, "event: %s\ndata: {\"id\":\"%s\"}\n\n", event, message_id);
}

void event_text_append_expired(struct buffer *text, const char *message_id)
{
    append_gone(text, "expired", message_id);
}

void event_text_append_deleted(struct buffer *text, const char *message_id)
{
    append_gone(text, "deleted", message_id);
}

struct blob *event_text_blob(const struct buffer *text)
{
    return text->failed ? NULL : blob_new(text->data, text->len);
}
