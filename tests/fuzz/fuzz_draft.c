/*
 * The bodies of a POST, JSON or plain text. A refused body gets a code of draft.h's list and leaves
 * the draft as it was; an accepted one keeps the rules, and its message survives a round trip
 * through the API's JSON to the byte.
 *
 * The first byte chooses the kind and the maximum of a message, the rest is the body.
 */
#include "draft.h"
#include "input.h"
#include "message.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_MAX = 1024 * 1024 };

static const uint64_t now_us = 1000000;

static bool documented(enum error_code code, bool plain)
{
    switch (code) {
    case ERROR_NONE:
    case ERROR_INVALID_JSON:
    case ERROR_TOO_LARGE:
    case ERROR_INVALID_MESSAGE: return true;
    case ERROR_NO_MESSAGE:
    case ERROR_INVALID_TTL:
    case ERROR_INVALID_AUTHOR: return !plain;
    default: return false;
    }
}

static bool is_refused(uint32_t character)
{
    return text_is_control(character) && !strchr("\t\n\r", (int)character);
}

static void check_rules(const struct draft *draft, const struct draft_rules *rules)
{
    REQUIRE(draft->text_len == strlen(draft->text) && draft->text_len <= rules->text_max);
    REQUIRE(text_valid_utf8(draft->text, draft->text_len));
    REQUIRE(text_has_visible(draft->text, draft->text_len));
    uint32_t character;
    REQUIRE(!text_find(draft->text, draft->text_len, is_refused, &character));
    REQUIRE(draft->ttl_ms >= rules->ttl_min_ms && draft->ttl_ms <= rules->ttl_max_ms);
    if (!draft->author)
        return;
    size_t author_len = strlen(draft->author);
    REQUIRE(text_valid_utf8(draft->author, author_len));
    REQUIRE(text_has_visible(draft->author, author_len));
    REQUIRE(!text_find(draft->author, author_len, text_is_control, &character));
    REQUIRE(!text_find(draft->author, author_len, text_turns_direction, &character));
    REQUIRE(text_characters(draft->author, author_len) <= AUTHOR_MAX_CHARACTERS);
}

static void check_same(const struct message *message, const struct draft *draft)
{
    REQUIRE(message->text_len == draft->text_len && strcmp(message->text, draft->text) == 0);
    REQUIRE(!message->author == !draft->author);
    REQUIRE(!draft->author || strcmp(message->author, draft->author) == 0);
}

static void check_survives(const struct draft *draft)
{
    const int64_t created_at_ms = 1795327200123;
    CLEANUP(message_release)
    struct message *sent = message_new(&(struct message_fields){
        .deadline_us = now_us + draft->ttl_ms * 1000,
        .created_at_ms = created_at_ms,
        .expires_at_ms = created_at_ms + (int64_t)draft->ttl_ms,
        .id = "bf87d4b3fefc49f39b7dd50e6d693ae8",
        .room = ROOM_NAME_DEFAULT,
        .author = draft->author,
        .text = draft->text,
    });
    CLEANUP(message_release) struct message *read = NULL;
    CLEANUP_FINI(buffer_fini) struct buffer json;
    CLEANUP_FINI(buffer_fini) struct buffer again;
    buffer_init(&json, JSON_MAX);
    buffer_init(&again, JSON_MAX);
    REQUIRE(sent);
    check_same(sent, draft);
    message_append_json(sent, now_us, &json);
    REQUIRE(!json.failed && message_from_json(json.data, json.len, 0, now_us, &read));
    check_same(read, draft);
    REQUIRE(read->deadline_us == sent->deadline_us);
    message_append_json(read, now_us, &again);
    REQUIRE(again.len == json.len && memcmp(again.data, json.data, json.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const size_t text_maxima[] = {4096, 65536, 16, 1};
    struct input input = {bytes, len};
    uint8_t choice = input_byte(&input);
    bool plain = choice & 1;
    const struct draft_rules rules = {.text_max = text_maxima[choice >> 1 & 3],
                                      .ttl_min_ms = choice & 8 ? 100 : 1000,
                                      .ttl_max_ms = choice & 16 ? 1001 : 86400000,
                                      .ttl_default_ms = 1000};
    size_t body_len;
    char *body = input_rest(&input, &body_len);
    struct draft draft = {0};
    struct error err = {0};
    enum error_code code = plain ? draft_from_text(body, body_len, &rules, &draft, &err)
                                 : draft_from_json(body, body_len, &rules, &draft, &err);
    free(body);
    REQUIRE(documented(code, plain));
    REQUIRE(!code == !!draft.text && (!code || !draft.author));
    if (!code) {
        check_rules(&draft, &rules);
        check_survives(&draft);
    }
    draft_fini(&draft);
    return 0;
}
