/*
 * Without memory: the bytes, messages, drafts and boards that every request goes through.
 */
#include "failing_alloc.h"

#include "blob.h"
#include "board_list.h"
#include "buffer.h"
#include "draft.h"
#include "event_hub.h"
#include "event_text.h"
#include "file.h"
#include "http_params.h"
#include "http_router.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES = 40 }; /* so many that a board's two arrays grow more than once */

static const struct draft_rules rules = {
    .text_max = 4096, .ttl_min_ms = 1000, .ttl_max_ms = 86400000, .ttl_default_ms = 60000};

/* The message called by a small number; NULL when out of memory. */
static struct message *make_message(unsigned number)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%08x%024x", number * 2654435761u, number);
    return message_new(&(struct message_fields){.number = number,
                                                .deadline_us = 1000000 + number,
                                                .created_at_ms = 1795327200000,
                                                .expires_at_ms = 1795327260000 + number,
                                                .id = id,
                                                .room = "lobby",
                                                .author = "Ada",
                                                .text = "a \"text\"\nof two lines"});
}

static struct message *many[MESSAGES];

static void make_many(void)
{
    for (unsigned i = 0; i < MESSAGES; i++)
        many[i] = make_message(i + 1);
}

static void release_many(void)
{
    for (unsigned i = 0; i < MESSAGES; i++)
        message_release(many[i]);
}

static enum error_code buffers(void)
{
    CLEANUP_FINI(buffer_fini) struct buffer buffer;
    buffer_init(&buffer, 64 * 1024);
    for (unsigned i = 0; i < 300; i++) {
        size_t len = buffer.len;
        bool failed = buffer.failed;
        buffer_append_format(&buffer, "%u ", i);
        buffer_append_json_string(&buffer, "\x01\"", 2);
        REQUIRE(!failed || buffer.len == len);
        REQUIRE(!buffer.data || buffer.data[buffer.len] == '\0');
    }
    if (!buffer.failed)
        return ERROR_NONE;
    failing_alloc_stop();
    buffer_clear(&buffer);
    buffer_append_string(&buffer, "again");
    REQUIRE(!buffer.failed && strcmp(buffer.data, "again") == 0);
    return ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_buffer__out_of_memory_is_remembered_until_cleared, buffers)

static enum error_code blobs(void)
{
    struct blob *blob = blob_new("bytes", 5);
    blob_release(blob);
    return blob ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_blob__out_of_memory_is_null, blobs)

static enum error_code messages(void)
{
    struct message *message = make_message(1);
    message_release(message);
    return message ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_message__out_of_memory_is_null, messages)

#define MESSAGE_OF(digit)                                                                          \
    "{\"id\":\"0123456789abcdef0123456789abcde" #digit "\",\"room\":\"lobby\",\"author\":\"Ada\"," \
    "\"message\":\"text\",\"created_at\":\"2026-11-22T06:00:00.123Z\","                            \
    "\"expires_at\":\"2026-11-22T06:01:00.123Z\",\"expires_in\":60000}"
static const char message_json[] = MESSAGE_OF(1);

static enum error_code message_jsons(void)
{
    struct message *message = many[0];
    if (!message_from_json(message_json, strlen(message_json), 1, 0, &message)) {
        REQUIRE(message == many[0]);
        return ERROR_INTERNAL;
    }
    message_release(message);
    return ERROR_NONE;
}
FAILING_ALLOC_TEST(test_message__out_of_memory_for_its_json_is_false, message_jsons)

/* Inserts what is not there yet; false at the first that there is no memory for. */
static bool insert_many(struct board *board)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t count = board_count(board);
        switch (board_insert(board, many[i])) {
        case BOARD_NO_MEMORY:
            REQUIRE(board_count(board) == count);
            REQUIRE(!board_find(board, many[i]->id));
            return false;
        case BOARD_KNOWN: REQUIRE(board_count(board) == count); break;
        default: REQUIRE(board_find(board, many[i]->id) == many[i]);
        }
    }
    return true;
}

static void require_all_in_order(const struct board *board)
{
    REQUIRE(board_count(board) == MESSAGES);
    for (unsigned i = 0; i < MESSAGES; i++)
        REQUIRE(board_at(board, i) == many[i]);
}

static enum error_code boards_insert(void)
{
    CLEANUP(board_free) struct board *board = board_new();
    if (!board)
        return ERROR_INTERNAL;
    bool inserted = insert_many(board);
    if (!inserted) {
        failing_alloc_stop();
        REQUIRE(insert_many(board));
    }
    require_all_in_order(board);
    return inserted ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_board__out_of_memory_for_a_message_changes_nothing, boards_insert)

static enum error_code boards_list(void)
{
    failing_alloc_pause();
    CLEANUP(board_free) struct board *board = board_new();
    insert_many(board);
    failing_alloc_resume();
    CLEANUP_FINI(board_list_fini) struct board_list list = {0};
    CLEANUP(blob_release) struct blob *all = board_list_get(&list, board, 0);
    CLEANUP(blob_release) struct blob *numbered = board_list_get_numbered(&list, board, 0);
    require_all_in_order(board);
    return all && numbered ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_board__out_of_memory_for_a_list_is_null, boards_list)

