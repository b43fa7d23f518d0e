/*
 * All of it is in one process: the feeds' thread calls the rooms and the log that are defined
 * here, under one lock, and each change of theirs wakes the test that waits for it.
 */
#include "fake_upstream.h"

#include "log.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { URL_SIZE = 64 };

/* ---- the stand-in of the log ---- */

pthread_mutex_t fake_upstream_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t fake_upstream_changed = PTHREAD_COND_INITIALIZER;
static unsigned warnings;
static unsigned recoveries;
char fake_upstream_last_cause[128];

bool log_enabled(enum log_level level)
{
    return level <= LOG_LEVEL_INFO;
}

void log_write_fields(enum log_level level, const char *message, const struct log_field *fields)
{
    (void)message;
    LOCKED(&fake_upstream_lock);
    if (level == LOG_LEVEL_WARNING)
        warnings++;
    else
        recoveries++;
    for (; fields->key; fields++)
        if (strcmp(fields->key, "cause") == 0)
            snprintf(fake_upstream_last_cause, sizeof fake_upstream_last_cause, "%s", fields->text);
    pthread_cond_broadcast(&fake_upstream_changed);
}

/* ---- the stand-in of the rooms ---- */

const char *live_room_name(const struct live_room *room)
{
    return room->name;
}

static void tell(struct live_room *room, const struct message *message)
{
    buffer_append_format(&room->told, "%llu=%s", (unsigned long long)message->number,
                         message->text);
    room->last_deadline_us = message->deadline_us;
}

/* Under the lock. */
static void stay_inside(struct live_room *room)
{
    room->inside = true;
    pthread_cond_broadcast(&fake_upstream_changed);
    while (room->hold)
        pthread_cond_wait(&fake_upstream_changed, &fake_upstream_lock);
    ck_assert(!room->closed);
    room->inside = false;
}

void live_source_sync(struct live_room *room, struct message *const *messages, size_t count,
                      struct event_id last)
{
    LOCKED(&fake_upstream_lock);
    ck_assert(!room->closed);
    ck_assert_uint_eq(last.tag, 7);
    room->synced_when_stale = room->stale;
    buffer_append_format(&room->told, "sync %llu:", (unsigned long long)last.number);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&room->told, i ? "," : "");
        tell(room, messages[i]);
    }
    buffer_append_string(&room->told, ";");
    pthread_cond_broadcast(&fake_upstream_changed);
}

void live_source_add(struct live_room *room, struct message *message, struct event_id id)
{
    LOCKED(&fake_upstream_lock);
    ck_assert(!room->closed);
    ck_assert_uint_eq(id.number, message->number);
    ck_assert_uint_eq(id.tag, 7);
    buffer_append_string(&room->told, "add ");
    tell(room, message);
    buffer_append_string(&room->told, ";");
    stay_inside(room);
}

void live_source_delete(struct live_room *room, const char *message_id)
{
    LOCKED(&fake_upstream_lock);
    ck_assert(!room->closed);
    buffer_append_format(&room->told, "delete %s;", message_id);
    pthread_cond_broadcast(&fake_upstream_changed);
}

void live_source_unreachable(struct live_room *room)
{
    LOCKED(&fake_upstream_lock);
    ck_assert(!room->closed);
    room->unreachable++;
    stay_inside(room);
}

void live_source_set_stale(struct live_room *room, bool stale)
{
    LOCKED(&fake_upstream_lock);
    ck_assert(!room->closed);
    ck_assert(room->stale != stale);
    ck_assert(stale || room->synced_when_stale);
    room->stale = stale;
    room->stales += stale;
    room->synced_when_stale = false;
    pthread_cond_broadcast(&fake_upstream_changed);
}

bool fake_upstream_wait_for_change(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += FAKE_UPSTREAM_WAIT_S;
    return pthread_cond_timedwait(&fake_upstream_changed, &fake_upstream_lock, &end) == 0;
}

void fake_upstream_expect_told(struct live_room *room, const char *expected)
{
    LOCKED(&fake_upstream_lock);
    while (room->told.len < strlen(expected) && fake_upstream_wait_for_change())
        ;
    ck_assert_str_eq(room->told.data ? room->told.data : "", expected);
}

void fake_upstream_expect_inside(struct live_room *room)
{
    LOCKED(&fake_upstream_lock);
    while (!room->inside && fake_upstream_wait_for_change())
        ;
    ck_assert(room->inside);
}

void fake_upstream_end_hold(struct live_room *room)
{
    LOCKED(&fake_upstream_lock);
    room->hold = false;
    pthread_cond_broadcast(&fake_upstream_changed);
}

void fake_upstream_expect_unreachable(struct live_room *room, unsigned count)
{
    LOCKED(&fake_upstream_lock);
    while (room->unreachable < count && fake_upstream_wait_for_change())
        ;
    ck_assert_uint_eq(room->unreachable, count);
}

void fake_upstream_expect_stale(struct live_room *room, bool stale)
{
    LOCKED(&fake_upstream_lock);
    while (room->stale != stale && fake_upstream_wait_for_change())
        ;
    ck_assert_int_eq(room->stale, stale);
}

void fake_upstream_expect_metrics(size_t connected, size_t disconnected, size_t stale)
{
    struct room_feeds_metrics metrics;
    for (int i = 0; i < FAKE_UPSTREAM_WAIT_S * 1000; i++) {
        room_feeds_metrics(fake_upstream_feeds, &metrics);
        if (metrics.connected == connected && metrics.disconnected == disconnected &&
            metrics.stale == stale)
            return;
        poll(NULL, 0, 1);
    }
    ck_abort_msg("%zu connected, %zu not, %zu stale", metrics.connected, metrics.disconnected,
                 metrics.stale);
}

