/*
 * The subscriber's thread.
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_THREAD_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_THREAD_H

/* For pthread_create; `argument` is the subscriber. Returns NULL when it was told to stop. */
void *redis_subscriber_thread_run(void *argument);

#endif
