/*
 * The backends under the contract: the store that a test has open, and the calls that tests share.
 * Memory goes by a clock that the test sets, a real Redis by its own.
 *
 * A call that does not do what it should fails the test.
 */
#ifndef TEMPMESSENGER_TESTS_STORE_SUBJECT_H
#define TEMPMESSENGER_TESTS_STORE_SUBJECT_H

#include "message_store.h"

#include <check.h>

enum store_subject { STORE_SUBJECT_MEMORY, STORE_SUBJECT_REDIS, STORE_SUBJECT_COUNT };

enum { TTL_MS = 60000, SHORT_TTL_MS = 250 };

extern struct message_store *store_subject_store;

/* Opens and closes the store. */
void store_subject_open(int subject, uint64_t room_max_messages);
void store_subject_open_sized(int subject, uint64_t room_max_messages, uint64_t room_max_bytes);
void store_subject_close(void);

/* The clock that the store goes by. */
const struct clock *store_subject_clock(int subject);

/* Both of the fake clock's times go on; its wall time alone is set back. */
void store_subject_advance_us(uint64_t us);
void store_subject_wall_back_us(uint64_t us);

/* A draft that borrows its texts. */
struct draft store_subject_draft(const char *author, const char *text, uint64_t ttl_ms);

enum error_code store_subject_try_save(const char *room, struct draft draft, const char *key,
                                       struct message **ret_message);
struct message *store_subject_save(const char *room, const char *text, uint64_t ttl_ms);
void store_subject_save_and_forget(const char *room, const char *text, uint64_t ttl_ms);
struct message_list store_subject_list(const char *room);
size_t store_subject_count(const char *room);
enum error_code store_subject_find(const char *room, const char *id);

/* Lets the time of `message` run out. By the fake clock: to the microsecond. By Redis': polls, with
 * a deadline, and it must not be gone before its time. */
void store_subject_outlive(int subject, const struct message *message);

void store_subject_assert_same(const struct message *a, const struct message *b);

/* Runs the suite with a Redis; the program's exit status. Frees the suite. */
int store_subject_run(Suite *suite);

#endif
