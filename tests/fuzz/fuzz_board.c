/*
 * A board under any sequence of operations, compared with a model: a plain array in the same
 * order, searched from its beginning. There are few ids, so that they recur and collide in the
 * board's table, and few ends, so that they coincide.
 *
 * Each operation is a byte; an operation with a message or a time draws further bytes.
 */
#include "board_list.h"
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 32, STEPS_MAX = 128 };

static const int64_t base_ms = 1795327200000;

struct model {
    struct message *order[NAMES]; /* a reference each */
    size_t count;
    uint64_t now_us;
};

static void make_id(unsigned name, char ret_id[MESSAGE_ID_SIZE])
{
    snprintf(ret_id, MESSAGE_ID_SIZE, "%016x%016x", name / 4, name);
}

static struct message *draw_message(struct input *input)
{
    char id[MESSAGE_ID_SIZE];
    make_id(input_byte(input) % NAMES, id);
    uint8_t ends_ms = input_byte(input) % 32;
    uint8_t number = input_byte(input);
    uint64_t late_us = (uint64_t)input_byte(input) * 100;
    struct message *message = message_new(&(struct message_fields){
        .number = number % 4 ? number : 0,
        .deadline_us = ends_ms * UINT64_C(1000) + late_us,
        .created_at_ms = base_ms,
        .expires_at_ms = base_ms + ends_ms,
        .id = id,
        .room = ROOM_NAME_DEFAULT,
        .text = "x",
    });
    REQUIRE(message);
    return message;
}

static size_t model_find(const struct model *model, const char *id)
{
    size_t index = 0;
    while (index < model->count && strcmp(model->order[index]->id, id) != 0)
        index++;
    return index;
}

static void model_remove(struct model *model, size_t index)
{
    message_release(model->order[index]);
    model->count--;
    memmove(model->order + index, model->order + index + 1,
            (model->count - index) * sizeof model->order[0]);
}

/* Numbers in order, and none behind all of them. */
static uint64_t number_rank(const struct message *message)
{
    return message->number ? message->number : UINT64_MAX;
}

static bool before(const struct message *a, const struct message *b)
{
    if (a->expires_at_ms != b->expires_at_ms)
        return a->expires_at_ms < b->expires_at_ms;
    if (number_rank(a) != number_rank(b))
        return number_rank(a) < number_rank(b);
    return strcmp(a->id, b->id) < 0;
}

static enum board_outcome model_insert(struct model *model, struct message *message)
{
    size_t known = model_find(model, message->id);
    bool numbered = known < model->count;
    if (numbered && (model->order[known]->number || !message->number))
        return BOARD_KNOWN;
    if (numbered)
        model_remove(model, known);
    size_t index = 0;
    while (index < model->count && before(model->order[index], message))
        index++;
    memmove(model->order + index + 1, model->order + index,
            (model->count - index) * sizeof model->order[0]);
    model->order[index] = message_retain(message);
    model->count++;
    return numbered ? BOARD_NUMBERED : BOARD_ADDED;
}

static void insert(struct board *board, struct model *model, struct input *input)
{
    struct message *message = draw_message(input);
    enum board_outcome expected = model_insert(model, message);
    REQUIRE(board_insert(board, message) == expected);
    message_release(message);
}

/* Looks for an id, which may be there or not, and takes its message off. */
static void take(struct board *board, struct model *model, struct input *input)
{
    char id[MESSAGE_ID_SIZE];
    make_id(input_byte(input) % NAMES, id);
    size_t index = model_find(model, id);
    REQUIRE(board_find(board, id) == (index < model->count ? model->order[index] : NULL));
    struct message *taken = board_take(board, id);
    REQUIRE(taken == (index < model->count ? model->order[index] : NULL));
    if (taken)
        model_remove(model, index);
    message_release(taken);
}

