/*
 * The template is rendered with a mark in place of each value, and cut at the marks. A mark is a
 * control character, which neither the templates nor the tables of texts have, and the name's
 * number. Values are filled in only after the cutting, so that none can pass for a mark.
 */
#include "page_form.h"

#include "template_escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_HTML_MAX = 1024 * 1024 };
enum { MARK = '\x01', FIRST_NAME = 'A', NO_BLANK = -1 };

struct piece {
    const char *text;
    size_t len;
    int blank; /* the number of the name that follows the text, or NO_BLANK */
};

struct page_form {
    struct buffer html;
    struct piece *pieces;
    size_t count;
};

struct page_form_value page_form_string(const char *string)
{
    return (struct page_form_value){.text = string, .len = strlen(string)};
}

struct page_form_value page_form_number(uint64_t number)
{
    return (struct page_form_value){.kind = PAGE_FORM_NUMBER, .number = number};
}

/* ---- making ---- */

/* The context with a mark for each name; NULL when out of memory. */
static json_t *with_marks(json_t *context, const char *const names[], unsigned count)
{
    json_t *marked = json_object();
    bool complete = marked && json_object_update(marked, context) == 0;
    for (unsigned i = 0; complete && i < count; i++) {
        const char mark[] = {MARK, (char)(FIRST_NAME + i), '\0'};
        complete = json_object_set_new(marked, names[i], json_string(mark)) == 0;
    }
    if (complete)
        return marked;
    json_decref(marked);
    return NULL;
}

static bool cut(struct page_form *form, unsigned names)
{
    size_t marks = 0;
    if (!form->html.data)
        return false;
    for (size_t i = 0; i < form->html.len; i++)
        marks += form->html.data[i] == MARK;
    form->pieces = calloc(marks + 1, sizeof *form->pieces);
    if (!form->pieces)
        return false;
    const char *at = form->html.data;
    const char *end = at + form->html.len;
    for (const char *mark; (mark = memchr(at, MARK, (size_t)(end - at))); at = mark + 2) {
        int blank = mark[1] - FIRST_NAME;
        if (blank < 0 || (unsigned)blank >= names) /* the NUL at the very end, too */
            return false;
        form->pieces[form->count++] = (struct piece){at, (size_t)(mark - at), blank};
    }
    form->pieces[form->count++] = (struct piece){at, (size_t)(end - at), NO_BLANK};
    return true;
}

enum error_code page_form_new(const struct template *template, json_t *context,
                              const char *const names[], unsigned count,
                              struct page_form **ret_form, struct error *err)
{
    struct page_form *form = calloc(1, sizeof *form);
    json_t *marked = context ? with_marks(context, names, count) : NULL;
    if (!form || !marked) {
        free(form);
        json_decref(marked);
        return error_because(err, ERROR_INTERNAL, "out of memory for the page");
    }
    buffer_init(&form->html, FORM_HTML_MAX);
    enum error_code code = template_render(template, marked, &form->html, err);
    if (!code && !cut(form, count))
        code = error_because(err, ERROR_INTERNAL, "out of memory, or U+0001 in the page's texts");
    json_decref(marked);
    if (code)
        page_form_free(form);
    else
        *ret_form = form;
    return code;
}

void page_form_free(struct page_form *form)
{
    if (!form)
        return;
    buffer_fini(&form->html);
    free(form->pieces);
    free(form);
}

/* ---- filling in ---- */

size_t page_form_behind(const struct page_form *form, unsigned name)
{
    for (size_t i = 0; i < form->count; i++)
        if (form->pieces[i].blank == (int)name)
            return i + 1;
    return 0;
}

static void write_count(const struct page_form_value *value, struct buffer *out)
{
    const char *mark = strstr(value->text, "{n}");
    size_t before = mark ? (size_t)(mark - value->text) : value->len;
    template_escape(out, value->text, before);
    if (!mark)
        return;
    buffer_append_u64(out, value->number);
    template_escape(out, mark + strlen("{n}"), value->len - before - strlen("{n}"));
}

static void write_value(const struct page_form_value *value, struct buffer *out)
{
    switch (value->kind) {
    case PAGE_FORM_TEXT: template_escape(out, value->text, value->len); break;
    case PAGE_FORM_PLAIN: buffer_append(out, value->text, value->len); break;
    case PAGE_FORM_NUMBER: buffer_append_u64(out, value->number); break;
    case PAGE_FORM_COUNT: write_count(value, out); break;
    case PAGE_FORM_PART: value->write(value->context, out); break;
    }
}

void page_form_write(const struct page_form *form, size_t begin, size_t end,
                     const struct page_form_value values[], struct buffer *out)
{
    for (size_t i = begin; i < end && i < form->count; i++) {
        const struct piece *piece = &form->pieces[i];
        buffer_append(out, piece->text, piece->len);
        if (piece->blank != NO_BLANK)
            write_value(&values[piece->blank], out);
    }
}
