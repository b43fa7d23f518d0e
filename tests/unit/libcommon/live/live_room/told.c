/*
 * Knows the lines that event_text.h writes, and fails the test on any other.
 */
#include "told.h"

#include "message.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const char *line, const char *field)
{
    size_t len = strlen(field);
    return strncmp(line, field, len) == 0 ? line + len : NULL;
}

static void take_line(struct told *told, const char *line)
{
    const char *value;
    if (strcmp(line, ":") == 0)
        snprintf(told->event, sizeof told->event, "comment");
    else if ((value = value_of(line, "retry: ")))
        snprintf(told->event, sizeof told->event, "retry");
    else if ((value = value_of(line, "event: ")))
        snprintf(told->event, sizeof told->event, "%s", value);
    else if ((value = value_of(line, "id: ")))
        snprintf(told->id, sizeof told->id, "%s", value);
    else if ((value = value_of(line, "data: ")))
        told->data = value;
    else
        ck_abort_msg("no line of an event: %s", line);
}

/* What is told apart though it is no event of its own: the line before the first, and comments. */
static size_t told_line(char *text, struct told *ret_told)
{
    char *end = strchr(text, '\n');
    if (!end || (text[0] != ':' && strncmp(text, "retry: ", 7) != 0))
        return 0;
    *end = '\0';
    take_line(ret_told, text);
    return (size_t)(end - text) + 1;
}

size_t told_next(char *text, struct told *ret_told)
{
    *ret_told = (struct told){0};
    size_t line_len = text ? told_line(text, ret_told) : 0;
    if (line_len)
        return line_len;
    char *end = text ? strstr(text, "\n\n") : NULL;
    if (!end)
        return 0;
    *end = '\0';
    for (char *line = text; line;) {
        char *line_end = strchr(line, '\n');
        if (line_end)
            *line_end++ = '\0';
        take_line(ret_told, line);
        line = line_end;
    }
    return (size_t)(end - text) + 2;
}

uint64_t told_message(const char **data)
{
    const char *at = *data ? strstr(*data, "\"id\":\"") : NULL;
    if (!at)
        return 0;
    *data = at + 6;
    return strtoull(*data + MESSAGE_ID_LEN / 2, NULL, 16);
}

uint64_t told_number(const char *event_id)
{
    struct event_id id;
    ck_assert(event_id_parse(event_id, &id));
    return id.number > FIRST_NUMBER ? id.number - FIRST_NUMBER : id.number;
}

void told_append(struct buffer *summary, const struct told *told)
{
    if (summary->len)
        buffer_append_string(summary, "; ");
    buffer_append_string(summary, told->event);
    const char *missed = told->data ? value_of(told->data, "{\"missed\":") : NULL;
    if (missed)
        buffer_append_format(summary, " %ld", strtol(missed, NULL, 10));
    const char *data = told->data;
    uint64_t message;
    for (const char *separator = " "; (message = told_message(&data)); separator = ",")
        buffer_append_format(summary, "%s%" PRIu64, separator, message);
    if (told->id[0])
        buffer_append_format(summary, " #%" PRIu64, told_number(told->id));
}

void told_drop(struct buffer *text, size_t len)
{
    text->len -= len;
    memmove(text->data, text->data + len, text->len + 1);
}
