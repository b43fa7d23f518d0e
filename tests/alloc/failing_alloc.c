/*
 * The counters are atomic, as threads of the code under test allocate too. Which allocation is the
 * n-th may then differ from round to round, which does no harm: each round asks the same.
 *
 * What is given back is counted rather than left to a leak checker, so that the round that loses
 * something is known and the presets without sanitizers see it too. The C library's own (tsearch's
 * nodes) are not counted: they are freed behind our back, and the leak checker sees those.
 */
#include "failing_alloc.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker turns calls to x in this program's objects into calls to __wrap_x; __real_x is the
 * true one. The list stands in CMakeLists.txt too. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
DIR *__real_fdopendir(int fd);
redisContext *__real_redisConnectFd(int fd);
int __real_redisAppendCommandArgv(redisContext *context, int count, const char **arguments,
                                  const size_t *lens);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
int __wrap_asprintf(char **ret_text, const char *format, ...);
int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...);
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
DIR *__wrap_fdopendir(int fd);
redisContext *__wrap_redisConnectFd(int fd);
int __wrap_redisAppendCommandArgv(redisContext *context, int count, const char **arguments,
                                  const size_t *lens);

/* Seconds that hundreds of rounds may take under a sanitizer on a busy machine. */
enum { TEST_TIMEOUT_S = 60 };

enum mode { ONE_FAILS, ALL_FAIL };
static const char *const mode_names[] = {[ONE_FAILS] = "only", [ALL_FAIL] = "all from"};

static struct {
    _Atomic bool armed;
    _Atomic unsigned seen;    /* allocations of this round */
    _Atomic unsigned failed;  /* of them */
    _Atomic long live;        /* pieces of memory not given back */
    _Atomic unsigned failing; /* the one that fails, counted from 1 */
    unsigned round;           /* the same, whether it still does or not */
    enum mode mode;
    const char *name;
} state;

/* ---- in the place of the real ones ---- */

static bool fails(void)
{
    if (!atomic_load(&state.armed))
        return false;
    unsigned number = atomic_fetch_add(&state.seen, 1) + 1;
    bool failing = state.mode == ONE_FAILS ? number == state.failing : number >= state.failing;
    if (failing)
        atomic_fetch_add(&state.failed, 1);
    return failing;
}

static void *counted(void *memory)
{
    if (memory)
        atomic_fetch_add(&state.live, 1);
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (fails())
        return NULL;
    void *moved = __real_realloc(memory, size);
    return memory ? moved : counted(moved);
}

void __wrap_free(void *memory)
{
    if (memory)
        atomic_fetch_sub(&state.live, 1);
    __real_free(memory);
}

char *__wrap_strndup(const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy = __wrap_malloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, SIZE_MAX);
}

__attribute__((format(printf, 2, 0))) static int format_new(char **ret_text, const char *format,
                                                            va_list args)
{
    int len = fails() ? -1 : vasprintf(ret_text, format, args);
    if (len >= 0)
        counted(*ret_text);
    return len;
}

__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = format_new(ret_text, format, args);
    va_end(args);
    return len;
}

__attribute__((format(printf, 3, 4))) int __wrap___asprintf_chk(char **ret_text, int flag,
                                                                const char *format, ...)
{
    (void)flag;
    va_list args;
    va_start(args, format);
    int len = format_new(ret_text, format, args);
    va_end(args);
    return len;
}

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
    return fails() ? NULL : __real_tsearch(key, root, compare);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    return fails() ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

DIR *__wrap_fdopendir(int fd)
{
    if (!fails())
        return __real_fdopendir(fd);
    errno = ENOMEM;
    return NULL;
}

/* hiredis cannot be given another allocator: what it allocates fails as a whole. */
redisContext *__wrap_redisConnectFd(int fd)
{
    return fails() ? NULL : __real_redisConnectFd(fd);
}

int __wrap_redisAppendCommandArgv(redisContext *context, int count, const char **arguments,
                                  const size_t *lens)
{
    return fails() ? REDIS_ERR : __real_redisAppendCommandArgv(context, count, arguments, lens);
}

/* ---- rounds ---- */

void failing_alloc_pause(void)
{
    atomic_store(&state.armed, false);
}

void failing_alloc_resume(void)
{
    atomic_store(&state.armed, true);
}

void failing_alloc_stop(void)
{
    state.failing = UINT32_MAX;
    failing_alloc_pause();
}

bool failing_alloc_failed(void)
{
    return atomic_load(&state.failed) > 0;
}

_Noreturn void failing_alloc_refuse(const char *file, int line, const char *what)
{
    unsigned seen = atomic_load(&state.seen);
    failing_alloc_pause();
    ck_abort_msg("%s, %s allocation %u fails (%u seen): %s:%d: %s", state.name,
                 mode_names[state.mode], state.round, seen, file, line, what);
    abort();
}

/* One round; whether an allocation failed. */
static bool run_round(failing_alloc_scenario *scenario, enum mode mode, unsigned number,
                      bool tolerant)
{
    state.mode = mode;
    state.failing = state.round = number;
    atomic_store(&state.seen, 0);
    atomic_store(&state.failed, 0);
    long live_before = atomic_load(&state.live);
    failing_alloc_resume();
    enum error_code code = scenario();
    failing_alloc_pause();
    bool failed = failing_alloc_failed();
    REQUIRE(atomic_load(&state.live) == live_before);
    if (failed)
        REQUIRE(code == ERROR_INTERNAL || (tolerant && code == ERROR_NONE));
    else
        REQUIRE(code == ERROR_NONE);
    return failed;
}

static void run_rounds(const char *name, failing_alloc_scenario *scenario, bool tolerant)
{
    state.name = name;
    /* What is made once and kept is made now, and what nobody fails is seen to work. */
    REQUIRE(scenario() == ERROR_NONE);
    for (enum mode mode = ONE_FAILS; mode <= ALL_FAIL; mode++) {
        unsigned number = 1;
        while (run_round(scenario, mode, number, tolerant))
            REQUIRE(++number <= FAILING_ALLOC_ROUNDS_MAX);
        /* A scenario without allocations would test nothing. */
        REQUIRE(number > 1);
    }
}

void failing_alloc_run(const char *name, failing_alloc_scenario *scenario)
{
    run_rounds(name, scenario, false);
}

void failing_alloc_run_tolerant(const char *name, failing_alloc_scenario *scenario)
{
    run_rounds(name, scenario, true);
}

/* ---- the rest ---- */

void failing_alloc_begin_curl(void)
{
    ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, __wrap_free,
                                          __wrap_realloc, __wrap_strdup, __wrap_calloc),
                     CURLE_OK);
}

void failing_alloc_end_curl(void)
{
    curl_global_cleanup();
}

int failing_alloc_main(const char *name, const TTest *const tests[], size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, TEST_TIMEOUT_S);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
