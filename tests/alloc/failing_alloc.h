/*
 * Makes each allocation of the code under test fail in turn, and asks what became of it.
 *
 * A scenario is a function that makes something, uses it and frees it. It is run again and again:
 * with the first allocation failing, the second, and so on until it comes through without a failure;
 * and all over with every allocation failing from the first, the second, … on. It returns ERROR_NONE
 * where all was as it should be without a failure, and ERROR_INTERNAL where it met one and was told
 * so in the way that the header promises (whichever that is). Of each round it is required that
 * nothing crashes, that all memory is given back, and that no failure passes for a success.
 *
 * What fails is what our own objects, and jansson and libcurl through them, ask for: the linker puts
 * this module's functions in the place of malloc and its like (--wrap), so that the sanitizers' own
 * remain below. All threads count.
 */
#ifndef TEMPMESSENGER_TESTS_FAILING_ALLOC_H
#define TEMPMESSENGER_TESTS_FAILING_ALLOC_H

#include "error.h"

#include <check.h>
#include <stdbool.h>

/* More allocations than any scenario makes: one that never comes through fails. */
enum { FAILING_ALLOC_ROUNDS_MAX = 5000 };

typedef enum error_code failing_alloc_scenario(void);

/* Runs the scenario as above. `name` is for what a failing test says. */
void failing_alloc_run(const char *name, failing_alloc_scenario *scenario);

/* The same where some failures are made up for: rounds with one may come through too. */
void failing_alloc_run_tolerant(const char *name, failing_alloc_scenario *scenario);

#define FAILING_ALLOC_TEST(test, scenario)                                                         \
    START_TEST(test)                                                                               \
    {                                                                                              \
        failing_alloc_run(#scenario, scenario);                                                    \
    }                                                                                              \
    END_TEST

#define FAILING_ALLOC_TEST_TOLERANT(test, scenario)                                                \
    START_TEST(test)                                                                               \
    {                                                                                              \
        failing_alloc_run_tolerant(#scenario, scenario);                                           \
    }                                                                                              \
    END_TEST

/* ---- for scenarios ---- */

/* Nothing fails between these two: for what the scenario needs and does not test. */
void failing_alloc_pause(void);
void failing_alloc_resume(void);

/* Nothing fails any more in this round: for looking at what is left, and trying again. */
void failing_alloc_stop(void);

/* Whether an allocation has failed in this round. */
bool failing_alloc_failed(void);

/* Instead of ck_assert, which allocates. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            failing_alloc_refuse(__FILE__, __LINE__, #condition);                                  \
    } while (0)

_Noreturn void failing_alloc_refuse(const char *file, int line, const char *what);

/* Has libcurl allocate here too; before its first use in a test. The other ends that. */
void failing_alloc_begin_curl(void);
void failing_alloc_end_curl(void);

/* A Check program's main with one case of these tests. */
int failing_alloc_main(const char *name, const TTest *const tests[], size_t count);

#endif
