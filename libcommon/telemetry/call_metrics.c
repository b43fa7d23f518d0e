/*
 * Outcomes are counted by error code, so an error that is added to the list has its word here too.
 *
 * What could not be reached is not timed. While the other side is away most calls fail at once, by
 * the breaker, and would make it look quick just then; how often that was is in the counter.
 */
#include "call_metrics.h"

#include <stdbool.h>

void call_metrics_add(struct call_metrics *meter, enum error_code outcome, uint64_t took_us)
{
    metrics_count(&meter->outcomes[outcome]);
    if (outcome != ERROR_UNAVAILABLE)
        metrics_observe(&meter->durations, took_us);
}

void call_metrics_read(const struct call_metrics *meter, struct call_metrics_reading *ret_metrics)
{
    for (size_t i = 0; i < ERROR_COUNT; i++)
        ret_metrics->outcomes[i] = metrics_counted(&meter->outcomes[i]);
    metrics_observed(&meter->durations, &ret_metrics->durations);
}

static const char *outcome_name(enum error_code outcome)
{
    return outcome ? error_type(outcome) + sizeof ERROR_TYPE_PREFIX - 1 : "ok";
}

static bool is_always_there(enum error_code outcome)
{
    return outcome == ERROR_NONE || outcome == ERROR_UNAVAILABLE || outcome == ERROR_TIMEOUT;
}

static void write_outcomes(struct metrics_writer *writer, const char *kind,
                           const struct call_metrics_reading *metrics)
{
    for (enum error_code code = ERROR_NONE; code < ERROR_COUNT; code++)
        if (metrics->outcomes[code] || is_always_there(code))
            metrics_write_number(writer,
                                 METRICS_LABELS({"kind", kind}, {"outcome", outcome_name(code)}),
                                 metrics->outcomes[code]);
}

void call_metrics_write(const struct call_metrics_family *family,
                        const struct call_metrics_reading *metrics, struct metrics_writer *writer)
{
    metrics_write_family(writer, family->calls_name, METRICS_COUNTER, family->calls_help);
    for (size_t i = 0; i < family->kind_count; i++)
        write_outcomes(writer, family->kinds[i], &metrics[i]);
    metrics_write_family(writer, family->duration_name, METRICS_HISTOGRAM, family->duration_help);
    for (size_t i = 0; i < family->kind_count; i++)
        metrics_write_distribution(writer, METRICS_LABELS({"kind", family->kinds[i]}),
                                   &metrics[i].durations);
}
