/*
 * All of it is in one process: the feeds' thread calls the rooms and the log that are defined here,
 * under one lock, and each change of theirs wakes the test that waits for it.
 */
#include "stand_in.h"

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

pthread_mutex_t stand_in_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t stand_in_changed = PTHREAD_COND_INITIALIZER;
static unsigned warnings;
static unsigned recoveries;
char stand_in_last_cause[128];

bool log_enabled(enum log_level level)
{
    return level <= LOG_LEVEL_INFO;
}

void log_write_fields(enum log_level level, const char *message, const struct log_field *fields)
{
    (void)message;
    LOCKED(&stand_in_lock);
    if (level == LOG_LEVEL_WARNING)
        warnings++;
    else
        recoveries++;
    for (; fields->key; fields++)
        if (strcmp(fields->key, "cause") == 0)
            snprintf(stand_in_last_cause, sizeof stand_in_last_cause, "%s", fields->text);
    pthread_cond_broadcast(&stand_in_changed);
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
    pthread_cond_broadcast(&stand_in_changed);
    while (room->hold)
        pthread_cond_wait(&stand_in_changed, &stand_in_lock);
    ck_assert(!room->closed);
    room->inside = false;
}

void live_room_sync(struct live_room *room, struct message *const *messages, size_t count,
                    struct event_id last)
{
    LOCKED(&stand_in_lock);
    ck_assert(!room->closed);
    ck_assert_uint_eq(last.tag, 7);
    buffer_append_format(&room->told, "sync %llu:", (unsigned long long)last.number);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&room->told, i ? "," : "");
        tell(room, messages[i]);
    }
    buffer_append_string(&room->told, ";");
    pthread_cond_broadcast(&stand_in_changed);
}

void live_room_add(struct live_room *room, struct message *message, struct event_id id)
{
    LOCKED(&stand_in_lock);
    ck_assert(!room->closed);
    ck_assert_uint_eq(id.number, message->number);
    ck_assert_uint_eq(id.tag, 7);
    buffer_append_string(&room->told, "add ");
    tell(room, message);
    buffer_append_string(&room->told, ";");
    stay_inside(room);
}

void live_room_delete(struct live_room *room, const char *message_id)
{
    LOCKED(&stand_in_lock);
    ck_assert(!room->closed);
    buffer_append_format(&room->told, "delete %s;", message_id);
    pthread_cond_broadcast(&stand_in_changed);
}

void live_room_unreachable(struct live_room *room)
{
    LOCKED(&stand_in_lock);
    ck_assert(!room->closed);
    room->unreachable++;
    stay_inside(room);
}

bool stand_in_wait_for_change(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STAND_IN_WAIT_S;
    return pthread_cond_timedwait(&stand_in_changed, &stand_in_lock, &end) == 0;
}

void stand_in_expect_told(struct live_room *room, const char *expected)
{
    LOCKED(&stand_in_lock);
    while (room->told.len < strlen(expected) && stand_in_wait_for_change())
        ;
    ck_assert_str_eq(room->told.data ? room->told.data : "", expected);
}

void stand_in_expect_inside(struct live_room *room)
{
    LOCKED(&stand_in_lock);
    while (!room->inside && stand_in_wait_for_change())
        ;
    ck_assert(room->inside);
}

void stand_in_end_hold(struct live_room *room)
{
    LOCKED(&stand_in_lock);
    room->hold = false;
    pthread_cond_broadcast(&stand_in_changed);
}

void stand_in_expect_unreachable(struct live_room *room, unsigned count)
{
    LOCKED(&stand_in_lock);
    while (room->unreachable < count && stand_in_wait_for_change())
        ;
    ck_assert_uint_eq(room->unreachable, count);
}

void stand_in_expect_warnings(unsigned count)
{
    LOCKED(&stand_in_lock);
    while (warnings < count && stand_in_wait_for_change())
        ;
    ck_assert_uint_eq(warnings, count);
}

void stand_in_expect_recoveries(unsigned count)
{
    LOCKED(&stand_in_lock);
    while (recoveries < count && stand_in_wait_for_change())
        ;
    ck_assert_uint_eq(recoveries, count);
}

/* ---- the message service ---- */

int stand_in_listener;
static char url[URL_SIZE];
char stand_in_request[2048];

