/*
 * A room is listed in pieces, each one call of scripts/list.lua with a deadline of its own, so that
 * neither Redis nor anyone else waits for a large room. Over which connection they go is the pool's
 * to choose.
 *
 * The list is the room as it was at the first piece. What was accepted meanwhile has a number above
 * the last one of then, and is left out: to whoever follows the room it is still to be published.
 */
#include "redis_list.h"

#include "redis_answer.h"
#include "redis_key.h"
#include "redis_scripts.h"

enum {
    PIECES_MAX = 8192, /* twice what the largest room that the settings allow comes in */
    TRIES_MAX = 3,     /* where the room loses its count between two pieces */
};

/* The keys of a room. */
struct keys {
    char index[REDIS_KEY_SIZE];
    char event[REDIS_KEY_SIZE];
    char message_prefix[REDIS_KEY_SIZE];
};

static void make_keys(const char *prefix, const char *room, struct keys *ret_keys)
{
    redis_key_make(prefix, room, REDIS_KEY_INDEX, "", ret_keys->index);
    redis_key_make(prefix, room, REDIS_KEY_EVENT, "", ret_keys->event);
    redis_key_make(prefix, room, REDIS_KEY_MESSAGE, "", ret_keys->message_prefix);
}

/* Appends the piece behind `piece`, which becomes that one. */
static enum error_code list_piece(const struct redis_lister *lister, const struct keys *keys,
                                  struct redis_piece *piece, struct message_list *list,
                                  struct error *err)
{
    struct redis_command command = {0};
    redis_pool_eval_begin(&command, &redis_scripts_list, "2");
    redis_command_add_string(&command, keys->index);
    redis_command_add_string(&command, keys->event);
    redis_command_add_string(&command, keys->message_prefix);
    redis_command_add_string(&command, piece->last_id);
    redis_command_add_string(&command, piece->last_end);
    CLEANUP(redis_reply_free) redisReply *reply = NULL;
    enum error_code code =
        redis_pool_eval(lister->pool, &redis_scripts_list, &command, &reply, err);
    return code ? code : redis_answer_listed(reply, lister->clock, list, piece, err);
}

/* Whether `later` may be a moment after `first` in the life of one count. */
static bool follows(const struct message_store_position *first,
                    const struct message_store_position *later)
{
    return later->epoch == first->epoch && later->number >= first->number;
}

/* Takes off, from `from` on, what was accepted after the first piece. */
static void drop_newer(struct message_list *list, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < list->count; i++) {
        if (list->messages[i]->number <= list->position.number)
            list->messages[kept++] = list->messages[i];
        else
            message_release(list->messages[i]);
    }
    list->count = kept;
}

/* Lists all pieces; *ret_whole is false where they do not belong together. */
static enum error_code list_pieces(const struct redis_lister *lister, const struct keys *keys,
                                   struct message_list *list, struct redis_moment *ret_moment,
                                   bool *ret_whole, struct error *err)
{
    struct redis_piece piece = {0};
    *ret_whole = true;
    for (unsigned i = 0; i < PIECES_MAX; i++) {
        size_t before = list->count;
        enum error_code code = list_piece(lister, keys, &piece, list, err);
        if (code)
            return code;
        if (i == 0)
            list->position = piece.position;
        *ret_whole = follows(&list->position, &piece.position);
        if (i > 0)
            drop_newer(list, before);
        *ret_moment = piece.moment;
        if (!*ret_whole || !piece.last_id[0])
            return ERROR_NONE;
    }
    return error_because(err, ERROR_UNAVAILABLE, "redis: the room does not end");
}

enum error_code redis_list(const struct redis_lister *lister, const char *room,
                           struct message_list *ret_list, struct redis_moment *ret_moment,
                           struct error *err)
{
    struct keys keys;
    make_keys(lister->prefix, room, &keys);
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        struct message_list list = {0};
        bool whole;
        enum error_code code = list_pieces(lister, &keys, &list, ret_moment, &whole, err);
        if (!code && whole) {
            redis_answer_sort(&list);
            redis_ended_filter(lister->ended, &list, clock_monotonic_us(lister->clock));
            *ret_list = list;
            return ERROR_NONE;
        }
        message_list_fini(&list);
        if (code)
            return code;
    }
    return error_because(err, ERROR_UNAVAILABLE, "redis: the room changed while it was listed");
}