/* Whether there was one; a board without one knows when to look next. */
static bool take_expired(struct board *board, struct model *model)
{
    size_t index = 0;
    while (index < model->count && !message_expired(model->order[index], model->now_us))
        index++;
    struct message *taken = board_take_expired(board, model->now_us);
    REQUIRE(taken == (index < model->count ? model->order[index] : NULL));
    if (taken)
        model_remove(model, index);
    else
        REQUIRE(board_soonest_us(board) > model->now_us);
    message_release(taken);
    return taken != NULL;
}

static void expire(struct board *board, struct model *model)
{
    for (size_t i = 0; i < model->count;)
        if (message_expired(model->order[i], model->now_us))
            model_remove(model, i);
        else
            i++;
    board_expire(board, model->now_us);
}

struct listing {
    const struct model *model;
    size_t at;
    bool numbered_only;
};

static bool check_listed(void *context, struct message *listed)
{
    struct listing *listing = context;
    const struct model *model = listing->model;
    while (listing->numbered_only && listing->at < model->count &&
           !model->order[listing->at]->number)
        listing->at++;
    REQUIRE(listing->at < model->count);
    const struct message *message = model->order[listing->at++];
    REQUIRE(strcmp(listed->id, message->id) == 0);
    REQUIRE(listed->expires_at_ms == message->expires_at_ms);
    /* Never too soon, and late at most by the rounding and the millisecond of a shared list. */
    REQUIRE(listed->deadline_us >= message->deadline_us);
    REQUIRE(listed->deadline_us < message->deadline_us + 2000 ||
            message->deadline_us <= model->now_us);
    message_release(listed);
    return true;
}

static void list(struct board *board, struct board_list *kept, const struct model *model,
                 bool numbered_only)
{
    struct listing listing = {.model = model, .numbered_only = numbered_only};
    CLEANUP(blob_release)
    struct blob *blob = numbered_only ? board_list_get_numbered(kept, board, model->now_us)
                                      : board_list_get(kept, board, model->now_us);
    REQUIRE(blob);
    REQUIRE(
        message_array_from_json(blob->data, blob->len, 0, model->now_us, check_listed, &listing));
    for (; listing.at < model->count; listing.at++)
        REQUIRE(numbered_only && !model->order[listing.at]->number);
}

/* A board of the same set, filled in another order, has the same tag. */
static void check_etag(const struct board *board, const struct model *model)
{
    CLEANUP(board_free) struct board *other = board_new();
    char tags[2][BOARD_ETAG_SIZE];
    REQUIRE(other);
    for (size_t i = model->count; i > 0; i--)
        REQUIRE(board_insert(other, model->order[i - 1]) == BOARD_ADDED);
    board_etag(board, tags[0]);
    board_etag(other, tags[1]);
    REQUIRE(strcmp(tags[0], tags[1]) == 0);
}

static void check_same(const struct board *board, const struct model *model)
{
    REQUIRE(board_count(board) == model->count);
    REQUIRE(model->count || board_soonest_us(board) == UINT64_MAX);
    for (size_t i = 0; i < model->count; i++) {
        REQUIRE(board_at(board, i) == model->order[i]);
        REQUIRE(board_soonest_us(board) <= model->order[i]->deadline_us);
        REQUIRE(board_find(board, model->order[i]->id) == model->order[i]);
    }
}

static void step(struct board *board, struct board_list *kept, struct model *model,
                 struct input *input)
{
    switch (input_byte(input) % 10) {
    case 0: take(board, model, input); break;
    case 1: take_expired(board, model); break;
    case 2:
        while (take_expired(board, model))
            ;
        break;
    case 3: expire(board, model); break;
    case 4: model->now_us += (uint64_t)input_byte(input) * 50; break;
    case 5: list(board, kept, model, false); break;
    case 6: list(board, kept, model, true); break;
    case 7: check_etag(board, model); break;
    default: insert(board, model, input); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    struct model model = {0};
    struct board *board = board_new();
    struct board_list kept = {0};
    REQUIRE(board);
    for (int i = 0; i < STEPS_MAX && input.left; i++) {
        step(board, &kept, &model, &input);
        check_same(board, &model);
    }
    while (model.count)
        model_remove(&model, 0);
    board_list_fini(&kept);
    board_free(board);
    return 0;
}
