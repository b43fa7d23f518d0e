/*
 * One allocation a blob. The count is the only field that changes after blob_new.
 */
#include "blob.h"

#include <stdlib.h>
#include <string.h>

struct blob *blob_of_size(size_t len)
{
    struct blob *blob = malloc(sizeof *blob + len);
    if (!blob)
        return NULL;
    atomic_init(&blob->references, 1);
    blob->len = len;
    return blob;
}

struct blob *blob_new(const void *bytes, size_t len)
{
    struct blob *blob = blob_of_size(len);
    if (blob && len)
        memcpy(blob->data, bytes, len);
    return blob;
}

struct blob *blob_retain(struct blob *blob)
{
    atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    return blob;
}

void blob_release(struct blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel) == 1)
        free(blob);
}
