/*
 * Two views of one set: an array of messages in the order in which they end, and an open-addressed
 * table by id. The array begins at `first`, so taking the soonest off costs nothing; an insert
 * moves the messages that end later, which are few where lifetimes are alike, and is one memmove of
 * pointers where they are not.
 *
 * The entity tag is the exclusive or of the ids, which are random, and the count: the same set has
 * the same tag whatever the order of its inserts, and a change costs sixteen bytes.
 *
 * A message expires by its deadline, on this process' clock; the order is by the store's clock. So
 * a message that took long to arrive may expire here after one that stands behind it.
 *
 * Rendering is left to board_list.c, which tells by the version whether its last list still holds.
 */
#include "board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOARD_MIN_SLOTS = 16, /* a power of two */
    BOARD_MIN_CAPACITY = 8,
};

struct board {
    struct message **order; /* order[first] to order[first + count - 1] */
    size_t first;
    size_t count;
    size_t numberless; /* messages without a number */
    size_t capacity;

    struct message **slots; /* by id; NULL is free */
    size_t slot_count;      /* a power of two, at least twice `count` */

    uint64_t tag[2];
    uint64_t version;    /* counts the changes */
    uint64_t soonest_us; /* no deadline is before it */
    /* The least of deadline_us less expires_at_ms seen since the board was last empty. */
    int64_t clock_offset_us;
};

struct board *board_new(void)
{
    struct board *board = calloc(1, sizeof *board);
    if (!board)
        return NULL;
    board->slots = calloc(BOARD_MIN_SLOTS, sizeof(struct message *));
    if (!board->slots) {
        free(board);
        return NULL;
    }
    board->slot_count = BOARD_MIN_SLOTS;
    board->soonest_us = UINT64_MAX;
    return board;
}

void board_free(struct board *board)
{
    if (!board)
        return;
    for (size_t i = 0; i < board->count; i++)
        message_release(board_at(board, i));
    free(board->order);
    free(board->slots);
    free(board);
}

/* The 64 bits that 16 hex digits spell. Ids are random, so this needs no hash. */
static uint64_t hex_bits(const char *digits)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 16; i++) {
        unsigned char digit = (unsigned char)digits[i];
        bits = bits << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return bits;
}

/* The slot that holds `id`, or the free one where it would go. */
static size_t slot_of(const struct board *board, const char *id)
{
    size_t slot = hex_bits(id) & (board->slot_count - 1);
    while (board->slots[slot] && memcmp(board->slots[slot]->id, id, MESSAGE_ID_LEN) != 0)
        slot = (slot + 1) & (board->slot_count - 1);
    return slot;
}

/* Frees `slot` and moves up the messages that had to go past it (linear probing, no tombstones). */
static void slot_clear(struct board *board, size_t slot)
{
    size_t mask = board->slot_count - 1;
    board->slots[slot] = NULL;
    for (size_t next = (slot + 1) & mask; board->slots[next]; next = (next + 1) & mask) {
        struct message *moved = board->slots[next];
        board->slots[next] = NULL;
        board->slots[slot_of(board, moved->id)] = moved;
    }
}

static bool reserve_slots(struct board *board)
{
    if ((board->count + 1) * 2 <= board->slot_count)
        return true;
    struct message **old = board->slots;
    size_t old_count = board->slot_count;
    struct message **slots = calloc(old_count * 2, sizeof(struct message *));
    if (!slots)
        return false;
    board->slots = slots;
    board->slot_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            slots[slot_of(board, old[i]->id)] = old[i];
    free(old);
    return true;
}

/* Makes room for one more at the end of `order`: by moving it to the beginning, or by growing. */
static bool reserve_order(struct board *board)
{
    if (board->first + board->count < board->capacity)
        return true;
    if (board->first > board->capacity / 2) {
        memmove(board->order, board->order + board->first, board->count * sizeof(struct message *));
        board->first = 0;
        return true;
    }
    size_t capacity = board->capacity ? board->capacity * 2 : BOARD_MIN_CAPACITY;
    struct message **order = realloc(board->order, capacity * sizeof(struct message *));
    if (!order)
        return false;
    board->order = order;
    board->capacity = capacity;
    return true;
}

/* Whether `a` stands before `b`. Ends compare by the store's clock, which all replicas share; a
 * message without a number is this process' own and the newest that it knows. */
static bool before(const struct message *a, const struct message *b)
{
    if (a->expires_at_ms != b->expires_at_ms)
        return a->expires_at_ms < b->expires_at_ms;
    if (a->number != b->number)
        return a->number && (!b->number || a->number < b->number);
    return memcmp(a->id, b->id, MESSAGE_ID_LEN) < 0;
}

