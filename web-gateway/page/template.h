/*
 * The page's templates: the Mustache language (its public specification) without the parts that are
 * unsafe in a page with strangers' texts.
 *
 * There are variables {{name}}, always escaped for HTML; dotted names and {{.}}; sections
 * {{#name}}…{{/name}}; inverted sections {{^name}}…{{/name}}; comments {{! … }}; partials
 * {{>name}}, which are the files `<name>.html` of the same directory. Unescaped variables, other
 * delimiters and inheritance are refused at load, and JSON has no lambdas.
 *
 * Escaping makes a variable safe in text and in a quoted attribute, and nowhere else: a template
 * puts none into a script, a style, an unquoted attribute or the scheme of a link.
 */
#ifndef TEMPMESSENGER_TEMPLATE_H
#define TEMPMESSENGER_TEMPLATE_H

#include "buffer.h"
#include "cleanup.h"
#include "error.h"
#include "template_limits.h"

#include <jansson.h>

struct template;

/*
 * Reads `name` (like home.html) and its partials from `dir` and compiles them. The template never
 * changes after that: any thread may render it, any number at a time.
 * INTERNAL, with a cause for the operator such as `home.html:12: {{#a}} is not closed`, for a file
 * that cannot be read, a tag that this engine refuses, and a limit of template_limits.h exceeded.
 */
enum error_code template_load(const char *dir, const char *name, struct template **ret_template,
                              struct error *err) ERROR_MUST_USE;

/* No rendering may be under way. Takes NULL. */
void template_free(struct template *template);

/*
 * Appends the template, filled in from `context`, to `out`; takes time linear in the
 * nodes that it visits and allocates only the buffer.
 *
 * - A name is looked up in the innermost section's value that has it, and further parts of a dotted
 *   name in that value only. A name that is nowhere, null, an object or a list prints nothing.
 * - false, null, 0, "", an empty list and a name that is nowhere are false to a section; an empty
 *   object is true.
 * - A partial on a line of its own is indented as its tag is, line by line.
 *
 * INTERNAL when `out` failed (over its maximum, or out of memory), for partials within each other
 * deeper than the limit, and for too many steps; `out` then holds a part and must not be sent.
 */
enum error_code template_render(const struct template *template, const json_t *context,
                                struct buffer *out, struct error *err) ERROR_MUST_USE;

CLEANUP_DEFINE(struct template, template_free)

#endif
