/*
 * The page's templates: the Mustache language (its public specification), less what a page that
 * shows strangers' texts had better not have.
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

#include <jansson.h>

enum {
    TEMPLATE_FILE_MAX = 128 * 1024,  /* bytes of one file */
    TEMPLATE_FILES_MAX = 32,         /* a template and all of its partials */
    TEMPLATE_NAME_MAX = 64,          /* bytes of a name in a tag, its dots counted */
    TEMPLATE_NESTING_MAX = 16,       /* sections within each other, in one file */
    TEMPLATE_PARTIAL_DEPTH_MAX = 16, /* partials within each other, while rendering */
    TEMPLATE_STEPS_MAX = 10000000    /* tags and lines that one rendering goes through */
};

struct template;

/*
 * Reads `name` (like home.html) and its partials from `dir` and compiles them. The template never
 * changes after that: any thread may render it, any number at a time.
 * INTERNAL, with a cause for the operator such as `home.html:12: {{#a}} is not closed`, for a file
 * that cannot be read, what the language does not have, and each limit above.
 */
enum error_code template_load(const char *dir, const char *name, struct template **ret_template,
                              struct error *err) ERROR_MUST_USE;

/* No rendering may be under way. Takes NULL. */
void template_free(struct template *template);

/*
 * Appends the template, filled in from `context`, to `out`; takes time linear in what it goes
 * through and allocates nothing but the buffer.
 *
 * - A name is looked up in the innermost section's value that has it, and further parts of a dotted
 *   name in that value only. A name that is nowhere, null, an object or a list prints nothing.
 * - false, null, 0, "", an empty list and a name that is nowhere are false to a section; an empty
 *   object is true.
 * - A partial on a line of its own is indented as its tag is, line by line.
 *
 * INTERNAL when `out` failed (over its maximum, or out of memory), for partials within each other
 * deeper than the limit, and for too many steps; `out` then holds a part and is not to be sent.
 */
enum error_code template_render(const struct template *template, const json_t *context,
                                struct buffer *out, struct error *err) ERROR_MUST_USE;

CLEANUP_DEFINE(struct template, template_free)

#endif
