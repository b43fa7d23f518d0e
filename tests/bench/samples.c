/*
 * All values are kept and sorted at the end: exact, and of no cost while measuring.
 */
#include "samples.h"

#include "loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void samples_init(struct samples *samples, size_t capacity)
{
    *samples = (struct samples){.capacity = capacity};
    samples->values = malloc((capacity ? capacity : 1) * sizeof *samples->values);
    if (!samples->values)
        loop_fail("out of memory for %zu samples", capacity);
    /* Touched now, so that no page is first used while measuring. */
    memset(samples->values, 0xff, capacity * sizeof *samples->values);
}

void samples_fini(struct samples *samples)
{
    free(samples->values);
    samples->values = NULL;
}

void samples_add(struct samples *samples, int64_t value)
{
    if (samples->count == samples->capacity)
        loop_fail("more samples than expected");
    samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* The value that `percent` of all do not exceed. */
static int64_t percentile(const struct samples *samples, size_t percent)
{
    size_t rank = (samples->count * percent + 99) / 100;
    return samples->count ? samples->values[rank ? rank - 1 : 0] : 0;
}

void samples_print(struct samples *samples, const char *name)
{
    qsort(samples->values, samples->count, sizeof *samples->values, compare);
    printf("\"%s\":{\"count\":%zu,\"min\":%" PRId64 ",\"p50\":%" PRId64 ",\"p99\":%" PRId64
           ",\"max\":%" PRId64 "}",
           name, samples->count, percentile(samples, 0), percentile(samples, 50),
           percentile(samples, 99), percentile(samples, 100));
}