/* How many messages stand before `message`: its index, or the index it would get. */
static size_t rank(const struct board *board, const struct message *message)
{
    size_t low = 0;
    size_t high = board->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before(board_at(board, middle), message))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void changed(struct board *board, const struct message *message)
{
    board->tag[0] ^= hex_bits(message->id);
    board->tag[1] ^= hex_bits(message->id + 16);
    board->version++;
}

/* No message that ends with `message` or later has a deadline before this. */
static uint64_t earliest_deadline_us(const struct board *board, const struct message *message)
{
    int64_t earliest_us = message->expires_at_ms * 1000 + board->clock_offset_us;
    return earliest_us < 0 ? 0 : (uint64_t)earliest_us;
}

static void put(struct board *board, struct message *message)
{
    size_t index = rank(board, message);
    struct message **at = board->order + board->first + index;
    memmove(at + 1, at, (board->count - index) * sizeof(struct message *));
    *at = message;
    board->slots[slot_of(board, message->id)] = message;
    board->count++;
    board->numberless += message->number == 0;
    if (message->deadline_us < board->soonest_us)
        board->soonest_us = message->deadline_us;
    if (board->count == 1 || message_clock_offset_us(message) < board->clock_offset_us)
        board->clock_offset_us = message_clock_offset_us(message);
    changed(board, message);
}

/* Takes off the message at `index`; its reference is the caller's. */
static struct message *take_at(struct board *board, size_t index)
{
    struct message **at = board->order + board->first + index;
    struct message *message = *at;
    slot_clear(board, slot_of(board, message->id));
    board->count--;
    board->numberless -= message->number == 0;
    if (index == 0)
        board->first++;
    else
        memmove(at, at + 1, (board->count - index) * sizeof(struct message *));
    changed(board, message);
    return message;
}

enum board_outcome board_insert(struct board *board, struct message *message)
{
    struct message *known = board_find(board, message->id);
    if (known && (known->number || !message->number))
        return BOARD_KNOWN;
    if (!reserve_slots(board) || !reserve_order(board))
        return BOARD_NO_MEMORY;
    if (known)
        message_release(take_at(board, rank(board, known)));
    /* take_at() only moved `first` on: the room reserved above is still there. */
    put(board, message_retain(message));
    return known ? BOARD_NUMBERED : BOARD_ADDED;
}

struct board *board_of(struct message *const *messages, size_t count)
{
    struct board *board = board_new();
    for (size_t i = 0; board && i < count; i++) {
        if (board_insert(board, messages[i]) == BOARD_NO_MEMORY) {
            board_free(board);
            return NULL;
        }
    }
    return board;
}

struct message *board_find(const struct board *board, const char *id)
{
    return board->slots[slot_of(board, id)];
}

struct message *board_take(struct board *board, const char *id)
{
    struct message *message = board_find(board, id);
    return message ? take_at(board, rank(board, message)) : NULL;
}

struct message *board_take_expired(struct board *board, uint64_t now_us)
{
    if (now_us < board->soonest_us)
        return NULL;
    /* Nearly always the first has expired. The search stops where even the message that arrived
     * fastest cannot have expired yet. */
    uint64_t soonest_us = UINT64_MAX;
    for (size_t i = 0; i < board->count; i++) {
        const struct message *message = board_at(board, i);
        if (message_expired(message, now_us))
            return take_at(board, i);
        if (message->deadline_us < soonest_us)
            soonest_us = message->deadline_us;
        uint64_t earliest_us = earliest_deadline_us(board, message);
        if (earliest_us > now_us) {
            if (earliest_us < soonest_us)
                soonest_us = earliest_us;
            break;
        }
    }
    board->soonest_us = soonest_us;
    return NULL;
}

uint64_t board_soonest_us(const struct board *board)
{
    return board->count ? board->soonest_us : UINT64_MAX;
}

void board_expire(struct board *board, uint64_t now_us)
{
    struct message *expired;
    while ((expired = board_take_expired(board, now_us)))
        message_release(expired);
}

size_t board_count(const struct board *board)
{
    return board->count;
}

bool board_all_numbered(const struct board *board)
{
    return board->numberless == 0;
}

uint64_t board_version(const struct board *board)
{
    return board->version;
}

struct message *board_at(const struct board *board, size_t index)
{
    return board->order[board->first + index];
}

void board_etag(const struct board *board, char ret_etag[BOARD_ETAG_SIZE])
{
    snprintf(ret_etag, BOARD_ETAG_SIZE, "W/\"%zu-%016" PRIx64 "%016" PRIx64 "\"", board->count,
             board->tag[0], board->tag[1]);
}
