#include "event_batch.h"

#include <stdlib.h>

struct event_batch *event_batch_new(size_t count, size_t bytes)
{
    struct event_batch *batch = malloc(sizeof *batch + count * sizeof(struct event_batch_part));
    if (!batch)
        return NULL;
    *batch = (struct event_batch){.soonest_us = UINT64_MAX};
    atomic_init(&batch->references, 1);
    batch->bytes = blob_of_size(bytes);
    if (batch->bytes)
        return batch;
    free(batch);
    return NULL;
}

struct event_batch *event_batch_retain(struct event_batch *batch)
{
    atomic_fetch_add_explicit(&batch->references, 1, memory_order_relaxed);
    return batch;
}

void event_batch_release(struct event_batch *batch)
{
    if (!batch || atomic_fetch_sub_explicit(&batch->references, 1, memory_order_acq_rel) != 1)
        return;
    blob_release(batch->bytes);
    free(batch);
}

struct blob *event_batch_rest(const struct event_batch *batch, size_t sent, uint64_t *ret_position)
{
    size_t part = 0;
    while (batch->parts[part].end <= sent)
        part++;
    *ret_position = batch->parts[part].next;
    return blob_new(batch->bytes->data + sent, batch->parts[part].end - sent);
}
