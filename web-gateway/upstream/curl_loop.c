/*
 * libcurl names its sockets and its next timer (on_socket, on_timer); the loop waits for both and
 * calls libcurl back for just the one that is ready.
 *
 * A socket that cannot be watched, for want of kernel memory, is not reported to libcurl, which
 * would give up all transfers for it: its transfer falls silent, and its owner's deadline ends it.
 * Where libcurl has no memory to remember a socket it reports that, but not for which transfer,
 * and keeps a broken record (7.88 divides by zero at its next use) that only goes with the multi
 * handle.
 */
#include "curl_loop.h"

#include "clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 128, /* of one turn */
    WAIT_MAX_MS = 60 * 1000,
    US_PER_MS = 1000,
};

/* ---- what libcurl asks for ---- */

static int on_socket(CURL *handle, curl_socket_t fd, int what, void *context, void *known)
{
    (void)handle, (void)known;
    const struct curl_loop *loop = context;
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct curl_loop *loop = context;
    loop->timer_us =
        timeout_ms < 0 ? UINT64_MAX : clock_now_us() + (uint64_t)timeout_ms * US_PER_MS;
    return 0;
}

static bool make_multi(struct curl_loop *loop)
{
    loop->timer_us = UINT64_MAX;
    loop->multi = curl_multi_init();
    if (!loop->multi)
        return false;
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    return true;
}

/* ---- a turn ---- */

static int wait_ms(const struct curl_loop *loop, uint64_t wait_us)
{
    uint64_t now = clock_now_us();
    uint64_t timer_us = loop->timer_us > now ? loop->timer_us - now : 0;
    uint64_t least_us = timer_us < wait_us ? timer_us : wait_us;
    if (least_us > (uint64_t)WAIT_MAX_MS * US_PER_MS)
        return WAIT_MAX_MS;
    return (int)((least_us + US_PER_MS - 1) / US_PER_MS);
}

static CURLMcode run_socket(struct curl_loop *loop, const struct epoll_event *event)
{
    int running;
    if (event->data.fd == loop->wake_fd) {
        eventfd_t count;
        eventfd_read(loop->wake_fd, &count);
        return CURLM_OK;
    }
    int ready = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    return curl_multi_socket_action(loop->multi, event->data.fd, ready, &running);
}

static CURLMcode run_timer(struct curl_loop *loop)
{
    int running;
    if (loop->timer_us > clock_now_us())
        return CURLM_OK;
    loop->timer_us = UINT64_MAX;
    return curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

enum curl_loop_result curl_loop_turn(struct curl_loop *loop, uint64_t wait_us)
{
    struct epoll_event events[EVENTS_MAX];
    if (!loop->multi)
        make_multi(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms(loop, wait_us));
    CURLMcode code = CURLM_OK;
    for (int i = 0; i < count && code == CURLM_OK; i++)
        code = run_socket(loop, &events[i]);
    if (code == CURLM_OK)
        code = run_timer(loop);
    if (code != CURLM_OK)
        return CURL_LOOP_FAILED;
    return count >= 0 && count < EVENTS_MAX ? CURL_LOOP_DONE : CURL_LOOP_MORE;
}

void curl_loop_wake(struct curl_loop *loop)
{
    eventfd_write(loop->wake_fd, 1);
}

/* ---- its making ---- */

bool curl_loop_init(struct curl_loop *loop)
{
    *loop = (struct curl_loop){
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    struct epoll_event wake = {.events = EPOLLIN, .data.fd = loop->wake_fd};
    return make_multi(loop) && loop->epoll_fd >= 0 && loop->wake_fd >= 0 &&
           epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &wake) == 0;
}

void curl_loop_renew(struct curl_loop *loop)
{
    curl_multi_cleanup(loop->multi);
    make_multi(loop);
}

void curl_loop_fini(struct curl_loop *loop)
{
    curl_multi_cleanup(loop->multi);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
}
