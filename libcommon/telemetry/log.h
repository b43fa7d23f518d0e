/*
 * The log: one line an event on stderr, as text for people or as JSON for machines, with named and
 * typed fields. Messages of Ulfius and Orcania, through yder, come out in the same form.
 *
 *     log_write(LOG_LEVEL_INFO, "Request", LOG_TEXT("path", path), LOG_NUMBER("status", status),
 *               LOG_DURATION("duration_ms", duration_us));
 *
 * log_open and log_close: while no other thread logs. All others: any thread, and none blocks.
 */
#ifndef TEMPMESSENGER_LOG_H
#define TEMPMESSENGER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format {
    LOG_FORMAT_AUTO, /* text where stderr is a terminal, JSON elsewhere */
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_DURATION };

/* A field has a plain key ([a-z0-9_], a literal); the text is borrowed for the call. */
struct log_field {
    const char *key; /* NULL: the end of the fields */
    enum log_field_kind kind;
    const char *text;
    uint64_t number;
};

static inline struct log_field log_field_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_TEXT, .text = text};
}

static inline struct log_field log_field_number(const char *key, uint64_t number)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_NUMBER, .number = number};
}

static inline struct log_field log_field_duration(const char *key, uint64_t duration_us)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_DURATION, .number = duration_us};
}

/* Any bytes up to the NUL; where `text` is NULL the field is left out. */
#define LOG_TEXT(key, text) log_field_text(key, text)

/* A whole number of any type that is not negative; the plus keeps pointers from compiling. */
#define LOG_NUMBER(key, number) log_field_number(key, (uint64_t)(+(number)))

/* Microseconds, written as milliseconds with three decimals; let the key end with _ms. */
#define LOG_DURATION(key, duration_us) log_field_duration(key, duration_us)

/* Writes a line: log_write(level, message, field, …) with any number of fields, also none. Where
 * the level is off, message and fields are not evaluated. */
#define log_write(level, ...)                                                                      \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_write_fields(level, LOG_FIRST(__VA_ARGS__, 0),                                     \
                             LOG_REST(__VA_ARGS__, (struct log_field){0}));                        \
    } while (0)

#define LOG_FIRST(first, ...) first
#define LOG_REST(first, ...)                                                                       \
    (const struct log_field[])                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* `service` (copied) names the program in JSON lines. Before log_open, and after log_close, nothing
 * is written. */
void log_open(const char *service, enum log_level level, enum log_format format);

void log_close(void);

/* Whether lines of this level are written. */
bool log_enabled(enum log_level level);

/* What log_write does; `fields` ends with a NULL key. A line is cut at LOG_LINE_MAX (log_line.h)
 * and goes out in one write, so that lines of several threads never mix; one that stderr does not
 * take at once is dropped. Keeps errno. */
void log_write_fields(enum log_level level, const char *message, const struct log_field *fields);

/* How many lines were dropped so far. */
uint64_t log_dropped(void);

#endif
