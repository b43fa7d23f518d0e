/*
 * Without memory: the gateway's calls and feeds over libcurl, which has to do without it too. The
 * message service is a stand-in, a thread that answers on 127.0.0.1; so is the proxy that the
 * environment names, which nobody may ask: what is sent carries a token.
 */
#include "failing_alloc.h"

#include "curl_pool.h"
#include "live_room.h"
#include "live_rooms.h"
#include "log.h"
#include "message_client.h"
#include "room_feeds.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { URL_SIZE = 64, REQUEST_SIZE = 4096, CALL_TIMEOUT_MS = 2000, FEED_TIMEOUT_MS = 500 };
enum { TRIES_MAX = 200, WAIT_MS = 5000 };

bool log_enabled(enum log_level level)
{
    (void)level;
    return false;
}

void log_write_fields(enum log_level level, const char *message, const struct log_field *fields)
{
    (void)level, (void)message, (void)fields;
}

/* ---- the message service ---- */

#define MESSAGE                                                                                    \
    "{\"id\":\"0123456789abcdef0123456789abcdef\",\"room\":\"lobby\",\"message\":\"hello\","       \
    "\"created_at\":\"2026-11-22T06:00:00.123Z\",\"expires_at\":\"2026-11-22T06:01:00.123Z\","     \
    "\"expires_in\":60000}"
#define ID "00000000000000020000000007"

static int service_listener, proxy_listener;
static char service_url[URL_SIZE];
static _Atomic unsigned proxied;

