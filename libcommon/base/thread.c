/*
 * A thread is named by the one that starts it, so that it has its name before it can be looked for.
 * Signals are left to process_prepare: what it blocks is blocked in all threads started later.
 */
#include "thread.h"

bool thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *argument)
{
    if (pthread_create(ret_thread, NULL, run, argument) != 0)
        return false;
    pthread_setname_np(*ret_thread, name);
    return true;
}
