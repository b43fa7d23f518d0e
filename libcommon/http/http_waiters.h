/*
 * The threads on which requests wait for other services, so that no event thread ever does.
 *
 * Threads are started as they are needed and end after a while without work.
 */
#ifndef TEMPMESSENGER_HTTP_WAITERS_H
#define TEMPMESSENGER_HTTP_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_WAITERS_THREADS_MAX = 64,
    HTTP_WAITERS_QUEUE_MAX = 1024, /* jobs that may wait for a thread */
    HTTP_WAITERS_WAIT_MS = 1000,   /* for a thread; a job that waited longer is late */
    HTTP_WAITERS_IDLE_MS = 10000,  /* a thread without work for so long ends */
};

/* One piece of work; owned by who submits it, until `run` is called. */
struct http_waiters_job {
    /* On a thread of the waiters; may block, but where the job is late. */
    void (*run)(struct http_waiters_job *job, bool late);
    /* The waiters' own. */
    struct http_waiters_job *next;
    uint64_t late_at_us;
};

struct http_waiters;

/* NULL when out of memory. */
struct http_waiters *http_waiters_new(void);

/* Waits for all jobs. Takes NULL. */
void http_waiters_free(struct http_waiters *waiters);

/* Any thread. False, and the job is not run, where the queue is full or no thread can be had. */
bool http_waiters_submit(struct http_waiters *waiters, struct http_waiters_job *job)
    __attribute__((warn_unused_result));

#endif
