/*
 * A list carries "expires_in" in milliseconds, so readers can share it for one millisecond and no
 * longer; at high rates that is most of them. A list without the messages that still wait for their
 * number is rare and short-lived, and not kept.
 */
#include "board_list.h"

#include "buffer.h"

/* The longest list; far above what any MESSAGE_MAX_BYTES and ROOM_MAX_MESSAGES need. */
static const size_t list_max = (size_t)1 << 34;

void board_list_fini(struct board_list *list)
{
    blob_release(list->json);
    *list = (struct board_list){0};
}

/* Renders the messages with numbers, and those without unless `numbered_only`. */
static struct blob *render(const struct board *board, uint64_t now_us, bool numbered_only)
{
    CLEANUP_FINI(buffer_fini) struct buffer buffer;
    buffer_init(&buffer, list_max);
    buffer_append(&buffer, "[", 1);
    for (size_t i = 0; i < board_count(board); i++) {
        const struct message *message = board_at(board, i);
        if (numbered_only && !message->number)
            continue;
        if (buffer.len > 1)
            buffer_append(&buffer, ",", 1);
        message_append_json(message, now_us, &buffer);
    }
    buffer_append(&buffer, "]", 1);
    return buffer.failed ? NULL : blob_new(buffer.data, buffer.len);
}

struct blob *board_list_render(const struct board *board, uint64_t now_us)
{
    return render(board, now_us, false);
}

struct blob *board_list_get(struct board_list *list, const struct board *board, uint64_t now_us)
{
    uint64_t now_ms = now_us / 1000;
    if (!list->json || list->made_ms != now_ms || list->version != board_version(board)) {
        struct blob *json = board_list_render(board, now_us);
        if (!json)
            return NULL;
        blob_release(list->json);
        *list = (struct board_list){json, now_ms, board_version(board)};
    }
    return blob_retain(list->json);
}

struct blob *board_list_get_numbered(struct board_list *list, const struct board *board,
                                     uint64_t now_us)
{
    return board_all_numbered(board) ? board_list_get(list, board, now_us)
                                     : render(board, now_us, true);
}
