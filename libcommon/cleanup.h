/*
 * Locals that free themselves at the end of their scope: `CLEANUP(buffer_fini) struct buffer b`.
 * The macro makes the pointer-to-variable wrapper that __attribute__((cleanup)) wants.
 */
#ifndef TEMPMESSENGER_CLEANUP_H
#define TEMPMESSENGER_CLEANUP_H

#include <pthread.h>

/* Declares how a `type *` local is freed by `free_function`; use as CLEANUP(free_function). */
#define CLEANUP_DEFINE(type, free_function)                                                        \
    static inline void cleanup_##free_function(type **variable)                                    \
    {                                                                                              \
        free_function(*variable);                                                                  \
    }

/* For a local pointer, where CLEANUP_DEFINE was given its free function. */
#define CLEANUP(free_function) __attribute__((cleanup(cleanup_##free_function)))

/* For a local struct, whose fini takes a pointer to it. */
#define CLEANUP_FINI(fini_function) __attribute__((cleanup(fini_function)))

static inline pthread_mutex_t *cleanup_lock(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    return mutex;
}

static inline void cleanup_unlock(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}

/* Holds `mutex` to the end of the scope. Once a scope. */
#define LOCKED(mutex)                                                                              \
    __attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *locked_here =                \
        cleanup_lock(mutex)

#endif