/* Binds a port of its own, on which nobody listens yet. */
static void bind_service(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stand_in_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(stand_in_listener, 0);
    ck_assert_int_eq(bind(stand_in_listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(stand_in_listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

void stand_in_listen_now(void)
{
    ck_assert_int_eq(listen(stand_in_listener, SOMAXCONN), 0);
}

static int accept_connection(void)
{
    struct pollfd poll_fd = {.fd = stand_in_listener, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, STAND_IN_WAIT_S * 1000), 1);
    int peer = accept4(stand_in_listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(peer, 0);
    int on = 1;
    struct timeval wait = {.tv_sec = STAND_IN_WAIT_S};
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return peer;
}

/* Reads a whole request; false when the feed has hung up before. */
static bool read_request(int peer)
{
    size_t len = 0;
    stand_in_request[0] = '\0';
    while (!strstr(stand_in_request, "\r\n\r\n")) {
        ssize_t got = recv(peer, stand_in_request + len, sizeof stand_in_request - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        stand_in_request[len] = '\0';
    }
    return true;
}

int stand_in_accept_feed(void)
{
    int peer = accept_connection();
    while (!read_request(peer)) {
        close(peer);
        peer = accept_connection();
    }
    return peer;
}

void stand_in_say_bytes(int peer, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(peer, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

void stand_in_say(int peer, const char *text)
{
    stand_in_say_bytes(peer, text, strlen(text));
}

void stand_in_expect_cut(int peer)
{
    char bytes[64];
    ssize_t got = recv(peer, bytes, sizeof bytes, 0);
    ck_assert(got == 0 || (got < 0 && errno == ECONNRESET));
    close(peer);
}

void stand_in_reset_connection(int peer)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer);
}

/* ---- what each test has ---- */

struct room_feeds *stand_in_feeds;
struct live_room stand_in_lobby;
atomic_uint stand_in_reached;
static struct message_limits last_limits; /* all 0: none */

static void on_reached(void *context, const struct message_limits *limits)
{
    ck_assert_ptr_eq(context, &stand_in_reached);
    LOCKED(&stand_in_lock);
    last_limits = limits ? *limits : (struct message_limits){0};
    atomic_fetch_add(&stand_in_reached, 1);
    pthread_cond_broadcast(&stand_in_changed);
}

void stand_in_expect_limits(unsigned reached, const struct message_limits *limits)
{
    static const struct message_limits none;
    LOCKED(&stand_in_lock);
    while (atomic_load(&stand_in_reached) < reached && stand_in_wait_for_change())
        ;
    ck_assert_uint_eq(atomic_load(&stand_in_reached), reached);
    const struct message_limits *expected = limits ? limits : &none;
    ck_assert_uint_eq(last_limits.ttl_min_ms, expected->ttl_min_ms);
    ck_assert_uint_eq(last_limits.ttl_max_ms, expected->ttl_max_ms);
    ck_assert_uint_eq(last_limits.ttl_default_ms, expected->ttl_default_ms);
    ck_assert_uint_eq(last_limits.text_max, expected->text_max);
}

struct room_feeds_config stand_in_quick_config(void)
{
    return (struct room_feeds_config){
        .url = url,
        .timeout_ms = STAND_IN_WAIT_S * 1000,
        .reached = on_reached,
        .reached_context = &stand_in_reached,
        .backoff_min_ms = 1,
        .backoff_max_ms = 4,
        .again_max_ms = 1,
        .silence_ms = STAND_IN_WAIT_S * 1000,
    };
}

void stand_in_room_init(struct live_room *room, const char *name)
{
    *room = (struct live_room){.name = name};
    buffer_init(&room->told, STAND_IN_TOLD_MAX);
}

void stand_in_set_up(void)
{
    bind_service();
    stand_in_room_init(&stand_in_lobby, "lobby");
}

void stand_in_open_lobby(const struct room_feeds_config *config)
{
    stand_in_feeds = room_feeds_new(config);
    ck_assert_ptr_nonnull(stand_in_feeds);
    ck_assert(room_feeds_open(stand_in_feeds, &stand_in_lobby));
}

void stand_in_set_up_open(void)
{
    stand_in_set_up();
    stand_in_listen_now();
    struct room_feeds_config config = stand_in_quick_config();
    stand_in_open_lobby(&config);
}

void stand_in_close_room(struct live_room *room)
{
    room_feeds_close(stand_in_feeds, room);
    LOCKED(&stand_in_lock);
    room->closed = true;
}

void stand_in_tear_down(void)
{
    stand_in_close_room(&stand_in_lobby);
    room_feeds_free(stand_in_feeds);
    buffer_fini(&stand_in_lobby.told);
    close(stand_in_listener);
}
