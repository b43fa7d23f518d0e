/*
 * Locals that free themselves at the end of their scope: `CLEANUP(board_free) struct board *board`,
 * `CLEANUP_FINI(buffer_fini) struct buffer text`; and locks that do.
 */
#ifndef TEMPMESSENGER_CLEANUP_H
#define TEMPMESSENGER_CLEANUP_H

#include <pthread.h>

/* Declares how a `type *` local is freed by `free_function`; use as CLEANUP(free_function). */
#define CLEANUP_DEFINE(type, free_function)                                                        \
    static inline void cleanup_##free_function(__typeof__(type) **variable)                        \
    {                                                                                              \
        free_function(*variable);                                                                  \
    }

/* For a local pointer, where CLEANUP_DEFINE was given its free function. */
#define CLEANUP(free_function) __attribute__((cleanup(cleanup_##free_function)))

/* For a local struct, whose fini takes a pointer to it. */
#define CLEANUP_FINI(fini_function) __attribute__((cleanup(fini_function)))

/* A mutex that is held. */
struct cleanup_held {
    pthread_mutex_t *mutex;
};

static inline struct cleanup_held cleanup_lock(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    return (struct cleanup_held){mutex};
}

static inline void cleanup_unlock(struct cleanup_held *held)
{
    pthread_mutex_unlock(held->mutex);
}

/* Holds `mutex` to the end of the scope. Once a scope. */
#define LOCKED(mutex)                                                                              \
    struct cleanup_held locked_here __attribute__((cleanup(cleanup_unlock), unused)) =             \
        cleanup_lock(mutex)

#endif
