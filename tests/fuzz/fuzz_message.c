/*
 * The API's JSON as the gateway reads it from upstream: one message, or an array of them. Whatever
 * is accepted has the form of a message, and its JSON, written again, reads the same.
 *
 * The first byte chooses between the two and, for an array, how many messages are taken and the
 * last number; the second is the time; the rest is the JSON.
 */
#include "board_list.h"
#include "input.h"
#include "message.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_MAX = 4 * 1024 * 1024, TAKEN_MAX = 16 };

static void check_form(const struct message *message)
{
    REQUIRE(message_id_valid(message->id) && room_name_valid(message->room));
    REQUIRE(message->text_len == strlen(message->text));
    REQUIRE(text_valid_utf8(message->text, message->text_len));
    REQUIRE(message->created_at_ms >= 0 && message->expires_at_ms >= 0);
    char text[MESSAGE_TIME_SIZE];
    int64_t ms;
    message_time_format(message->expires_at_ms, text);
    REQUIRE(message_time_parse(text, &ms) && ms == message->expires_at_ms);
}

static void check_written(const struct message *message, uint64_t now_us)
{
    CLEANUP(message_release) struct message *read = NULL;
    CLEANUP_FINI(buffer_fini) struct buffer json;
    CLEANUP_FINI(buffer_fini) struct buffer again;
    buffer_init(&json, JSON_MAX);
    buffer_init(&again, JSON_MAX);
    message_append_json(message, now_us, &json);
    REQUIRE(!json.failed);
    REQUIRE(message_from_json(json.data, json.len, message->number, now_us, &read));
    REQUIRE(read->number == message->number && read->deadline_us == message->deadline_us);
    message_append_json(read, now_us, &again);
    REQUIRE(again.len == json.len && memcmp(again.data, json.data, json.len) == 0);
}

struct taken {
    uint64_t numbers[TAKEN_MAX];
    size_t count;
    size_t max; /* take() returns false after that many */
    uint64_t now_us;
};

static bool take(void *context, struct message *message)
{
    struct taken *taken = context;
    REQUIRE(taken->count < taken->max);
    check_form(message);
    check_written(message, taken->now_us);
    taken->numbers[taken->count++] = message->number;
    message_release(message);
    return taken->count < taken->max;
}

static void check_array(const char *json, size_t len, uint8_t choice, uint64_t now_us)
{
    uint64_t last_number = choice & 2 ? 3 : choice & 4 ? UINT64_MAX : 0;
    struct taken taken = {.max = (size_t)(choice >> 4) + 1, .now_us = now_us};
    bool all = message_array_from_json(json, len, last_number, now_us, take, &taken);
    for (size_t i = 0; i < taken.count; i++)
        REQUIRE(last_number ? taken.numbers[i] == taken.numbers[0] + i : !taken.numbers[i]);
    if (all && taken.count && last_number)
        REQUIRE(taken.numbers[taken.count - 1] == last_number);
}

static bool insert(void *board, struct message *message)
{
    REQUIRE(board_insert(board, message) != BOARD_NO_MEMORY);
    message_release(message);
    return true;
}

/* With numbers, which keep the array's order. */
static bool read_board(struct board *board, const char *json, size_t len, uint64_t now_us)
{
    return message_array_from_json(json, len, SIZE_MAX, now_us, insert, board);
}

/* A board filled from the list of another lists the same. */
static void check_boards(const char *json, size_t len, uint64_t now_us)
{
    CLEANUP(board_free) struct board *board = board_new();
    CLEANUP(board_free) struct board *other = board_new();
    REQUIRE(board && other);
    if (!read_board(board, json, len, now_us))
        return;
    CLEANUP(blob_release) struct blob *list = board_list_render(board, now_us);
    REQUIRE(list && read_board(other, list->data, list->len, now_us));
    CLEANUP(blob_release) struct blob *again = board_list_render(other, now_us);
    REQUIRE(again && again->len == list->len);
    char etag[BOARD_ETAG_SIZE];
    char other_etag[BOARD_ETAG_SIZE];
    board_etag(board, etag);
    board_etag(other, other_etag);
    REQUIRE(strcmp(etag, other_etag) == 0);
    REQUIRE(memcmp(again->data, list->data, list->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    uint8_t choice = input_byte(&input);
    uint64_t now_us = (uint64_t)input_byte(&input) * 100000001;
    size_t json_len;
    char *json = input_rest(&input, &json_len);
    if (choice & 1) {
        check_array(json, json_len, choice, now_us);
        check_boards(json, json_len, now_us);
    } else {
        CLEANUP(message_release) struct message *message = NULL;
        bool read = message_from_json(json, json_len, choice, now_us, &message);
        REQUIRE(read == (message != NULL));
        if (read) {
            check_form(message);
            check_written(message, now_us);
            REQUIRE(message->number == choice);
        }
    }
    free(json);
    return 0;
}
