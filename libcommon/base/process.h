/*
 * What a service is as a process: its signals, its limit of open files, its number of threads.
 */
#ifndef TEMPMESSENGER_PROCESS_H
#define TEMPMESSENGER_PROCESS_H

/* First in main, before any thread: ignores SIGPIPE, SIGHUP, SIGUSR1 and SIGUSR2, blocks SIGTERM
 * and SIGINT (process_wait takes them) in this thread and those it will make, raises the
 * open-file limit to the hard one, and keeps the memory, which holds messages and secrets, from
 * being dumped to a file or read by other processes of the same user. */
void process_prepare(void);

/* Blocks until SIGTERM or SIGINT comes; returns its name. */
const char *process_wait(void);

/* How many files this process may have open. */
unsigned long process_file_limit(void);

/* How many of `wanted` files one purpose may keep open: at most `share` percent of the open-file
 * limit without the process' own needs, at least 1. */
unsigned process_files(unsigned wanted, unsigned share);

/* The number of event threads: `configured`, or by cores if that is 0. */
unsigned process_threads(unsigned configured);

/* How many threads write event streams: one a core, up to STREAM_LOOPS_MAX (stream_loops.h). */
unsigned process_loops(void);

/* Gives back the pages of libraries that starting has read: most of them (symbols, relocations,
 * constructors) are never read again. The kernel brings back the others from its cache. */
void process_unmap_libraries(void);

/* `relative` as seen from the directory of the running program; the caller frees it with free().
 * NULL when out of memory, or without /proc. */
char *process_path_beside_program(const char *relative);

#endif
