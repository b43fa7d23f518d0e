/*
 * Adding is a few relaxed atomic additions: nothing is ordered by these numbers, so nothing need be
 * ordered around them. A histogram keeps each bucket for itself, which makes an observation two
 * additions whatever its value, and adds up when it is written: so its count is always that of its
 * buckets, however many threads add meanwhile. Its sum may be ahead or behind by those.
 *
 * All histograms have the same bounds. What is timed here (answers, calls, the lateness of expired
 * events) lies in one range, and a bound that two of them share can be compared.
 *
 * Times are kept in whole microseconds and written as decimal fractions of seconds, digit by digit:
 * no floating point, so no locale and no rounding.
 */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

enum { US_PER_S = 1000000, SECONDS_SIZE = 32 };

const uint64_t metrics_bounds_us[METRICS_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

/* ---- values ---- */

void metrics_observe(struct metrics_histogram *histogram, uint64_t took_us)
{
    size_t bucket = 0;
    while (bucket < METRICS_BOUNDS && took_us > metrics_bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, took_us, memory_order_relaxed);
}

void metrics_observed(const struct metrics_histogram *histogram,
                      struct metrics_distribution *ret_distribution)
{
    *ret_distribution = (struct metrics_distribution){
        .sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed),
    };
    for (size_t i = 0; i <= METRICS_BOUNDS; i++) {
        uint64_t count = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        ret_distribution->buckets[i] = count;
        ret_distribution->count += count;
    }
}

/* ---- the text ---- */

/* Appends `text` with a backslash before each of `special`, and line feeds as \n. */
static void append_escaped(struct buffer *buffer, const char *text, const char *special)
{
    while (*text) {
        size_t plain = strcspn(text, special);
        buffer_append(buffer, text, plain);
        text += plain;
        if (!*text)
            break;
        buffer_append_string(buffer, "\\");
        buffer_append(buffer, *text == '\n' ? "n" : text, 1);
        text++;
    }
}

void metrics_write_family(struct metrics_writer *writer, const char *name, enum metrics_type type,
                          const char *help)
{
    static const char *const types[] = {
        [METRICS_COUNTER] = "counter",
        [METRICS_GAUGE] = "gauge",
        [METRICS_HISTOGRAM] = "histogram",
    };
    writer->family = name;
    buffer_append_format(writer->text, "# HELP %s ", name);
    append_escaped(writer->text, help, "\\\n");
    buffer_append_format(writer->text, "\n# TYPE %s %s\n", name, types[type]);
}

static void append_label(struct buffer *text, const char *before, const char *name,
                         const char *value)
{
    buffer_append_format(text, "%s%s=\"", before, name);
    append_escaped(text, value, "\\\"\n");
    buffer_append_string(text, "\"");
}

/* Appends a sample up to its value; `bound` is a bucket's, NULL elsewhere. */
static void append_name(struct metrics_writer *writer, const char *suffix,
                        const struct metrics_label *labels, const char *bound)
{
    const char *before = "{";
    buffer_append_format(writer->text, "%s%s", writer->family, suffix);
    for (; labels && labels->name; labels++, before = ",")
        append_label(writer->text, before, labels->name, labels->value);
    if (bound)
        append_label(writer->text, before, "le", bound);
    buffer_append_string(writer->text, bound || *before == ',' ? "} " : " ");
}

/* 1500000 as "1.5". */
static const char *seconds(uint64_t us, char ret_seconds[SECONDS_SIZE])
{
    int len = snprintf(ret_seconds, SECONDS_SIZE, "%llu.%06llu", (unsigned long long)us / US_PER_S,
                       (unsigned long long)us % US_PER_S);
    while (ret_seconds[len - 1] == '0')
        len--;
    ret_seconds[ret_seconds[len - 1] == '.' ? len - 1 : len] = '\0';
    return ret_seconds;
}

static void write_number(struct metrics_writer *writer, const char *suffix,
                         const struct metrics_label *labels, const char *bound, uint64_t number)
{
    append_name(writer, suffix, labels, bound);
    buffer_append_u64(writer->text, number);
    buffer_append_string(writer->text, "\n");
}

static void write_seconds(struct metrics_writer *writer, const char *suffix,
                          const struct metrics_label *labels, uint64_t us)
{
    char text[SECONDS_SIZE];
    append_name(writer, suffix, labels, NULL);
    buffer_append_string(writer->text, seconds(us, text));
    buffer_append_string(writer->text, "\n");
}

void metrics_write_number(struct metrics_writer *writer, const struct metrics_label *labels,
                          uint64_t number)
{
    write_number(writer, "", labels, NULL, number);
}

void metrics_write_seconds(struct metrics_writer *writer, const struct metrics_label *labels,
                           uint64_t us)
{
    write_seconds(writer, "", labels, us);
}

void metrics_write_one(struct metrics_writer *writer, const char *name, enum metrics_type type,
                       uint64_t number, const char *help)
{
    metrics_write_family(writer, name, type, help);
    metrics_write_number(writer, NULL, number);
}

void metrics_write_distribution(struct metrics_writer *writer, const struct metrics_label *labels,
                                const struct metrics_distribution *distribution)
{
    uint64_t count = 0;
    char bound[SECONDS_SIZE];
    for (size_t i = 0; i < METRICS_BOUNDS; i++) {
        count += distribution->buckets[i];
        write_number(writer, "_bucket", labels, seconds(metrics_bounds_us[i], bound), count);
    }
    write_number(writer, "_bucket", labels, "+Inf", distribution->count);
    write_seconds(writer, "_sum", labels, distribution->sum_us);
    write_number(writer, "_count", labels, NULL, distribution->count);
}
