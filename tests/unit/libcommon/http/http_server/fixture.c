/*
 * Definitions of the program's own go before those of libraries: the two that stand here count what
 * libmicrohttpd does, and pass all on.
 */
#include "fixture.h"

#include "cleanup.h"
#include "http_answer.h"
#include "http_request.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <ulfius.h>
#include <unistd.h>

enum { TAKES_MAX = 4096, FILES_MAX = 64 };

struct fixture fixture;

static struct {
    pthread_mutex_t lock;
    struct http_takeover *taken[TAKES_MAX];
    size_t count, handed_out;
} takes = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- what libmicrohttpd does ---- */

struct counted {
    MHD_ContentReaderCallback read;
    MHD_ContentReaderFreeCallback free;
    void *context;
};

static ssize_t counted_read(void *context, uint64_t position, char *bytes, size_t max)
{
    struct counted *counted = context;
    fixture.reads++;
    return counted->read(counted->context, position, bytes, max);
}

static void counted_free(void *context)
{
    struct counted *counted = context;
    fixture.complete_at_free = fixture.complete;
    fixture.frees++;
    counted->free(counted->context);
    free(counted);
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block_size,
                                                       MHD_ContentReaderCallback read,
                                                       void *context,
                                                       MHD_ContentReaderFreeCallback free_context)
{
    struct MHD_Response *(*next)(uint64_t, size_t, MHD_ContentReaderCallback, void *,
                                 MHD_ContentReaderFreeCallback);
    struct counted *counted = malloc(sizeof *counted);
    *(void **)&next = dlsym(RTLD_NEXT, "MHD_create_response_from_callback");
    *counted = (struct counted){.read = read, .free = free_context, .context = context};
    return next(size, block_size, counted_read, counted, counted_free);
}

void mhd_request_completed(void *context, struct MHD_Connection *connection, void **request_context,
                           enum MHD_RequestTerminationCode why)
{
    void (*next)(void *, struct MHD_Connection *, void **, enum MHD_RequestTerminationCode);
    *(void **)&next = dlsym(RTLD_NEXT, "mhd_request_completed");
    fixture.complete++;
    next(context, connection, request_context, why);
}

/* ---- the server ---- */

static void take(void *stream, struct http_takeover *takeover)
{
    ck_assert_ptr_eq(stream, &fixture);
    LOCKED(&takes.lock);
    takes.taken[takes.count++] = takeover;
}

static void free_untaken(void *stream)
{
    ck_assert_ptr_eq(stream, &fixture);
    fixture.freed++;
}

static const struct http_stream_ops stream_ops = {.take = take, .free = free_untaken};

static enum error_code get_text(struct http_exchange *exchange, void *service, struct error *err)
{
    (void)service, (void)err;
    return http_answer(exchange, 200, HTTP_TYPE_TEXT, "text", strlen("text"));
}

static enum error_code get_large(struct http_exchange *exchange, void *service, struct error *err)
{
    static char bytes[FIXTURE_LARGE];
    (void)service, (void)err;
    return http_answer(exchange, 200, HTTP_TYPE_TEXT, bytes, sizeof bytes);
}

static enum error_code get_stream(struct http_exchange *exchange, void *service, struct error *err)
{
    (void)service, (void)err;
    fixture.asked++;
    return http_answer_stream(exchange, HTTP_TYPE_EVENTS, &stream_ops, &fixture);
}

static enum error_code get_waiting_text(struct http_exchange *exchange, void *service,
                                        struct error *err)
{
    enum error_code code = http_request_may_block(exchange);
    return code ? code : get_text(exchange, service, err);
}

static enum error_code get_waiting_stream(struct http_exchange *exchange, void *service,
                                          struct error *err)
{
    enum error_code code = http_request_may_block(exchange);
    return code ? code : get_stream(exchange, service, err);
}

static const struct http_route routes[] = {
    {.path = "/text", .handlers[HTTP_GET] = get_text},
    {.path = "/large", .handlers[HTTP_GET] = get_large},
    {.path = "/stream", .handlers[HTTP_GET] = get_stream},
    {.path = "/waiting/text", .handlers[HTTP_GET] = get_waiting_text},
    {.path = "/waiting/stream", .handlers[HTTP_GET] = get_waiting_stream},
};

void fixture_set_up(void)
{
    struct http_server_config config = {
        .address = "127.0.0.1",
        .threads = 2,
        .max_connections = TAKES_MAX,
        .files_share = 90,
        .body_max = 1024,
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
    };
    signal(SIGPIPE, SIG_IGN);
    struct error err = {0};
    ck_assert_msg(!http_server_start(&config, &fixture.server, &err), "%s", err.detail);
    fixture.files = fixture_open_files();
}

void fixture_tear_down(void)
{
    while (fixture_takes())
        http_takeover_close(fixture_await_take());
    http_server_drain(fixture.server, FIXTURE_WAIT_MS);
    http_server_hang_up(fixture.server);
    http_server_free(fixture.server);
    /* Whatever the test was: each stream has come to its owner in one of the two ways. */
    ck_assert_uint_eq(fixture.asked, takes.count + fixture.freed);
}

size_t fixture_takes(void)
{
    LOCKED(&takes.lock);
    return takes.count - takes.handed_out;
}

struct http_takeover *fixture_await_take(void)
{
    fixture_await(fixture_takes() > 0);
    LOCKED(&takes.lock);
    return takes.taken[takes.handed_out++];
}

/* ---- clients ---- */

int fixture_socket(void)
{
    struct timeval wait = {.tv_sec = FIXTURE_WAIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

void fixture_connect_socket(int fd)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_port(fixture.server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
}

int fixture_connect(void)
{
    int fd = fixture_socket();
    fixture_connect_socket(fd);
    return fd;
}

void fixture_send(int fd, const char *text)
{
    size_t len = strlen(text);
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

void fixture_get(int fd, const char *path)
{
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    fixture_send(fd, request);
}

static bool ends_with(const struct buffer *text, const char *end)
{
    size_t len = strlen(end);
    return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

bool fixture_read_until(int fd, struct buffer *text, const char *end)
{
    while (!ends_with(text, end)) {
        char byte;
        ssize_t len = recv(fd, &byte, 1, 0);
        if (len <= 0)
            return false;
        buffer_append(text, &byte, 1);
    }
    return true;
}

int fixture_read_all(int fd, struct buffer *text)
{
    char bytes[16 * 1024];
    ssize_t len;
    while ((len = recv(fd, bytes, sizeof bytes, 0)) > 0)
        buffer_append(text, bytes, (size_t)len);
    ck_assert(!text->failed);
    return len < 0 ? errno : 0;
}

size_t fixture_open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* ---- files ---- */

static int spare[FILES_MAX];
static size_t spare_count;

void fixture_leave_files(size_t left)
{
    struct rlimit limit = {.rlim_cur = FILES_MAX, .rlim_max = FILES_MAX};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((spare[spare_count] = dup(STDERR_FILENO)) >= 0)
        spare_count++;
    ck_assert_uint_le(left, spare_count);
    while (left--)
        close(spare[--spare_count]);
}

void fixture_give_files_back(void)
{
    while (spare_count)
        close(spare[--spare_count]);
}
