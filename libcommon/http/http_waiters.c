/*
 * A queue and the threads that take from it. A thread is added where a job finds none idle; it is
 * detached and counted, so that nothing has to collect it when it ends by itself.
 */
#include "http_waiters.h"

#include "cleanup.h"
#include "clock.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum { STACK_SIZE = 4 * 1024 * 1024 };

struct http_waiters {
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t work;  /* a job is queued, or `ending` */
    pthread_cond_t left;  /* a thread has ended */
    struct http_waiters_job *first, **last;
    unsigned queued, threads, idle;
    bool ending;
};

struct http_waiters *http_waiters_new(void)
{
    struct http_waiters *waiters = calloc(1, sizeof *waiters);
    if (!waiters)
        return NULL;
    pthread_mutex_init(&waiters->lock, NULL);
    clock_cond_init(&waiters->work);
    clock_cond_init(&waiters->left);
    waiters->last = &waiters->first;
    return waiters;
}

/* The next job, or NULL at the end and after a while without one. Under the lock. */
static struct http_waiters_job *next_job(struct http_waiters *waiters)
{
    uint64_t idle_us = HTTP_WAITERS_IDLE_MS * UINT64_C(1000);
    struct timespec until = clock_timespec(clock_now_us() + idle_us);
    waiters->idle++;
    while (!waiters->first && !waiters->ending)
        if (pthread_cond_timedwait(&waiters->work, &waiters->lock, &until) != 0)
            break;
    waiters->idle--;
    struct http_waiters_job *job = waiters->first;
    if (!job)
        return NULL;
    waiters->first = job->next;
    if (!waiters->first)
        waiters->last = &waiters->first;
    waiters->queued--;
    return job;
}

static void *work(void *context)
{
    struct http_waiters *waiters = context;
    struct http_waiters_job *job;
    pthread_mutex_lock(&waiters->lock);
    while ((job = next_job(waiters))) {
        pthread_mutex_unlock(&waiters->lock);
        job->run(job, clock_now_us() >= job->late_at_us);
        pthread_mutex_lock(&waiters->lock);
    }
    waiters->threads--;
    pthread_cond_broadcast(&waiters->left);
    pthread_mutex_unlock(&waiters->lock);
    return NULL;
}

/* Under the lock. */
static bool start_thread(struct http_waiters *waiters)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bool started = pthread_create(&thread, &attributes, work, waiters) == 0;
    pthread_attr_destroy(&attributes);
    if (started) {
        pthread_setname_np(thread, "http-waiter");
        waiters->threads++;
    }
    return started;
}

/* Under the lock. */
static bool enqueue(struct http_waiters *waiters, struct http_waiters_job *job)
{
    if (waiters->queued == HTTP_WAITERS_QUEUE_MAX)
        return false;
    bool enough = waiters->idle > waiters->queued || waiters->threads == HTTP_WAITERS_THREADS_MAX;
    if (!enough && !start_thread(waiters) && !waiters->threads)
        return false;
    job->next = NULL;
    job->late_at_us = clock_now_us() + HTTP_WAITERS_WAIT_MS * UINT64_C(1000);
    *waiters->last = job;
    waiters->last = &job->next;
    waiters->queued++;
    return true;
}

/* Signals without the lock, for which the woken thread would wait at once. */
bool http_waiters_submit(struct http_waiters *waiters, struct http_waiters_job *job)
{
    pthread_mutex_lock(&waiters->lock);
    bool queued = enqueue(waiters, job);
    pthread_mutex_unlock(&waiters->lock);
    if (queued)
        pthread_cond_signal(&waiters->work);
    return queued;
}

void http_waiters_free(struct http_waiters *waiters)
{
    if (!waiters)
        return;
    pthread_mutex_lock(&waiters->lock);
    waiters->ending = true;
    pthread_cond_broadcast(&waiters->work);
    while (waiters->threads)
        pthread_cond_wait(&waiters->left, &waiters->lock);
    pthread_mutex_unlock(&waiters->lock);
    pthread_cond_destroy(&waiters->left);
    pthread_cond_destroy(&waiters->work);
    pthread_mutex_destroy(&waiters->lock);
    free(waiters);
}
