/*
 * Messages that end while the opening is written are left out of it, and their `expired` follows in
 * the stream. But a reader that says it has nothing, as the gateway's feeds do, counts the messages
 * against the number in `resumed`: it is sent each of them, with no time left perhaps.
 */
#include "live_opening.h"

#include "event_text.h"

#include <stdlib.h>

enum {
    /* How far an id may be ahead of us: other replicas may know more, and have other clocks. */
    AHEAD_MAX_US = 60 * 1000 * 1000,
};

enum phase { PHASE_HEAD, PHASE_MESSAGES, PHASE_DONE };

struct live_opening {
    enum phase phase;
    bool resumed; /* else a snapshot */
    bool all;     /* each message is sent, whether it has ended or not */
    bool stale;
    bool listed; /* a message of a snapshot has been written */
    uint64_t random;
    struct event_id last;
    struct message_array *messages;
    size_t next;
    struct blob *list; /* the messages of a snapshot as they were rendered for all, or NULL */
};

static bool same_id(struct event_id a, struct event_id b)
{
    return a.number == b.number && a.tag == b.tag;
}

/* Whether we can tell what came after `id`. */
static bool can_resume(const struct live_opening_room *room, struct event_id id)
{
    if (same_id(id, event_id_nothing(room->name)))
        return true;
    if (id.tag != room->last.tag || id.number == 0 || id.number <= room->deleted_up_to)
        return false;
    return id.number <= room->last.number || id.number <= room->wall_us + AHEAD_MAX_US;
}

static bool make_resumed(struct live_opening *opening, const struct live_opening_room *room,
                         struct event_id id)
{
    struct message_array_filter filter = {.numbered = true, .above = id.number};
    opening->resumed = true;
    opening->all = id.number == 0;
    opening->messages = message_array_of(room->board, &filter);
    if (opening->messages)
        message_array_sort(opening->messages);
    return opening->messages != NULL;
}

static bool make_snapshot(struct live_opening *opening, const struct live_opening_room *room,
                          size_t newest)
{
    struct message_array_filter filter = {.numbered = true, .newest = newest};
    size_t count = board_count(room->board);
    if (count <= LIVE_OPENING_SHARED_MESSAGES && (!newest || newest >= count)) {
        opening->list = board_list_get_numbered(room->list, room->board, room->now_us);
        if (!opening->list || opening->list->len <= LIVE_OPENING_SHARED_BYTES)
            return opening->list != NULL;
        blob_release(opening->list);
        opening->list = NULL;
    }
    opening->messages = message_array_of(room->board, &filter);
    return opening->messages != NULL;
}

struct live_opening *live_opening_make(const struct live_opening_room *room,
                                       const struct live_opening_wish *wish,
                                       struct event_id *ret_after)
{
    struct live_opening *opening = calloc(1, sizeof *opening);
    if (!opening)
        return NULL;
    opening->last = room->last;
    opening->stale = room->stale;
    opening->random = room->now_us * 2654435761u >> 7;
    *ret_after = room->last;
    bool resumes = wish->has_id && can_resume(room, wish->id);
    if (resumes && wish->id.number > room->last.number)
        *ret_after = wish->id;
    if (resumes ? make_resumed(opening, room, wish->id)
                : make_snapshot(opening, room, wish->newest))
        return opening;
    live_opening_free(opening);
    return NULL;
}

void live_opening_free(struct live_opening *opening)
{
    if (!opening)
        return;
    message_array_free(opening->messages);
    blob_release(opening->list);
    free(opening);
}

/* ---- writing ---- */

static void write_head(struct live_opening *opening, struct buffer *piece)
{
    event_text_append_retry(piece, opening->random);
    if (opening->resumed)
        event_text_append_resumed(piece, opening->messages->count);
    else
        event_text_append_snapshot_head(piece, opening->last);
    if (opening->list)
        buffer_append(piece, opening->list->data, opening->list->len);
    else if (!opening->resumed)
        buffer_append(piece, "[", 1);
    opening->phase = PHASE_MESSAGES;
}

static void write_message(struct live_opening *opening, uint64_t now_us, struct buffer *piece)
{
    const struct message *message = opening->messages->messages[opening->next++];
    if (message_expired(message, now_us) && !opening->all)
        return;
    if (opening->resumed) {
        struct event_id id = {.number = message->number, .tag = opening->last.tag};
        event_text_append_message(piece, id, message, now_us);
        return;
    }
    if (opening->listed)
        buffer_append(piece, ",", 1);
    opening->listed = true;
    message_append_json(message, now_us, piece);
}

static void write_end(struct live_opening *opening, struct buffer *piece)
{
    if (opening->messages && !opening->resumed)
        buffer_append(piece, "]", 1);
    if (!opening->resumed)
        buffer_append_string(piece, EVENT_TEXT_END);
    if (opening->stale)
        buffer_append_string(piece, EVENT_TEXT_STALE);
    opening->phase = PHASE_DONE;
}

bool live_opening_read(struct live_opening *opening, uint64_t now_us, struct buffer *piece)
{
    if (opening->phase == PHASE_DONE)
        return false;
    if (opening->phase == PHASE_HEAD)
        write_head(opening, piece);
    size_t count = opening->messages ? opening->messages->count : 0;
    while (opening->next < count && piece->len < LIVE_OPENING_PIECE && !piece->failed)
        write_message(opening, now_us, piece);
    if (opening->next == count)
        write_end(opening, piece);
    return true;
}