void fake_upstream_expect_warnings(unsigned count)
{
    LOCKED(&fake_upstream_lock);
    while (warnings < count && fake_upstream_wait_for_change())
        ;
    ck_assert_uint_eq(warnings, count);
}

void fake_upstream_expect_recoveries(unsigned count)
{
    LOCKED(&fake_upstream_lock);
    while (recoveries < count && fake_upstream_wait_for_change())
        ;
    ck_assert_uint_eq(recoveries, count);
}

/* ---- the message service ---- */

int fake_upstream_listener;
static char url[URL_SIZE];
char fake_upstream_request[2048];

/* Binds a port of its own, on which nobody listens yet. */
static void bind_service(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake_upstream_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fake_upstream_listener, 0);
    ck_assert_int_eq(bind(fake_upstream_listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fake_upstream_listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

void fake_upstream_listen_now(void)
{
    ck_assert_int_eq(listen(fake_upstream_listener, SOMAXCONN), 0);
}

static int accept_connection(void)
{
    struct pollfd poll_fd = {.fd = fake_upstream_listener, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, FAKE_UPSTREAM_WAIT_S * 1000), 1);
    int peer = accept4(fake_upstream_listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(peer, 0);
    int on = 1;
    struct timeval wait = {.tv_sec = FAKE_UPSTREAM_WAIT_S};
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return peer;
}

/* Reads a whole request; false when the feed has hung up before. */
static bool read_request(int peer)
{
    size_t len = 0;
    fake_upstream_request[0] = '\0';
    while (!strstr(fake_upstream_request, "\r\n\r\n")) {
        ssize_t got =
            recv(peer, fake_upstream_request + len, sizeof fake_upstream_request - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        fake_upstream_request[len] = '\0';
    }
    return true;
}

int fake_upstream_accept_feed(void)
{
    int peer = accept_connection();
    while (!read_request(peer) || strstr(fake_upstream_request, "/rooms/other/")) {
        close(peer);
        peer = accept_connection();
    }
    return peer;
}

void fake_upstream_say_bytes(int peer, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(peer, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

void fake_upstream_say(int peer, const char *text)
{
    fake_upstream_say_bytes(peer, text, strlen(text));
}

void fake_upstream_expect_cut(int peer)
{
    char bytes[64];
    ssize_t got = recv(peer, bytes, sizeof bytes, 0);
    ck_assert(got == 0 || (got < 0 && errno == ECONNRESET));
    close(peer);
}

void fake_upstream_reset_connection(int peer)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer);
}

/* ---- what each test has ---- */

struct room_feeds *fake_upstream_feeds;
struct live_room fake_upstream_lobby;
atomic_uint fake_upstream_reached;
static struct message_limits last_limits; /* all 0: none */

static void on_reached(void *context, const struct message_limits *limits)
{
    ck_assert_ptr_eq(context, &fake_upstream_reached);
    LOCKED(&fake_upstream_lock);
    last_limits = limits ? *limits : (struct message_limits){0};
    atomic_fetch_add(&fake_upstream_reached, 1);
    pthread_cond_broadcast(&fake_upstream_changed);
}

void fake_upstream_expect_limits(unsigned reached, const struct message_limits *limits)
{
    static const struct message_limits none;
    LOCKED(&fake_upstream_lock);
    while (atomic_load(&fake_upstream_reached) < reached && fake_upstream_wait_for_change())
        ;
    ck_assert_uint_eq(atomic_load(&fake_upstream_reached), reached);
    const struct message_limits *expected = limits ? limits : &none;
    ck_assert_uint_eq(last_limits.ttl_min_ms, expected->ttl_min_ms);
    ck_assert_uint_eq(last_limits.ttl_max_ms, expected->ttl_max_ms);
    ck_assert_uint_eq(last_limits.ttl_default_ms, expected->ttl_default_ms);
    ck_assert_uint_eq(last_limits.text_max, expected->text_max);
}

struct room_feed_config fake_upstream_quick_config(void)
{
    return (struct room_feed_config){
        .target.url = url,
        .timeout_ms = FAKE_UPSTREAM_WAIT_S * 1000,
        .reached = on_reached,
        .reached_context = &fake_upstream_reached,
        .backoff_min_ms = 1,
        .backoff_max_ms = 4,
        .again_max_ms = 1,
        .silence_ms = FAKE_UPSTREAM_WAIT_S * 1000,
    };
}

void fake_upstream_room_init(struct live_room *room, const char *name)
{
    *room = (struct live_room){.name = name};
    buffer_init(&room->told, FAKE_UPSTREAM_TOLD_MAX);
}

void fake_upstream_set_up(void)
{
    bind_service();
    fake_upstream_room_init(&fake_upstream_lobby, "lobby");
}

void fake_upstream_open_lobby(const struct room_feed_config *config)
{
    fake_upstream_feeds = room_feeds_new(config);
    ck_assert_ptr_nonnull(fake_upstream_feeds);
    ck_assert(room_feeds_open(fake_upstream_feeds, &fake_upstream_lobby));
}

void fake_upstream_set_up_open(void)
{
    fake_upstream_set_up();
    fake_upstream_listen_now();
    struct room_feed_config config = fake_upstream_quick_config();
    fake_upstream_open_lobby(&config);
}

void fake_upstream_close_room(struct live_room *room)
{
    room_feeds_close(fake_upstream_feeds, room);
    LOCKED(&fake_upstream_lock);
    room->closed = true;
}

void fake_upstream_tear_down(void)
{
    fake_upstream_close_room(&fake_upstream_lobby);
    room_feeds_free(fake_upstream_feeds);
    buffer_fini(&fake_upstream_lobby.told);
    close(fake_upstream_listener);
}
