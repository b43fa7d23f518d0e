/*
 * The escaping that makes a text safe in HTML: between tags and in a quoted attribute.
 */
#ifndef TEMPMESSENGER_TEMPLATE_ESCAPE_H
#define TEMPMESSENGER_TEMPLATE_ESCAPE_H

#include "buffer.h"

/* Appends `len` bytes of `text`, escaped. A NUL stands behind them, or further on. */
void template_escape(struct buffer *out, const char *text, size_t len);

#endif
