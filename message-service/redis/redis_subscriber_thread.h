/*
 * The subscriber's thread: a loop over its connection (redis_subscriber_link.h), its rooms
 * (redis_subscriber_rooms.h) and their lists (redis_subscriber_sync.h).
 */
#ifndef TEMPMESSENGER_REDIS_SUBSCRIBER_THREAD_H
#define TEMPMESSENGER_REDIS_SUBSCRIBER_THREAD_H

#include "redis_subscriber_link.h"
#include "redis_subscriber_rooms.h"
#include "redis_subscriber_sync.h"

#include <stdbool.h>

/* Borrowed for the thread's life. */
struct redis_subscriber_thread {
    struct redis_subscriber_link *link;
    struct redis_subscriber_rooms *rooms;
    struct redis_subscriber_sync *sync;
    int wake_fd; /* an eventfd, readable: watches have changed */
    int stop_fd; /* readable: end */
    pthread_t id;
};

/* Starts it; false where it cannot. */
bool redis_subscriber_thread_start(struct redis_subscriber_thread *thread) ERROR_MUST_USE;

/* Waits for its end, which `stop_fd` brings about. */
void redis_subscriber_thread_join(struct redis_subscriber_thread *thread);

#endif