/* ---- drafts ---- */

static const struct draft untouched_draft = {.ttl_ms = 7};

/* The body as a draft; what is not INTERNAL must be right. */
static enum error_code read_draft(const char *body, bool is_text)
{
    struct draft draft = untouched_draft;
    struct error err = {0};
    enum error_code code = is_text ? draft_from_text(body, strlen(body), &rules, &draft, &err)
                                   : draft_from_json(body, strlen(body), &rules, &draft, &err);
    if (code) {
        REQUIRE(memcmp(&draft, &untouched_draft, sizeof draft) == 0);
        REQUIRE(!err.detail[0]);
        return code;
    }
    REQUIRE(strcmp(draft.text, "hello") == 0);
    draft_fini(&draft);
    return ERROR_NONE;
}

static enum error_code drafts_of_json(void)
{
    return read_draft("{\"message\":\"hello\",\"ttl\":60,\"author\":\"Ada\",\"more\":[1,{}]}",
                      false);
}
FAILING_ALLOC_TEST(test_draft__out_of_memory_for_json_is_internal, drafts_of_json)

static enum error_code drafts_of_large_numbers(void)
{
    return read_draft("{\"message\":\"hello\",\"more\":[1e4000,-1e999999]}", false);
}
FAILING_ALLOC_TEST(test_draft__out_of_memory_for_large_numbers_is_internal, drafts_of_large_numbers)

static enum error_code drafts_of_text(void)
{
    return read_draft("hello", true);
}
FAILING_ALLOC_TEST(test_draft__out_of_memory_for_text_is_internal, drafts_of_text)

/* ---- events ---- */

static enum error_code event_texts(void)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, 1024 * 1024);
    event_text_append_resumed(&text, 2);
    event_text_append_message(&text, (struct event_id){.number = 1}, many[0], 0);
    event_text_append_deleted(&text, many[0]->id);
    return text.failed ? ERROR_INTERNAL : ERROR_NONE;
}
FAILING_ALLOC_TEST(test_event_text__out_of_memory_fails_the_buffer, event_texts)

/* Out of memory to publish, every reader falls behind; to read, nothing has changed. */
static enum error_code hub_read(void)
{
    struct event_hub *hub = event_hub_new();
    if (!hub)
        return ERROR_INTERNAL;
    struct event_place place = {.position = event_hub_head(hub), .chunked = true};
    struct event_place before = place;
    struct event_batch *batch = NULL;
    event_hub_publish(hub, &(struct event){.text = "x", .len = 1, .deadline_us = UINT64_MAX});
    bool behind = event_hub_fell_behind(hub, &place);
    bool read = !behind && event_hub_read(hub, &place, 0, &batch);
    REQUIRE(read == (batch != NULL));
    REQUIRE(read || place.position == before.position);
    event_batch_release(batch);
    event_hub_free(hub);
    return read ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_event_hub__out_of_memory_leaves_nobody_without_knowing, hub_read)

/* ---- files and paths ---- */

/* Giving back what is too much of a file's memory may fail without harm. */
static enum error_code files(void)
{
    char *data = NULL;
    size_t len;
    enum error_code code = file_read("/proc/self/exe", 64 * 1024 * 1024, &data, &len, NULL);
    REQUIRE(!code == (data != NULL));
    free(data);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_file__out_of_memory_is_internal, files)

static enum error_code paths(void)
{
    static const struct http_route route = {.path = "/rooms/:room/messages/:id"};
    struct http_params params = {0};
    bool read = http_params_read(&route, "/rooms/a/messages/b", &params);
    REQUIRE(params.count == (read ? 2 : 0));
    http_params_fini(&params);
    return read ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_http_router__out_of_memory_gives_all_back, paths)

int main(void)
{
    make_many();
    const TTest *const tests[] = {
        test_buffer__out_of_memory_is_remembered_until_cleared,
        test_blob__out_of_memory_is_null,
        test_message__out_of_memory_is_null,
        test_message__out_of_memory_for_its_json_is_false,
        test_board__out_of_memory_for_a_message_changes_nothing,
        test_board__out_of_memory_for_a_list_is_null,
        test_draft__out_of_memory_for_json_is_internal,
        test_draft__out_of_memory_for_large_numbers_is_internal,
        test_draft__out_of_memory_for_text_is_internal,
        test_event_text__out_of_memory_fails_the_buffer,
        test_event_hub__out_of_memory_leaves_nobody_without_knowing,
        test_file__out_of_memory_is_internal,
        test_http_router__out_of_memory_gives_all_back,
    };
    int status = failing_alloc_main("alloc_messages", tests, sizeof tests / sizeof *tests);
    release_many();
    return status;
}
