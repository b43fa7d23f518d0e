/*
 * A clock that stands still until the test sets it ahead.
 */
#ifndef TEMPMESSENGER_TESTS_SET_CLOCK_H
#define TEMPMESSENGER_TESTS_SET_CLOCK_H

#include <stdint.h>

void set_clock_ahead(uint64_t ms);

#endif
