/*
 * The chunked transfer coding (RFC 9112, 7.1) of answers that are written by hand. Pure.
 */
#ifndef TEMPMESSENGER_HTTP_CHUNK_H
#define TEMPMESSENGER_HTTP_CHUNK_H

#include "blob.h"

#include <stddef.h>

enum { HTTP_CHUNK_END_LEN = 2 };

/* `len` bytes as one chunk; 0: the last chunk. NULL when out of memory. */
struct blob *http_chunk_new(const char *bytes, size_t len);

#endif
