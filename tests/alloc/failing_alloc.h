/*
 * Makes each allocation of the code under test fail in turn, and checks the outcome.
 *
 * A scenario is a function that makes something, uses it and frees it. It runs with the first
 * allocation failing, with the second, and so on until it meets no failure; then with every
 * allocation failing from the first on, from the second on, and so on. It returns ERROR_NONE if it
 * succeeded, and ERROR_INTERNAL if the code under test reported the failure as its header promises.
 * In each round nothing may crash or leak, and no failure may pass for a success.
 *
 * The allocations of our own objects fail, and those that jansson and libcurl make through them:
 * the linker puts this module's functions in the place of malloc and its like (--wrap), above the
 * sanitizers' own. All threads count.
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
