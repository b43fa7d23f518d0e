/*
 * A stack of handles: the last given back is the first lent, so that little load keeps one
 * connection warm, and the server may close the others.
 */
#include "curl_pool.h"

#include "cleanup.h"
#include "clock.h"

#include <stdbool.h>
#include <stdlib.h>

struct curl_pool {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    unsigned size;
    unsigned made;      /* handles that exist, lent or not */
    unsigned available; /* of them in `handles` */
    CURL *handles[];
};

struct curl_pool *curl_pool_new(unsigned size)
{
    struct curl_pool *pool = calloc(1, sizeof *pool + size * sizeof pool->handles[0]);
    if (!pool)
        return NULL;
    pool->size = size;
    pthread_mutex_init(&pool->lock, NULL);
    clock_cond_init(&pool->returned);
    return pool;
}

void curl_pool_free(struct curl_pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < pool->available; i++)
        curl_easy_cleanup(pool->handles[i]);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* Waits until a handle is there or one more may be made; false when `wait_ms` is over. */
static bool wait_for_handle(struct curl_pool *pool, uint64_t wait_ms)
{
    struct timespec end = clock_timespec(clock_now_us() + wait_ms * 1000);
    while (!pool->available && pool->made == pool->size)
        if (pthread_cond_timedwait(&pool->returned, &pool->lock, &end) != 0)
            return pool->available > 0;
    return true;
}

CURL *curl_pool_borrow(struct curl_pool *pool, uint64_t wait_ms)
{
    LOCKED(&pool->lock);
    if (!wait_for_handle(pool, wait_ms))
        return NULL;
    if (pool->available)
        return pool->handles[--pool->available];
    CURL *handle = curl_easy_init();
    if (handle)
        pool->made++;
    return handle;
}

void curl_pool_return(struct curl_pool *pool, CURL *handle)
{
    curl_easy_reset(handle);
    LOCKED(&pool->lock);
    pool->handles[pool->available++] = handle;
    pthread_cond_signal(&pool->returned);
}

void curl_pool_discard(struct curl_pool *pool, CURL *handle)
{
    curl_easy_cleanup(handle);
    LOCKED(&pool->lock);
    pool->made--;
    while (pool->available) {
        curl_easy_cleanup(pool->handles[--pool->available]);
        pool->made--;
    }
    pthread_cond_signal(&pool->returned);
}
