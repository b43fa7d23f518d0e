/*
 * Outcomes are counted by error code, so each error of the list has its word here.
 *
 * A call that did not reach the other process is not timed. While that is away the breaker fails
 * most calls at once, which would make it look quick just then; the counter has their number.
 */
#include "call_metrics.h"

#include <stdbool.h>

void call_metrics_add(struct call_metrics *calls, enum error_code outcome, uint64_t took_us)
{
    metrics_count(&calls->outcomes[outcome]);
    if (outcome != ERROR_UNAVAILABLE)
        metrics_observe(&calls->durations, took_us);
}

void call_metrics_read(const struct call_metrics *calls, struct call_metrics_reading *ret_reading)
{
    for (size_t i = 0; i < ERROR_COUNT; i++)
        ret_reading->outcomes[i] = metrics_counted(&calls->outcomes[i]);
    metrics_observed(&calls->durations, &ret_reading->durations);
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
                           const struct call_metrics_reading *reading)
{
    for (enum error_code code = ERROR_NONE; code < ERROR_COUNT; code++)
        if (reading->outcomes[code] || is_always_there(code))
            metrics_write_number(writer,
                                 METRICS_LABELS({"kind", kind}, {"outcome", outcome_name(code)}),
                                 reading->outcomes[code]);
}

void call_metrics_write(const struct call_metrics_family *family,
                        const struct call_metrics_reading *readings, struct metrics_writer *writer)
{
    metrics_write_family(writer, family->calls_name, METRICS_COUNTER, family->calls_help);
    for (size_t i = 0; i < family->kind_count; i++)
        write_outcomes(writer, family->kinds[i], &readings[i]);
    metrics_write_family(writer, family->duration_name, METRICS_HISTOGRAM, family->duration_help);
    for (size_t i = 0; i < family->kind_count; i++)
        metrics_write_distribution(writer, METRICS_LABELS({"kind", family->kinds[i]}),
                                   &readings[i].durations);
}
