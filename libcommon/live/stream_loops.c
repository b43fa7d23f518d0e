/*
 * A turn of a loop: what the sockets have to say, then the streams that have something to read, all
 * of one source together. The run's streams are read for under the source's lock and written to
 * without it; those whose socket took everything are read for again in the next turn, which is what
 * finds out that they have to wait.
 *
 * A socket is in the epoll set once, for its end and for room to write, edge-triggered: nothing has
 * to be changed there while it lives.
 */
#include "stream_loops.h"

#include "cleanup.h"
#include "clock.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 256 };

struct stream_loop {
    pthread_t thread;
    bool started;
    unsigned index;
    int set;     /* epoll's */
    int wake_fd; /* readable: something was queued, or `ending` */
    struct stream_loops *loops;

    pthread_mutex_t lock; /* over these */
    struct ring queue;
    bool woken; /* the thread is awake, or about to be */
    bool ending;

    struct ring again;   /* the thread's own: to be read for in the next turn */
    struct ring stalled; /* the longest first */
};

struct stream_loops {
    unsigned count;
    _Atomic unsigned next;
    _Atomic uint64_t stall_max_us;
    struct stream_loop loops[STREAM_LOOPS_MAX];
};

/* ---- for sources ---- */

unsigned stream_loops_queue(struct stream_loops *loops, struct stream_source *source)
{
    unsigned to_wake = 0;
    for (unsigned i = 0; i < loops->count; i++) {
        struct stream_loop *loop = &loops->loops[i];
        if (ring_empty(&source->waiting[i]))
            continue;
        LOCKED(&loop->lock);
        ring_move(&loop->queue, &source->waiting[i]);
        if (!loop->woken)
            to_wake |= 1u << i;
        loop->woken = true;
    }
    return to_wake;
}

void stream_loops_wake(struct stream_loops *loops, unsigned to_wake)
{
    for (unsigned i = 0; to_wake >> i; i++)
        if (to_wake >> i & 1)
            eventfd_write(loops->loops[i].wake_fd, 1);
}

/* ---- a stream's end ---- */

/* On the loop's thread; in whatever ring the stream is. */
static void close_stream(struct stream *stream)
{
    pthread_mutex_lock(stream->source->lock);
    pthread_mutex_lock(&stream->loop->lock);
    ring_remove(&stream->place);
    pthread_mutex_unlock(&stream->loop->lock);
    pthread_mutex_unlock(stream->source->lock);
    ring_remove(&stream->stalled);
    blob_release(stream->output);
    struct http_takeover *takeover = stream->takeover;
    /* The stream first: once all connections are closed there may be nothing to free it from. */
    stream->source->ops->free(stream);
    http_takeover_close(takeover);
}

/* ---- sending ---- */

enum sent { SENT_ALL, SENT_SOME, SENT_NOTHING_MORE };

static enum sent send_output(struct stream *stream)
{
    while (stream->output && stream->sent < stream->output->len) {
        ssize_t sent = send(stream->takeover->fd, stream->output->data + stream->sent,
                            stream->output->len - stream->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? SENT_SOME : SENT_NOTHING_MORE;
        stream->sent += (size_t)sent;
        stream->stalled_us = 0;
    }
    blob_release(stream->output);
    stream->output = NULL;
    return stream->ending ? SENT_NOTHING_MORE : SENT_ALL;
}

/* Its socket takes no more: it waits for room among the stalled, behind those who wait for
 * longer. */
static void stall(struct stream *stream)
{
    if (stream->stalled_us)
        return;
    stream->stalled_us = clock_now_us();
    ring_remove(&stream->stalled);
    ring_append(&stream->loop->stalled, &stream->stalled);
}

/* Sends what the stream has; it is in no ring. */
static void serve_stream(struct stream *stream)
{
    bool first = ring_empty(&stream->stalled);
    switch (send_output(stream)) {
    case SENT_ALL:
        stream->stalled_us = 0;
        ring_remove(&stream->stalled);
        ring_append(&stream->loop->again, &stream->place);
        break;
    case SENT_SOME:
        stall(stream);
        if (first)
            stream->source->ops->hold(stream);
        break;
    case SENT_NOTHING_MORE: close_stream(stream); break;
    }
}

/* Reads for a run of streams of one source, and sends. */
static void serve_run(struct stream_loop *loop, struct stream_source *source, struct ring *run)
{
    struct ring *link;
    source->ops->read(source, loop->index, run);
    /* The source may be freed with its last stream: it is not touched any more. */
    while ((link = ring_take_first(run)))
        serve_stream(RING_OWNER(link, struct stream, place));
}

static void serve(struct stream_loop *loop, struct ring *turn)
{
    while (!ring_empty(turn)) {
        struct ring run;
        ring_init(&run);
        struct stream_source *source = RING_OWNER(turn->next, struct stream, place)->source;
        while (!ring_empty(turn) && RING_OWNER(turn->next, struct stream, place)->source == source)
            ring_append(&run, ring_take_first(turn));
        serve_run(loop, source, &run);
    }
}

/* ---- what the sockets say ---- */

static void on_event(struct stream *stream, uint32_t events)
{
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        close_stream(stream);
    else if (!ring_empty(&stream->stalled))
        serve_stream(stream);
}

/* When the stream that is stalled for longest is cut off. */
static uint64_t stall_end_us(const struct stream_loop *loop)
{
    if (ring_empty(&loop->stalled))
        return UINT64_MAX;
    return RING_OWNER(loop->stalled.next, struct stream, stalled)->stalled_us +
           atomic_load_explicit(&loop->loops->stall_max_us, memory_order_relaxed);
}

static void cut_stalled(struct stream_loop *loop)
{
    while (stall_end_us(loop) <= clock_now_us())
        close_stream(RING_OWNER(loop->stalled.next, struct stream, stalled));
}

static int patience_ms(const struct stream_loop *loop)
{
    if (!ring_empty(&loop->again))
        return 0;
    uint64_t end_us = stall_end_us(loop);
    if (end_us == UINT64_MAX)
        return -1;
    uint64_t now = clock_now_us();
    return end_us <= now ? 0 : (int)((end_us - now) / 1000 + 1);
}

static void handle_events(struct stream_loop *loop)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(loop->set, events, EVENTS_A_TURN, patience_ms(loop));
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            on_event(events[i].data.ptr, events[i].events);
        else
            eventfd_read(loop->wake_fd, &(eventfd_t){0});
    }
}

