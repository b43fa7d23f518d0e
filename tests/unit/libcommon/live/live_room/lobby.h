/*
 * One room among the rooms, whose messages are called by small numbers (told.h) and live for a
 * minute where no time is named.
 */
#ifndef TEMPMESSENGER_TESTS_LOBBY_H
#define TEMPMESSENGER_TESTS_LOBBY_H

#include "rooms.h"
#include "told.h"

extern struct live_room *lobby;

/* The fixture: rooms over a set clock, and the lobby in use. */
void lobby_set_up(void);
void lobby_tear_down(void);

/* What the timer does when it looks. Returns when it is to look next. */
uint64_t lobby_tick(void);

struct message *lobby_message(uint64_t n, uint64_t number, uint64_t ttl_us);

/* The source brings message n. */
void lobby_add(uint64_t n);
void lobby_add_for(uint64_t n, uint64_t ttl_us);

/* Message n was posted here, and the source has yet to bring it. */
void lobby_add_own_for(uint64_t n, uint64_t ttl_us);

/* The source has the messages that `list` names ("1 2 5") and gave out `last` last. */
void lobby_sync(const char *list, uint64_t last);
void lobby_sync_in(uint64_t epoch, const char *list, uint64_t last);

/* Message n's event id. Its text is good until the next call. */
struct event_id lobby_id_of(uint64_t n);
struct event_id lobby_id_in(uint64_t epoch, uint64_t n);
const char *lobby_id_text(uint64_t n);

/* The room's list holds these messages: "1,2". */
void lobby_expect_list(const char *expected);

#endif
