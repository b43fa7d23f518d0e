/*
 * Copies the runs of bytes that need no escape whole; the cost is that of finding the few that do.
 */
#include "template_escape.h"

#include <string.h>

static const char *const entities[256] = {
    ['&'] = "&amp;",  ['<'] = "&lt;",   ['>'] = "&gt;",
    ['"'] = "&quot;", ['\''] = "&#39;", ['\r'] = "&#13;", /* a browser would make it a line feed */
};

static const char escaped[] = "&<>\"'\r";

void template_escape(struct buffer *out, const char *text, size_t len)
{
    if (!len) /* there may be no text */
        return;
    size_t plain = 0; /* where the run of bytes that need no escape began */
    for (size_t i = strcspn(text, escaped); i < len; i += 1 + strcspn(text + i + 1, escaped)) {
        const char *entity = entities[(unsigned char)text[i]];
        if (!entity) /* a NUL */
            continue;
        buffer_append(out, text + plain, i - plain);
        buffer_append_string(out, entity);
        plain = i + 1;
    }
    buffer_append(out, text + plain, len - plain);
}
