/*
 * What the template is given, and nothing of how it looks. Texts go in as they are: the template
 * engine escapes every variable.
 */
#include "page.h"

#include "template.h"

#include <stdlib.h>
#include <string.h>

struct page {
    struct template *template;
};

enum error_code page_load(const char *template_dir, struct page **ret_page, struct error *err)
{
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    enum error_code code = template_load(template_dir, "home.html", &page->template, err);
    if (code)
        page_free(page);
    else
        *ret_page = page;
    return code;
}

void page_free(struct page *page)
{
    if (!page)
        return;
    template_free(page->template);
    free(page);
}

static json_t *message_context(const struct message *message, uint64_t now_us)
{
    char created_at[MESSAGE_TIME_SIZE];
    char expires_at[MESSAGE_TIME_SIZE];
    message_time_format(message->created_at_ms, created_at);
    message_time_format(message->expires_at_ms, expires_at);
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:I}", "id", message->id, "message", message->text,
                     "author", message->author, "created_at", created_at, "expires_at", expires_at,
                     "expires_in", (json_int_t)message_expires_in_ms(message, now_us));
}

static json_t *page_context(const char *room, const struct board *board, uint64_t now_us)
{
    json_t *messages = json_array();
    for (size_t i = 0; i < board_count(board); i++)
        if (json_array_append_new(messages, message_context(board_at(board, i), now_us)) != 0) {
            json_decref(messages);
            return NULL;
        }
    bool is_default = strcmp(room, ROOM_NAME_DEFAULT) == 0;
    return json_pack("{s:s, s:b, s:b, s:o}", "room", room, "is_lobby", is_default, "is_empty",
                     board_count(board) == 0, "messages", messages);
}

enum error_code page_render(const struct page *page, const char *room, const struct board *board,
                            uint64_t now_us, struct buffer *ret_html, struct error *err)
{
    json_t *context = page_context(room, board, now_us);
    if (!context)
        return error_because(err, ERROR_INTERNAL, "out of memory for the page");
    enum error_code code = template_render(page->template, context, ret_html, err);
    json_decref(context);
    return code;
}
