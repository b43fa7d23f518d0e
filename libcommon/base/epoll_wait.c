/*
 * The C library's epoll_wait but for one thing: right after a call that filled its whole array, the
 * thread's next call does not wait.
 *
 * It is for libmicrohttpd (0.9.75), whose loop takes 128 events at a time and asks again as long as
 * that many come, before it looks at any of them, with the timeout of the first call. Where exactly
 * 128, 256, … connections have something at one moment, it sleeps over all of them until something
 * else happens on that thread: in a quiet service for up to a minute. Seen with 500 readers who
 * came at once, and provoked by tests/integration/rude.test.mjs.
 *
 * A definition in the program goes before the one in the C library for all that the program loads;
 * for anyone else's loop the difference is at most one turn in vain.
 */
#include "epoll_wait.h"

#include <dlfcn.h>
#include <stddef.h>
#include <sys/epoll.h>

typedef int wait_function(int epfd, struct epoll_event *events, int maxevents, int timeout);

/* The one behind ours: a sanitizer's, or the C library's. */
static wait_function *next_wait(void)
{
    static wait_function *_Atomic found;
    wait_function *next = found;
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "epoll_wait");
        found = next;
    }
    return next;
}

static _Thread_local int last_set = -1;

int epoll_wait_of_thread(void)
{
    return last_set;
}

int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
    static _Thread_local bool was_full;
    last_set = epfd;
    int count = next_wait()(epfd, events, maxevents, was_full ? 0 : timeout);
    was_full = count == maxevents;
    return count;
}

bool epoll_wait_is_ours(void)
{
    wait_function *first = NULL;
    *(void **)&first = dlsym(RTLD_DEFAULT, "epoll_wait");
    return first == epoll_wait;
}
