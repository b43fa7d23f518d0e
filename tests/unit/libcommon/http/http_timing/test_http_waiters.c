/*
 * The threads that wait: jobs that do so until the test lets them go on.
 */
#include "http_waiters.h"

#include "cleanup.h"
#include "ring.h"
#include "set_clock.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

struct job {
    struct http_waiters_job job;
    bool blocks, done, late;
    unsigned place; /* in the order of beginnings */
};

static struct http_waiters *waiters;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned begun, done;
    bool open;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void run(struct http_waiters_job *link, bool late)
{
    struct job *job = RING_OWNER(link, struct job, job);
    LOCKED(&gate.lock);
    job->place = gate.begun++;
    pthread_cond_broadcast(&gate.changed);
    while (job->blocks && !gate.open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    job->late = late;
    job->done = true;
    gate.done++;
}

static void open_gate(void)
{
    LOCKED(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
}

static void await_begun(unsigned count)
{
    LOCKED(&gate.lock);
    while (gate.begun < count)
        pthread_cond_wait(&gate.changed, &gate.lock);
}

static bool submit(struct job *job, bool blocks)
{
    *job = (struct job){.job.run = run, .blocks = blocks};
    return http_waiters_submit(waiters, &job->job);
}

static struct job blocking[HTTP_WAITERS_THREADS_MAX];
static struct job queued[HTTP_WAITERS_QUEUE_MAX + 1];

/* All threads have something to do. */
static void occupy_threads(void)
{
    for (unsigned i = 0; i < HTTP_WAITERS_THREADS_MAX; i++)
        ck_assert(submit(&blocking[i], true));
    await_begun(HTTP_WAITERS_THREADS_MAX);
}

static void set_up(void)
{
    waiters = http_waiters_new();
    ck_assert_ptr_nonnull(waiters);
}

START_TEST(test_http_waiters__free_waits_for_all_jobs)
{
    ck_assert(submit(&queued[0], false));
    ck_assert(submit(&queued[1], false));
    http_waiters_free(waiters);
    ck_assert(queued[0].done && queued[1].done);
    ck_assert(!queued[0].late && !queued[1].late);
}
END_TEST

START_TEST(test_http_waiters__so_many_jobs_wait_at_the_same_time)
{
    occupy_threads();
    open_gate();
    http_waiters_free(waiters);
    ck_assert_uint_eq(gate.done, HTTP_WAITERS_THREADS_MAX);
}
END_TEST

START_TEST(test_http_waiters__one_job_more_begins_when_a_thread_is_free)
{
    occupy_threads();
    ck_assert(submit(&queued[0], false));
    ck_assert(!queued[0].done);
    open_gate();
    http_waiters_free(waiters);
    ck_assert(queued[0].done);
    ck_assert_uint_eq(queued[0].place, HTTP_WAITERS_THREADS_MAX);
}
END_TEST

START_TEST(test_http_waiters__full_queue_refuses)
{
    occupy_threads();
    for (unsigned i = 0; i < HTTP_WAITERS_QUEUE_MAX; i++)
        ck_assert(submit(&queued[i], false));
    ck_assert(!submit(&queued[HTTP_WAITERS_QUEUE_MAX], false));
    open_gate();
    http_waiters_free(waiters);
    ck_assert_uint_eq(gate.done, HTTP_WAITERS_THREADS_MAX + HTTP_WAITERS_QUEUE_MAX);
    ck_assert(!queued[HTTP_WAITERS_QUEUE_MAX].done);
}
END_TEST

START_TEST(test_http_waiters__job_that_waited_too_long_is_late)
{
    occupy_threads();
    ck_assert(submit(&queued[0], false));
    set_clock_ahead(HTTP_WAITERS_WAIT_MS);
    ck_assert(submit(&queued[1], false));
    open_gate();
    http_waiters_free(waiters);
    ck_assert(queued[0].late);
    ck_assert(!queued[1].late);
}
END_TEST

START_TEST(test_http_waiters__free_takes_nothing)
{
    http_waiters_free(waiters);
    http_waiters_free(NULL);
}
END_TEST

static Suite *http_waiters_suite(void)
{
    Suite *suite = suite_create("http_waiters");
    TCase *tcase = tcase_create("http_waiters");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, test_http_waiters__free_waits_for_all_jobs);
    tcase_add_test(tcase, test_http_waiters__so_many_jobs_wait_at_the_same_time);
    tcase_add_test(tcase, test_http_waiters__one_job_more_begins_when_a_thread_is_free);
    tcase_add_test(tcase, test_http_waiters__full_queue_refuses);
    tcase_add_test(tcase, test_http_waiters__job_that_waited_too_long_is_late);
    tcase_add_test(tcase, test_http_waiters__free_takes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_waiters_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
