#include "live_listing.h"

#include "live_room_private.h"

void live_listing_fini(struct live_listing *listing)
{
    blob_release(listing->json);
    message_array_free(listing->messages);
    *listing = (struct live_listing){0};
}

/* The message called `id` on the board, borrowed, or NULL. */
static struct message *find(const struct live_room *room, const char *id)
{
    return message_id_valid(id) ? board_find(room->board, id) : NULL;
}

/* Under the lock. */
static bool list(struct live_room *room, size_t newest, const char *before, uint64_t now_us,
                 struct live_listing *listing)
{
    struct message_array_filter filter = {.newest = newest};
    board_etag(room->board, listing->etag);
    if (!newest && !before && board_count(room->board) <= LIVE_LISTING_FEW) {
        listing->json = board_list_get(&room->list, room->board, now_us);
        return listing->json != NULL;
    }
    if (before)
        filter.before = find(room, before);
    if (before && !filter.before)
        filter.above = UINT64_MAX; /* nothing */
    listing->messages = message_array_of(room->board, &filter);
    return listing->messages != NULL;
}

enum error_code live_listing_make(struct live_room *room, size_t newest, const char *before,
                                  struct live_listing *ret_listing)
{
    uint64_t now_us = live_room_enter(room);
    bool good = list(room, newest, before, now_us, ret_listing);
    live_room_leave(room);
    return good ? ERROR_NONE : ERROR_INTERNAL;
}
