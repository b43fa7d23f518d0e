/*
 * What a test says of the lobby, and what it expects of it, in few words.
 */
#include "lobby.h"

#include "live_listing.h"
#include "live_room_private.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct live_room *lobby;

void lobby_set_up(void)
{
    rooms_set_clock();
    rooms = rooms_make(&rooms_clock, false);
    lobby = rooms_use("lobby");
}

void lobby_tear_down(void)
{
    live_room_release(lobby);
    live_rooms_free(rooms);
    ck_assert_uint_eq(rooms_source.opened, rooms_source.closed);
}

uint64_t lobby_tick(void)
{
    return live_room_tick(lobby, rooms_now_us);
}

struct event_id lobby_id_in(uint64_t epoch, uint64_t n)
{
    return event_id_make("lobby", epoch, FIRST_NUMBER + n);
}

struct event_id lobby_id_of(uint64_t n)
{
    return lobby_id_in(EPOCH, n);
}

const char *lobby_id_text(uint64_t n)
{
    static char text[EVENT_ID_SIZE];
    event_id_format(lobby_id_of(n), text);
    return text;
}

struct message *lobby_message(uint64_t n, uint64_t number, uint64_t ttl_us)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    int64_t created_ms = (int64_t)(clock_wall_us(&rooms_clock) / 1000);
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = rooms_now_us + ttl_us,
        .created_at_ms = created_ms,
        .expires_at_ms = created_ms + (int64_t)(ttl_us / 1000),
        .id = id,
        .room = "lobby",
        .text = "hello",
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

void lobby_add_for(uint64_t n, uint64_t ttl_us)
{
    struct message *message = lobby_message(n, FIRST_NUMBER + n, ttl_us);
    live_source_add(lobby, message, lobby_id_of(n));
    message_release(message);
}

void lobby_add(uint64_t n)
{
    lobby_add_for(n, 60 * SECOND_US);
}

void lobby_add_own_for(uint64_t n, uint64_t ttl_us)
{
    struct message *message = lobby_message(n, 0, ttl_us);
    live_room_add_own(lobby, message);
    message_release(message);
}

void lobby_sync_in(uint64_t epoch, const char *list, uint64_t last)
{
    struct message *messages[16];
    size_t count = 0;
    char *end;
    for (unsigned long n; (n = strtoul(list, &end, 10)); list = end)
        messages[count++] = lobby_message(n, FIRST_NUMBER + n, 60 * SECOND_US);
    live_source_sync(lobby, messages, count, lobby_id_in(epoch, last));
    while (count)
        message_release(messages[--count]);
}

void lobby_sync(const char *list, uint64_t last)
{
    lobby_sync_in(EPOCH, list, last);
}

void lobby_expect_list(const char *expected)
{
    struct live_listing listing = {0};
    struct buffer summary;
    ck_assert_int_eq(live_listing_make(lobby, 0, NULL, &listing), ERROR_NONE);
    struct blob *list = listing.json;
    ck_assert_ptr_nonnull(list);
    char *text = malloc(list->len + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, list->data, list->len);
    text[list->len] = '\0';
    const char *data = text;
    buffer_init(&summary, 10000);
    buffer_append_string(&summary, "");
    for (uint64_t message; (message = told_message(&data));)
        buffer_append_format(&summary, "%s%" PRIu64, summary.len ? "," : "", message);
    ck_assert_str_eq(summary.data, expected);
    buffer_fini(&summary);
    free(text);
    live_listing_fini(&listing);
}
