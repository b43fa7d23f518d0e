/*
 * The main thread waits for signals and does nothing else: no code runs in a signal's context.
 */
#include "process.h"

#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    /* They never wait for another service (http_waiters.h). */
    THREADS_MIN = 2,
    THREADS_MAX = 64,
    LOOPS_MAX = 4,

    /* Of the open-file limit, for what is no client's connection: listening sockets, epoll sets,
     * connections to stores and services, the log. */
    OWN_FILES_PART = 2,
    FILES_MAX = 1024 * 1024,
    OWN_FILES_MAX = 128,
};

static void stop_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

/* A core limit of 0 would not do: the kernel does not ask it where it pipes dumps to a program, as
 * systemd's. The leak checker of a sanitizer reads this process from outside, so there it
 * is left. */
static void forbid_dumps(void)
{
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

void process_prepare(void)
{
    sigset_t signals;
    stop_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    /* There is nothing to reload, to reopen or to print; by default each would end the process. */
    static const int ignored[] = {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    forbid_dumps();

    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

const char *process_wait(void)
{
    sigset_t signals;
    int number = SIGTERM;
    stop_signals(&signals);
    sigwait(&signals, &number);
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}

unsigned long process_file_limit(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

unsigned process_files(unsigned wanted, unsigned share)
{
    unsigned long limit = process_file_limit();
    if (limit > FILES_MAX) /* it may be infinite */
        limit = FILES_MAX;
    unsigned long own =
        limit / OWN_FILES_PART < OWN_FILES_MAX ? limit / OWN_FILES_PART : OWN_FILES_MAX;
    unsigned long may = (limit - own) * share / 100;
    if (may < 1)
        return 1;
    return wanted < may ? wanted : (unsigned)may;
}

/* The number of cores, within these bounds. */
static unsigned cores_within(unsigned min, unsigned max)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < (long)min)
        return min;
    return cores > (long)max ? max : (unsigned)cores;
}

unsigned process_threads(unsigned configured)
{
    return configured ? configured : cores_within(THREADS_MIN, THREADS_MAX);
}

unsigned process_loops(void)
{
    return cores_within(1, LOOPS_MAX);
}

/* Unmaps what is only read of a library. */
static int unmap_library(struct dl_phdr_info *library, size_t size, void *context)
{
    (void)size, (void)context;
    uintptr_t page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    if (!library->dlpi_name[0]) /* the program: a debugger's breakpoints would go with its pages */
        return 0;
    for (size_t i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[i];
        uintptr_t begin = library->dlpi_addr + part->p_vaddr;
        uintptr_t end = (begin + part->p_memsz) & page_mask;
        void *first;
        begin &= page_mask;
        memcpy(&first, &begin, sizeof first);
        if (part->p_type == PT_LOAD && !(part->p_flags & PF_W) && begin < end)
            madvise(first, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void process_unmap_libraries(void)
{
    dl_iterate_phdr(unmap_library, NULL);
}

char *process_path_beside_program(const char *relative)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program);
    char *slash = len > 0 ? memrchr(program, '/', (size_t)len) : NULL;
    if (!slash)
        return NULL;
    *slash = '\0';
    char *path;
    return asprintf(&path, "%s/%s", program, relative) < 0 ? NULL : path;
}
