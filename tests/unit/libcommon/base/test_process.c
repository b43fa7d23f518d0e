/*
 * What a process makes of its open-file limit.
 */
#include "process.h"

#include <check.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each test runs in a process of its own, so that the limit is its own too. */
static void set_limit(rlim_t files)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = files;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(process_file_limit(), files);
}

START_TEST(test_process__files_are_what_is_wanted_at_and_below_the_share)
{
    set_limit(1128);
    ck_assert_uint_eq(process_files(599, 60), 599);
    ck_assert_uint_eq(process_files(600, 60), 600);
}
END_TEST

START_TEST(test_process__files_above_the_share_are_the_share)
{
    set_limit(1128);
    ck_assert_uint_eq(process_files(601, 60), 600);
    ck_assert_uint_eq(process_files(10000, 100), 1000);
}
END_TEST

START_TEST(test_process__a_low_limit_leaves_half_for_the_process)
{
    set_limit(64);
    ck_assert_uint_eq(process_files(10000, 100), 32);
}
END_TEST

START_TEST(test_process__files_are_at_least_one)
{
    set_limit(64);
    ck_assert_uint_eq(process_files(10000, 1), 1);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
/* Whether a process that aborts is dumped, with the highest core limit that it may have. */
static bool is_dumped(bool prepared)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_CORE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_CORE, &limit);
        signal(SIGABRT, SIG_DFL);
        if (chdir(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") != 0)
            _exit(1);
        if (prepared)
            process_prepare();
        if (prctl(PR_GET_DUMPABLE) != !prepared)
            _exit(2);
        if (!prepared)
            _exit(0); /* that it would be dumped need not be tried */
        abort();
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (!prepared)
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    return WCOREDUMP(status);
}

START_TEST(test_process__prepared_process_leaves_no_dump)
{
    ck_assert(is_dumped(false));
    ck_assert(!is_dumped(true));
}
END_TEST
#endif

START_TEST(test_process__prepare_raises_the_limit_to_the_hard_one)
{
    struct rlimit limit;
    set_limit(64);
    process_prepare();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(process_file_limit(), limit.rlim_max);
}
END_TEST

START_TEST(test_process__signals_that_ask_for_nothing_are_ignored)
{
    process_prepare();
    ck_assert_int_eq(raise(SIGPIPE), 0);
    ck_assert_int_eq(raise(SIGHUP), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(raise(SIGUSR2), 0);
}
END_TEST

START_TEST(test_process__wait_returns_the_name_of_the_signal)
{
    process_prepare();
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_str_eq(process_wait(), "SIGINT");
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_str_eq(process_wait(), "SIGTERM");
}
END_TEST

START_TEST(test_process__threads_are_as_configured_or_by_cores)
{
    ck_assert_uint_eq(process_threads(1), 1);
    ck_assert_uint_eq(process_threads(200), 200);
    ck_assert_uint_ge(process_threads(0), 2);
    ck_assert_uint_le(process_threads(0), 64);
}
END_TEST

static unsigned long resident_kib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Rss:", 4) == 0)
            kib = strtoul(line + 4, NULL, 10);
    fclose(file);
    ck_assert_uint_gt(kib, 0);
    return kib;
}

/* As the dynamic linker does at a program's start. */
static int read_library(struct dl_phdr_info *library, size_t size, void *sum)
{
    (void)size;
    for (size_t i = 0; i < library->dlpi_phnum; i++)
        if (library->dlpi_phdr[i].p_type == PT_LOAD)
            *(int *)sum += *(const char *)(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
    return 0;
}

START_TEST(test_process__what_starting_has_read_of_libraries_is_given_back)
{
    int sum = 0;
    dl_iterate_phdr(read_library, &sum);
    unsigned long before = resident_kib();
    process_unmap_libraries();
    ck_assert_uint_lt(resident_kib(), before);
    int again = 0;
    dl_iterate_phdr(read_library, &again);
    ck_assert_int_eq(again, sum);
}
END_TEST

START_TEST(test_process__a_path_beside_the_program_leads_there)
{
    char *program = process_path_beside_program("test_process");
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(program[0], '/');
    ck_assert_int_eq(access(program, X_OK), 0);
    free(program);
}
END_TEST

static Suite *process_suite(void)
{
    TCase *tcase = tcase_create("process");
    tcase_add_test(tcase, test_process__files_are_what_is_wanted_at_and_below_the_share);
    tcase_add_test(tcase, test_process__files_above_the_share_are_the_share);
    tcase_add_test(tcase, test_process__a_low_limit_leaves_half_for_the_process);
    tcase_add_test(tcase, test_process__files_are_at_least_one);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tcase, test_process__prepared_process_leaves_no_dump);
#endif
    tcase_add_test(tcase, test_process__prepare_raises_the_limit_to_the_hard_one);
    tcase_add_test(tcase, test_process__signals_that_ask_for_nothing_are_ignored);
    tcase_add_test(tcase, test_process__wait_returns_the_name_of_the_signal);
    tcase_add_test(tcase, test_process__threads_are_as_configured_or_by_cores);
    tcase_add_test(tcase, test_process__what_starting_has_read_of_libraries_is_given_back);
    tcase_add_test(tcase, test_process__a_path_beside_the_program_leads_there);
    Suite *suite = suite_create("process");
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(process_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
