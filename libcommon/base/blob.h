/*
 * Immutable bytes with a count: made once, shared by any number of readers and threads.
 */
#ifndef TEMPMESSENGER_BLOB_H
#define TEMPMESSENGER_BLOB_H

#include "cleanup.h"

#include <stdatomic.h>
#include <stddef.h>

struct blob {
    _Atomic unsigned references;
    size_t len;
    char data[];
};

/* A copy of `len` bytes with one reference, the caller's; NULL when out of memory. */
struct blob *blob_new(const void *bytes, size_t len);

/* The same, but the caller writes the bytes, before anyone else has the blob. */
struct blob *blob_of_size(size_t len);

/* One reference more; returns `blob`. Any thread. */
struct blob *blob_retain(struct blob *blob);

/* One reference less; the last frees. Takes NULL. Any thread. */
void blob_release(struct blob *blob);

CLEANUP_DEFINE(struct blob, blob_release)

#endif
