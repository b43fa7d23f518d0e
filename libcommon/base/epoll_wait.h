/*
 * The program's own epoll_wait, which is there for the HTTP server's loop; epoll_wait.c says why.
 */
#ifndef TEMPMESSENGER_EPOLL_WAIT_H
#define TEMPMESSENGER_EPOLL_WAIT_H

#include <stdbool.h>

/* Whether what the libraries of this program call is ours. False only where it was linked so that
 * its own symbols are hidden from them. */
bool epoll_wait_is_ours(void);

/* The set that this thread last waited on; -1 where it never did. */
int epoll_wait_of_thread(void);

#endif