static void *run_loop(void *context)
{
    struct stream_loop *loop = context;
    bool ending = false;
    while (!ending) {
        struct ring turn;
        ring_init(&turn);
        handle_events(loop);
        pthread_mutex_lock(&loop->lock);
        ending = loop->ending;
        loop->woken = false;
        ring_move(&turn, &loop->again);
        ring_move(&turn, &loop->queue);
        pthread_mutex_unlock(&loop->lock);
        serve(loop, &turn);
        cut_stalled(loop);
    }
    return NULL;
}

/* ---- life ---- */

static bool start_loop(struct stream_loops *loops, struct stream_loop *loop)
{
    struct epoll_event wake = {.events = EPOLLIN};
    loop->loops = loops;
    loop->index = loops->count++;
    pthread_mutex_init(&loop->lock, NULL);
    ring_init(&loop->queue);
    ring_init(&loop->again);
    ring_init(&loop->stalled);
    loop->set = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->set < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->set, EPOLL_CTL_ADD, loop->wake_fd, &wake) != 0 ||
        !thread_start(&loop->thread, "stream-loop", run_loop, loop))
        return false;
    loop->started = true;
    return true;
}

static void set_stall_max(struct stream_loops *loops, unsigned ms)
{
    atomic_store(&loops->stall_max_us, ms * UINT64_C(1000));
}

struct stream_loops *stream_loops_new(unsigned count)
{
    struct stream_loops *loops = calloc(1, sizeof *loops);
    if (!loops)
        return NULL;
    set_stall_max(loops, STREAM_STALL_MAX_MS);
    while (loops->count < count && loops->count < STREAM_LOOPS_MAX) {
        if (!start_loop(loops, &loops->loops[loops->count])) {
            stream_loops_free(loops);
            return NULL;
        }
    }
    return loops;
}

void stream_loops_hasten(struct stream_loops *loops)
{
    set_stall_max(loops, STREAM_STALL_STOPPING_MS);
    stream_loops_wake(loops, (1u << loops->count) - 1);
}

static void stop_loop(struct stream_loop *loop)
{
    if (loop->started) {
        pthread_mutex_lock(&loop->lock);
        loop->ending = true;
        pthread_mutex_unlock(&loop->lock);
        eventfd_write(loop->wake_fd, 1);
        pthread_join(loop->thread, NULL);
    }
    if (loop->set >= 0)
        close(loop->set);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
}

void stream_loops_free(struct stream_loops *loops)
{
    if (!loops)
        return;
    for (unsigned i = 0; i < loops->count; i++)
        stop_loop(&loops->loops[i]);
    free(loops);
}

static struct stream_loop *choose_loop(struct stream_loops *loops, struct stream_source *source)
{
    if (atomic_fetch_add(&source->streams, 1) % STREAM_LOOPS_TOGETHER == 0)
        atomic_store(&source->loop, atomic_fetch_add(&loops->next, 1) % loops->count);
    return &loops->loops[atomic_load(&source->loop)];
}

void stream_loops_add(struct stream_loops *loops, struct stream_source *source,
                      struct stream *stream, struct http_takeover *takeover)
{
    struct stream_loop *loop = choose_loop(loops, source);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLOUT | EPOLLET, .data.ptr = stream};
    stream->source = source;
    stream->takeover = takeover;
    stream->loop = loop;
    ring_init(&stream->place);
    ring_init(&stream->stalled);
    bool added, wake = false;
    {
        /* The loop may hear of the socket at once, but ends the stream under this lock too. */
        LOCKED(&loop->lock);
        added = epoll_ctl(loop->set, EPOLL_CTL_ADD, takeover->fd, &event) == 0;
        if (added) {
            ring_append(&loop->queue, &stream->place);
            wake = !loop->woken;
            loop->woken = true;
        }
    }
    if (wake)
        eventfd_write(loop->wake_fd, 1);
    if (!added)
        close_stream(stream);
}
