/*
 * Threads with a name, which debuggers and `top -H` show.
 */
#ifndef TEMPMESSENGER_THREAD_H
#define TEMPMESSENGER_THREAD_H

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_NAME_MAX = 15 };

/* Starts a thread that runs `run(argument)`. `name` has at most THREAD_NAME_MAX bytes. The caller
 * joins or detaches *ret_thread. False where the system gives no thread. */
bool thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *argument)
    __attribute__((warn_unused_result));

#endif
