/*
 * The value of one setting: the grammar of each kind, from text into the member of the struct.
 *
 * Pure: no files, no environment. Any thread.
 */
#ifndef TEMPMESSENGER_SETTING_VALUE_H
#define TEMPMESSENGER_SETTING_VALUE_H

#include "settings.h"

enum { SETTING_RULE_SIZE = 256, SETTING_DURATION_SIZE = 24, SETTING_SIZE_SIZE = 24 };

enum setting_value_outcome {
    SETTING_VALUE_STORED,
    SETTING_VALUE_REFUSED, /* ret_rule completes '"value" is not …' */
    SETTING_VALUE_NO_MEMORY,
};

/* Reads `text` as a value of `setting` into `ret_member`, the member itself. A text or secret that
 * is stored there is the caller's; nothing is stored unless the value is right. */
enum setting_value_outcome setting_value_parse(const struct setting *setting, const char *text,
                                               void *ret_member, char ret_rule[SETTING_RULE_SIZE])
    __attribute__((warn_unused_result));

/* A whole number and ms, s, m, h or d; a bare number is seconds. False where `text` is not of that
 * form. What does not fit is UINT64_MAX. */
bool setting_value_duration(const char *text, uint64_t *ret_ms) __attribute__((warn_unused_result));

/* The shortest way to write `ms` in that grammar. */
void setting_value_format_duration(uint64_t ms, char ret_text[SETTING_DURATION_SIZE]);

/* The shortest way to write `bytes` as a size: 8MiB, 64KiB, 4256. */
void setting_value_format_size(uint64_t bytes, char ret_text[SETTING_SIZE_SIZE]);

#endif
