/*
 * getaddrinfo takes no deadline and cannot be interrupted, so each name is resolved on a thread of
 * its own, and the callers wait for an eventfd. A caller leaves at its deadline; the thread ends
 * when getaddrinfo returns, and the last of them frees the lookup.
 *
 * Lookups under way stand in a list, where callers with the same name join them. Answers are not
 * cached: each new connection resolves again, because a restarted Redis may have moved.
 */
#include "host_lookup.h"

#include "fd_wait.h"
#include "thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

struct host_lookup {
    char host[HOST_LOOKUP_HOST_MAX + 1];
    char port[8];
    int done_fd; /* readable when `addresses` and `status` are set; -1: they are from the start */
    struct addrinfo *addresses;
    int status; /* of getaddrinfo */

    unsigned uses;                 /* under `lock` */
    LIST_ENTRY(host_lookup) entry; /* of `under_way`, while the thread runs */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over `under_way` and all `uses` */
static LIST_HEAD(host_lookup_list, host_lookup) under_way = LIST_HEAD_INITIALIZER(under_way);

static struct host_lookup *make(const char *host, const char *port)
{
    struct host_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    snprintf(lookup->port, sizeof lookup->port, "%s", port);
    lookup->done_fd = -1;
    lookup->uses = 1;
    return lookup;
}

static void resolve(struct host_lookup *lookup, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    lookup->status = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->addresses);
}

static bool drop_use(struct host_lookup *lookup)
{
    LOCKED(&lock);
    return --lookup->uses == 0;
}

void host_lookup_release(struct host_lookup *lookup)
{
    if (!lookup || !drop_use(lookup))
        return;
    if (lookup->addresses)
        freeaddrinfo(lookup->addresses);
    if (lookup->done_fd >= 0)
        close(lookup->done_fd);
    free(lookup);
}

static void *run(void *argument)
{
    struct host_lookup *lookup = argument;
    resolve(lookup, AI_ADDRCONFIG);
    pthread_mutex_lock(&lock);
    LIST_REMOVE(lookup, entry);
    pthread_mutex_unlock(&lock);
    eventfd_write(lookup->done_fd, 1);
    host_lookup_release(lookup);
    return NULL;
}

static bool start(struct host_lookup *lookup)
{
    pthread_t thread;
    lookup->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->done_fd < 0 || !thread_start(&thread, "host-lookup", run, lookup))
        return false;
    pthread_detach(thread);
    return true;
}

/* The lookup of that name, joined or begun, with a use for the caller; NULL where it cannot. */
static struct host_lookup *join(const char *host, const char *port)
{
    LOCKED(&lock);
    for (struct host_lookup *other = LIST_FIRST(&under_way); other;
         other = LIST_NEXT(other, entry)) {
        if (strcmp(other->host, host) == 0 && strcmp(other->port, port) == 0) {
            other->uses++;
            return other;
        }
    }
    struct host_lookup *lookup = make(host, port);
    if (!lookup)
        return NULL;
    if (!start(lookup)) {
        if (lookup->done_fd >= 0)
            close(lookup->done_fd);
        free(lookup);
        return NULL;
    }
    lookup->uses++; /* the thread's, which takes the lock before it drops it */
    LIST_INSERT_HEAD(&under_way, lookup, entry);
    return lookup;
}

/* The status, once it is set: under the lock, which the thread has taken since. */
static int status_of(const struct host_lookup *lookup)
{
    LOCKED(&lock);
    return lookup->status;
}

enum error_code host_lookup(const char *host, int port, uint64_t deadline_us, int stop_fd,
                            struct host_lookup **ret_lookup, struct error *err)
{
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    CLEANUP(host_lookup_release) struct host_lookup *lookup = make(host, service);
    if (!lookup)
        return error_because(err, ERROR_UNAVAILABLE, "out of memory");
    resolve(lookup, AI_NUMERICHOST);
    if (lookup->status == EAI_NONAME) {
        host_lookup_release(lookup);
        lookup = join(host, service);
        if (!lookup)
            return error_because(err, ERROR_UNAVAILABLE, "redis: no thread to resolve %s", host);
        if (fd_wait(lookup->done_fd, POLLIN, deadline_us, stop_fd) != FD_READY)
            return error_because(err, ERROR_UNAVAILABLE, "redis: %s was not resolved in time",
                                 host);
    }
    int status = status_of(lookup);
    if (status != 0)
        return error_because(err, ERROR_UNAVAILABLE, "redis: %s: %s", host, gai_strerror(status));
    *ret_lookup = lookup;
    lookup = NULL;
    return ERROR_NONE;
}

const struct addrinfo *host_lookup_addresses(const struct host_lookup *lookup)
{
    return lookup->addresses;
}
