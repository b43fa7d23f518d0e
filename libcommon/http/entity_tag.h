/*
 * Strong entity tags (RFC 9110, 8.8.3) of bytes that stay as they are while the process runs.
 */
#ifndef TEMPMESSENGER_ENTITY_TAG_H
#define TEMPMESSENGER_ENTITY_TAG_H

#include <stddef.h>

/* "<16 hex digits>-<length in hex>", its quotes and its NUL. */
enum { ENTITY_TAG_SIZE = 40 };

/* The same bytes have the same tag, in every process and on every machine. */
void entity_tag_make(const void *bytes, size_t len, char ret_tag[ENTITY_TAG_SIZE]);

#endif