static int listen_on(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(fd, 64) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void say(int peer, const char *text)
{
    send(peer, text, strlen(text), MSG_NOSIGNAL);
}

/* Answers the peer's one request; whether the answer goes on. */
static bool answer(int peer)
{
    char request[REQUEST_SIZE] = "";
    size_t len = 0;
    while (!strstr(request, "\r\n\r\n") && len < sizeof request - 1) {
        ssize_t got = recv(peer, request + len, sizeof request - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        request[len] = '\0';
    }
    bool feeds = strstr(request, "/events ") != NULL;
    if (feeds)
        say(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nLast-Event-ID: " ID
                  "\r\n\r\nretry: 1000\n\nevent: resumed\ndata: {\"missed\":1}\n\n"
                  "event: message\nid: " ID "\ndata: " MESSAGE "\n\n");
    else
        say(peer, "HTTP/1.1 201 Created\r\nConnection: close\r\n"
                  "Content-Type: application/json\r\n\r\n" MESSAGE);
    return feeds;
}

static void hang_up(int peer)
{
    char rest[REQUEST_SIZE];
    shutdown(peer, SHUT_WR);
    while (recv(peer, rest, sizeof rest, 0) > 0)
        ;
    close(peer);
}

/* One call at a time; the last stream stays open until there is another one. */
static void *serve(void *context)
{
    (void)context;
    int stream = -1;
    for (;;) {
        struct pollfd fds[] = {{.fd = service_listener, .events = POLLIN},
                               {.fd = proxy_listener, .events = POLLIN}};
        poll(fds, 2, -1);
        if (fds[1].revents) {
            proxied++;
            close(accept(proxy_listener, NULL, NULL));
        }
        if (!fds[0].revents)
            continue;
        int peer = accept(service_listener, NULL, NULL);
        if (!answer(peer)) {
            hang_up(peer);
            continue;
        }
        if (stream >= 0)
            close(stream);
        stream = peer;
    }
    return NULL;
}

/* The thread ends with the process, which Check makes for each test. */
static void begin(void)
{
    uint16_t port;
    pthread_t thread;
    char proxy[URL_SIZE];
    service_listener = listen_on(&port);
    snprintf(service_url, sizeof service_url, "http://127.0.0.1:%u", port);
    proxy_listener = listen_on(&port);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", port);
    setenv("http_proxy", proxy, 1);
    REQUIRE(pthread_create(&thread, NULL, serve, NULL) == 0);
    pthread_detach(thread);
    failing_alloc_begin_curl();
}

static void run(const char *name, failing_alloc_scenario *scenario)
{
    begin();
    failing_alloc_run_tolerant(name, scenario);
    failing_alloc_end_curl();
    ck_assert_uint_eq(proxied, 0);
}

/* ---- calls ---- */

static enum error_code pools(void)
{
    struct curl_pool *pool = curl_pool_new(2);
    CURL *handle = pool ? curl_pool_borrow(pool, 0) : NULL;
    if (handle)
        curl_pool_return(pool, handle);
    curl_pool_free(pool);
    return handle ? ERROR_NONE : ERROR_INTERNAL;
}

START_TEST(test_curl_pool__out_of_memory_has_no_handle)
{
    run("pools", pools);
}
END_TEST

static struct message_client *make_client(void)
{
    return message_client_new(&(struct message_client_config){
        .url = service_url, .token = "token", .timeout_ms = CALL_TIMEOUT_MS, .connections = 1});
}

static enum error_code clients(void)
{
    struct message_client *client = make_client();
    message_client_free(client);
    return client ? ERROR_NONE : ERROR_INTERNAL;
}

START_TEST(test_message_client__out_of_memory_is_not_made)
{
    run("clients", clients);
}
END_TEST

static enum error_code posts(void)
{
    failing_alloc_pause();
    struct message_client *client = make_client();
    REQUIRE(client);
    failing_alloc_resume();
    struct message_client_origin origin = {.request_id = "id", .traceparent = "trace"};
    struct message_client_post post = {.room = "lobby",
                                       .content_type = "text/plain",
                                       .body = "hello",
                                       .len = 5,
                                       .idempotency_key = "key"};
    struct message *message = NULL;
    enum error_code code = message_client_post(client, &origin, &post, &message, NULL);
    REQUIRE(code == ERROR_NONE || code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE);
    REQUIRE(code ? !message : strcmp(message->text, "hello") == 0);
    message_release(message);
    message_client_free(client);
    return code ? ERROR_INTERNAL : ERROR_NONE;
}

START_TEST(test_message_client__out_of_memory_is_an_error_and_no_other_message)
{
    run("posts", posts);
}
END_TEST

/* ---- feeds ---- */

static struct room_feeds *make_feeds(void)
{
    return room_feeds_new(&(struct room_feed_config){.target = {service_url, "token"},
                                                     .timeout_ms = FEED_TIMEOUT_MS,
                                                     .backoff_min_ms = 1,
                                                     .backoff_max_ms = 2,
                                                     .again_max_ms = 2});
}

static enum error_code feeds_made(void)
{
    struct room_feeds *feeds = make_feeds();
    room_feeds_free(feeds);
    return feeds ? ERROR_NONE : ERROR_INTERNAL;
}

START_TEST(test_room_feeds__out_of_memory_are_not_made)
{
    run("feeds_made", feeds_made);
}
END_TEST

static struct live_rooms *make_rooms(struct room_feeds *feeds)
{
    return live_rooms_new(&(struct live_rooms_config){
        .source = {.open = room_feeds_open, .close = room_feeds_close, .context = feeds},
        .rooms_max = 8,
        .streams_max = 8,
        .loops = 1,
        .linger_us = 1000000,
        .clock = &clock_system,
    });
}

static enum error_code use(struct live_rooms *rooms)
{
    struct live_room *room = NULL;
    CLEANUP(message_array_free) struct message_array *messages = NULL;
    enum error_code code = live_rooms_use(rooms, "lobby", WAIT_MS, &room, NULL);
    REQUIRE(code == ERROR_NONE || code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE);
    if (!code)
        code = live_room_messages(room, &messages);
    REQUIRE(code || messages->count == 1);
    REQUIRE(code || strcmp(messages->messages[0]->text, "hello") == 0);
    live_room_release(room);
    return code ? ERROR_INTERNAL : ERROR_NONE;
}

/* With memory again the feed comes back by itself. */
static enum error_code feeds_room(void)
{
    failing_alloc_pause();
    struct room_feeds *feeds = make_feeds();
    struct live_rooms *rooms = make_rooms(feeds);
    REQUIRE(feeds && rooms);
    failing_alloc_resume();
    enum error_code code = use(rooms);
    failing_alloc_stop();
    unsigned tries = 0;
    while (use(rooms)) {
        REQUIRE(++tries < TRIES_MAX);
        poll(NULL, 0, 1);
    }
    live_rooms_free(rooms);
    room_feeds_free(feeds);
    return code;
}

START_TEST(test_room_feeds__out_of_memory_come_back)
{
    run("feeds_room", feeds_room);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_curl_pool__out_of_memory_has_no_handle,
        test_message_client__out_of_memory_is_not_made,
        test_message_client__out_of_memory_is_an_error_and_no_other_message,
        test_room_feeds__out_of_memory_are_not_made,
        test_room_feeds__out_of_memory_come_back,
    };
    return failing_alloc_main("alloc_calls", tests, sizeof tests / sizeof *tests);
}
