/*
 * The mark in a message's text, by which a load knows it again: its number and when it was due.
 */
#ifndef TEMPMESSENGER_BENCH_MARKS_H
#define TEMPMESSENGER_BENCH_MARKS_H

#include <stddef.h>
#include <stdint.h>

enum { MARK_LEN = 28, MARK_TEXT_MAX = 1500 };

/* A text of `text_len` bytes, MARK_LEN to MARK_TEXT_MAX, that begins with the mark, and a NUL. */
void mark_text(char *text, size_t text_len, unsigned number, uint64_t due_us);

/* Calls `take` for each mark in what came; returns how much of it is done with: a mark that has
 * not come whole is left. */
size_t marks_take(const char *text, size_t len,
                  void (*take)(void *context, unsigned number, uint64_t due_us), void *context);

#endif
