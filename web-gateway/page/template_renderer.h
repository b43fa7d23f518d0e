/*
 * The walk over a template's nodes that writes the page. What it writes is said at template_render.
 */
#ifndef TEMPMESSENGER_TEMPLATE_RENDERER_H
#define TEMPMESSENGER_TEMPLATE_RENDERER_H

#include "buffer.h"
#include "template_file.h"

#include <jansson.h>

/* Renders the first file of the list, all of which are compiled. As template_render. */
enum error_code template_renderer_run(const struct template_file_list *list, const json_t *context,
                                      struct buffer *out, struct error *err) ERROR_MUST_USE;

#endif
