/*
 * The template engine: a template, one partial called p, and a context, with a line "----" between.
 * Nothing of the context reaches a page unescaped, and each rendering is the same, or is refused
 * because the buffer is too small for it.
 *
 * The parser gets its sources from memory; it looks for any other partial where no file can be.
 */
#include "cleanup.h"
#include "input.h"
#include "template_parser.h"
#include "template_renderer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 64 * 1024, SOURCE_MAX = 4096 };

static const char separator[] = "\n----\n";
static const char nowhere[] = "/dev/null";

/* Takes the bytes before the next separator, and the separator. */
static char *take_part(struct input *input, size_t *ret_len)
{
    const uint8_t *found =
        input->left ? memmem(input->at, input->left, separator, strlen(separator)) : NULL;
    struct input part = {input->at, found ? (size_t)(found - input->at) : input->left};
    size_t taken = part.left + (found ? strlen(separator) : 0);
    input->at += taken;
    input->left -= taken;
    return input_rest(&part, ret_len);
}

static void add_file(struct template_file_list *list, const char *name, struct input *input)
{
    struct template_file *file = &list->files[list->count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->source = take_part(input, &file->len);
}

static bool compile(struct template_file_list *list)
{
    struct error err = {0};
    for (unsigned i = 0; i < list->count; i++) {
        enum error_code code = template_parser_compile(list, i, nowhere, &err);
        REQUIRE(code == ERROR_NONE || code == ERROR_INTERNAL);
        if (code) {
            REQUIRE(err.cause[0]);
            return false;
        }
    }
    return true;
}

/* A byte that no source has can only be from the context, where it must have been escaped. */
static void check_escaped(const struct template_file_list *list, const struct buffer *page)
{
    for (const char *byte = "<>\"'"; *byte; byte++) {
        bool in_source = false;
        for (unsigned i = 0; i < list->count; i++)
            in_source |= memchr(list->files[i].source, *byte, list->files[i].len) != NULL;
        REQUIRE(in_source || !page->len || !memchr(page->data, *byte, page->len));
    }
}

static void check_rendering(const struct template_file_list *list, const json_t *context)
{
    CLEANUP_FINI(buffer_fini) struct buffer page;
    CLEANUP_FINI(buffer_fini) struct buffer again;
    struct error err = {0};
    buffer_init(&page, PAGE_MAX);
    enum error_code code = template_renderer_run(list, context, &page, &err);
    REQUIRE(code == ERROR_NONE || (code == ERROR_INTERNAL && err.cause[0]));
    check_escaped(list, &page);
    buffer_init(&again, code ? PAGE_MAX : page.len);
    REQUIRE(template_renderer_run(list, context, &again, NULL) == code);
    REQUIRE(again.len == page.len);
    REQUIRE(!page.len || memcmp(again.data, page.data, page.len) == 0);
    if (code || !page.len)
        return;
    buffer_fini(&again);
    buffer_init(&again, page.len - 1);
    REQUIRE(template_renderer_run(list, context, &again, NULL) == ERROR_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > SOURCE_MAX)
        return 0;
    struct input input = {bytes, len};
    struct template_file_list *list = calloc(1, sizeof *list);
    REQUIRE(list);
    add_file(list, "home.html", &input);
    add_file(list, "p.html", &input);
    size_t json_len;
    char *json = input_rest(&input, &json_len);
    json_t *context = json_loadb(json, json_len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    free(json);
    if (compile(list))
        check_rendering(list, context);
    json_decref(context);
    template_file_list_fini(list);
    free(list);
    return 0;
}
