/*
 * JSON has no line breaks outside of its strings and none unescaped inside, so an event's data is
 * always one line.
 */
#include "event_text.h"

enum { RETRY_MIN_MS = 1000, RETRY_SPREAD_MS = 2000 };

void event_text_append_retry(struct buffer *text, uint64_t random)
{
    buffer_append_format(text, "retry: %u\n",
                         (unsigned)(RETRY_MIN_MS + random % (RETRY_SPREAD_MS + 1)));
}

void event_text_append_full(struct buffer *text, unsigned retry_after_s)
{
    buffer_append_format(text, "retry: %u000\nevent: full\ndata: {\"retry_after\":%u}\n\n",
                         retry_after_s, retry_after_s);
}

static void append_id(struct buffer *text, struct event_id id)
{
    char id_text[EVENT_ID_SIZE];
    event_id_format(id, id_text);
    buffer_append(text, "id: ", 4);
    buffer_append(text, id_text, EVENT_ID_LEN);
}

void event_text_append_snapshot_head(struct buffer *text, struct event_id id)
{
    append_id(text, id);
    buffer_append_string(text, "\nevent: snapshot\ndata: ");
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
