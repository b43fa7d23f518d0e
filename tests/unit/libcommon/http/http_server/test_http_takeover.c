/*
 * What http_takeover.c assumes of libmicrohttpd, tried with the real library.
 */
#include "http_takeover.h"

#include "cleanup.h"
#include "fixture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t text_max = (size_t)64 * 1024 * 1024;

/* All that a client gets until its connection ends, which it does in an orderly way. */
static void read_to_end(int fd, struct buffer *text)
{
    buffer_init(text, text_max);
    ck_assert_int_eq(fixture_read_all(fd, text), 0);
    buffer_append(text, "", 1);
}

static void await_all_closed(void)
{
    struct http_server_metrics metrics;
    fixture_await((http_server_metrics(fixture.server, &metrics), metrics.connections == 0));
    fixture_await(fixture_open_files() == fixture.files);
}

/* ---- the head ---- */

START_TEST(test_http_takeover__head_is_whole_before_the_take)
{
    int fd = fixture_connect();
    fixture_get(fd, "/stream");
    http_takeover_close(fixture_await_take());
    CLEANUP_FINI(buffer_fini) struct buffer text;
    read_to_end(fd, &text);
    ck_assert_ptr_eq(strstr(text.data, "HTTP/1.1 200 OK\r\n"), text.data);
    ck_assert_str_eq(strstr(text.data, "\r\n\r\n"), "\r\n\r\n");
    ck_assert_ptr_nonnull(strcasestr(text.data, "\r\nTransfer-Encoding: chunked\r\n"));
    close(fd);
}
END_TEST

/* More in front of the head than the kernel takes. */
START_TEST(test_http_takeover__take_waits_until_the_head_is_sent)
{
    enum { BEFORE = 256 };
    int fd = fixture_connect();
    for (int i = 0; i < BEFORE; i++)
        fixture_get(fd, "/large");
    fixture_get(fd, "/stream");
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
    ck_assert_uint_eq(fixture_takes(), 0);
    CLEANUP_FINI(buffer_fini) struct buffer text;
    buffer_init(&text, text_max);
    while (!fixture_takes()) {
        char bytes[16 * 1024];
        ssize_t len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len > 0)
            buffer_append(&text, bytes, (size_t)len);
    }
    http_takeover_close(fixture_await_take());
    ck_assert_int_eq(fixture_read_all(fd, &text), 0);
    ck_assert_uint_gt(text.len, (size_t)BEFORE * FIXTURE_LARGE);
    ck_assert_mem_eq(text.data + text.len - 4, "\r\n\r\n", 4);
    close(fd);
}
END_TEST

START_TEST(test_http_takeover__http_1_0_has_no_chunks)
{
    int fd = fixture_connect();
    fixture_send(fd, "GET /stream HTTP/1.0\r\n\r\n");
    struct http_takeover *takeover = fixture_await_take();
    ck_assert(!takeover->chunked);
    fixture_send(takeover->fd, "event");
    http_takeover_close(takeover);
    CLEANUP_FINI(buffer_fini) struct buffer text;
    read_to_end(fd, &text);
    ck_assert_ptr_null(strcasestr(text.data, "Transfer-Encoding"));
    ck_assert_str_eq(strstr(text.data, "\r\n\r\n"), "\r\n\r\nevent");
    close(fd);
}
END_TEST

START_TEST(test_http_takeover__http_1_1_has_chunks)
{
    int fd = fixture_connect();
    fixture_get(fd, "/stream");
    struct http_takeover *takeover = fixture_await_take();
    ck_assert(takeover->chunked);
    http_takeover_close(takeover);
    close(fd);
}
END_TEST

START_TEST(test_http_takeover__head_request_takes_nothing)
{
    int fd = fixture_connect();
    fixture_send(fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    CLEANUP_FINI(buffer_fini) struct buffer text;
    read_to_end(fd, &text);
    ck_assert_str_eq(strstr(text.data, "\r\n\r\n"), "\r\n\r\n");
    close(fd);
    await_all_closed();
    ck_assert_uint_eq(fixture.reads, 0);
    ck_assert_uint_eq(fixture.freed, 1);
}
END_TEST

/* ---- the socket ---- */

/* How many epoll sets of this process have the file with this inode. */
static unsigned sets_with(ino_t inode)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fdinfo");
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[300], line[256];
        unsigned long found;
        snprintf(path, sizeof path, "/proc/self/fdinfo/%s", entry->d_name);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file)) {
            const char *ino = strncmp(line, "tfd:", 4) == 0 ? strstr(line, "ino:") : NULL;
            if (ino && sscanf(ino, "ino:%lx", &found) == 1 && found == inode)
                count++;
        }
        if (file)
            fclose(file);
    }
    closedir(folder);
    return count;
}

START_TEST(test_http_takeover__socket_is_ours_alone_and_sends_without_delay)
{
    int on = 0, fd = fixture_connect();
    struct stat stat;
    socklen_t len = sizeof on;
    fixture_get(fd, "/stream");
    struct http_takeover *takeover = fixture_await_take();
    ck_assert_int_eq(fstat(takeover->fd, &stat), 0);
    ck_assert_uint_eq(sets_with(stat.st_ino), 0);
    ck_assert_int_eq(getsockopt(takeover->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    ck_assert_int_eq(on, 1);
    ck_assert_int_eq(fcntl(takeover->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(fcntl(takeover->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    /* libmicrohttpd closes its number; the client's end and ours are left. */
    fixture_await(fixture_open_files() == fixture.files + 2);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, 0), 0);
    http_takeover_close(takeover);
    close(fd);
}
END_TEST

/* The set that a kept connection is in shows that sets_with sees what there is. */
START_TEST(test_http_takeover__socket_that_is_not_taken_is_in_a_set)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    struct stat file;
    int fd = fixture_connect(), server_fd = -1;
    fixture_get(fd, "/text");
    buffer_init(&text, text_max);
    ck_assert(fixture_read_until(fd, &text, "\r\n\r\ntext"));
    struct sockaddr_in own, peer;
    socklen_t len = sizeof own;
    getsockname(fd, (struct sockaddr *)&own, &len);
    for (int i = 0; i < 256 && server_fd < 0; i++) {
        len = sizeof peer;
        if (getpeername(i, (struct sockaddr *)&peer, &len) == 0 && peer.sin_port == own.sin_port)
            server_fd = i;
    }
    ck_assert_int_ge(server_fd, 0);
    /* By name: it is libmicrohttpd's to use, says the thread sanitizer. */
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", server_fd);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(sets_with(file.st_ino), 1);
    close(fd);
}
END_TEST

/* ---- what libmicrohttpd does after a take ---- */

START_TEST(test_http_takeover__take_is_one_read_one_completion_one_free)
{
    int fd = fixture_connect();
    fixture_get(fd, "/stream");
    struct http_takeover *takeover = fixture_await_take();
    fixture_await(fixture.frees == 1);
    fixture_await(fixture_open_files() == fixture.files + 2);
    http_takeover_close(takeover);
    close(fd);
    await_all_closed();
    ck_assert_uint_eq(fixture.reads, 1);
    ck_assert_uint_eq(fixture.complete, 1);
    ck_assert_uint_eq(fixture.frees, 1);
    ck_assert_uint_eq(fixture.complete_at_free, 1); /* the exchange is gone by then */
    ck_assert_uint_eq(fixture.freed, 0);
}
END_TEST

enum { CROWD = 100 };

static void crowd_comes(int clients[CROWD], struct http_takeover *taken[CROWD], const char *path)
{
    for (int i = 0; i < CROWD; i++) {
        clients[i] = fixture_connect();
        fixture_get(clients[i], path);
    }
    for (int i = 0; i < CROWD; i++)
        taken[i] = fixture_await_take();
    fixture_await(fixture_open_files() == fixture.files + CROWD + CROWD);
}

static void close_clients(const int clients[CROWD])
{
    for (int i = 0; i < CROWD; i++)
        close(clients[i]);
}

static const char *const paths[] = {"/stream", "/waiting/stream"};

START_TEST(test_http_takeover__nothing_is_left_of_streams_that_we_end)
{
    int clients[CROWD];
    struct http_takeover *taken[CROWD];
    crowd_comes(clients, taken, paths[_i]);
    for (int i = 0; i < CROWD; i++)
        http_takeover_close(taken[i]);
    close_clients(clients);
    await_all_closed();
}
END_TEST

START_TEST(test_http_takeover__nothing_is_left_of_streams_whose_peer_leaves)
{
    int clients[CROWD];
    struct http_takeover *taken[CROWD];
    crowd_comes(clients, taken, paths[_i]);
    close_clients(clients);
    for (int i = 0; i < CROWD; i++) {
        struct pollfd polled = {.fd = taken[i]->fd, .events = POLLRDHUP};
        ck_assert_int_eq(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
        http_takeover_close(taken[i]);
    }
    await_all_closed();
}
END_TEST

START_TEST(test_http_takeover__peer_that_left_at_once_is_taken_or_freed)
{
    for (unsigned i = 0; i < CROWD; i++) {
        int fd = fixture_connect();
        fixture_get(fd, paths[i % 2]);
        close(fd);
    }
    for (bool all = false; !all;) {
        while (fixture_takes())
            http_takeover_close(fixture_await_take());
        struct http_server_metrics metrics;
        http_server_metrics(fixture.server, &metrics);
        all = metrics.connections == 0 && !fixture_takes();
        poll(NULL, 0, 1);
    }
    await_all_closed();
}
END_TEST

/* ---- beside ordinary requests ---- */

START_TEST(test_http_takeover__kept_connection_goes_on_beside_streams)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    int kept = fixture_connect();
    buffer_init(&text, text_max);
    for (int i = 0; i < CROWD; i++) {
        int fd = fixture_connect();
        fixture_get(fd, paths[i % 2]);
        fixture_get(kept, i % 3 ? "/text" : "/waiting/text");
        http_takeover_close(fixture_await_take());
        buffer_clear(&text);
        ck_assert(fixture_read_until(kept, &text, "\r\n\r\ntext"));
        ck_assert_mem_eq(text.data, "HTTP/1.1 200 OK\r\n", 17);
        close(fd);
    }
    close(kept);
}
END_TEST

START_TEST(test_http_takeover__stream_may_come_last_in_a_pipeline)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    int fd = fixture_connect();
    fixture_send(fd, "GET /text HTTP/1.1\r\nHost: a\r\n\r\n"
                     "GET /waiting/text HTTP/1.1\r\nHost: a\r\n\r\n"
                     "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_takeover *takeover = fixture_await_take();
    fixture_send(takeover->fd, "event");
    http_takeover_close(takeover);
    read_to_end(fd, &text);
    const char *at = text.data;
    for (int i = 0; i < 2; i++) {
        at = strstr(at, "\r\n\r\ntextHTTP/1.1 200 OK\r\n");
        ck_assert_ptr_nonnull(at);
        at += strlen("\r\n\r\n");
    }
    ck_assert_str_eq(strstr(at, "\r\n\r\n"), "\r\n\r\nevent");
    close(fd);
}
END_TEST

/* A reset would destroy what is on its way to the client. */
START_TEST(test_http_takeover__bytes_after_the_request_harm_nothing)
{
    enum { MORE = 8 * 1024 };
    CLEANUP_FINI(buffer_fini) struct buffer text;
    char more[MORE + 1];
    memset(more, 'x', MORE);
    more[MORE] = '\0';
    int fd = fixture_connect();
    fixture_send(fd,
                 "GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /text HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_takeover *takeover = fixture_await_take();
    fixture_send(fd, more);
    struct pollfd polled = {.fd = takeover->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
    fixture_send(takeover->fd, "event");
    http_takeover_close(takeover);
    read_to_end(fd, &text);
    ck_assert_str_eq(strstr(text.data, "\r\n\r\n"), "\r\n\r\nevent");
    close(fd);
}
END_TEST

/* ---- out of files ---- */

/* A take needs a descriptor that stays and two more for a moment. */
START_TEST(test_http_takeover__without_a_descriptor_the_stream_ends)
{
    CLEANUP_FINI(buffer_fini) struct buffer text;
    int fd = fixture_connect();
    int kept = fixture_connect();
    buffer_init(&text, text_max);
    for (int i = 0; i < 2; i++) {
        fixture_get(i ? kept : fd, "/text");
        ck_assert(fixture_read_until(i ? kept : fd, &text, "\r\n\r\ntext"));
        buffer_clear(&text);
    }
    fixture_leave_files((size_t)_i);
    fixture_get(fd, "/stream");
    fixture_await(fixture.frees == 1);
    ck_assert_uint_eq(fixture.freed, 1);
    ck_assert_uint_eq(fixture_takes(), 0);
    ck_assert_int_eq(fixture_read_all(fd, &text), 0);
    ck_assert_mem_eq(text.data + text.len - 4, "\r\n\r\n", 4);
    buffer_clear(&text);
    fixture_get(kept, "/text");
    ck_assert(fixture_read_until(kept, &text, "\r\n\r\ntext"));
    fixture_give_files_back();
    close(fd);
    fixture_get(kept, "/stream");
    http_takeover_close(fixture_await_take());
    close(kept);
    await_all_closed();
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static Suite *http_takeover_suite(void)
{
    Suite *suite = suite_create("http_takeover");
    TCase *head = add_case(suite, "head");
    tcase_add_test(head, test_http_takeover__head_is_whole_before_the_take);
    tcase_add_test(head, test_http_takeover__take_waits_until_the_head_is_sent);
    tcase_add_test(head, test_http_takeover__http_1_0_has_no_chunks);
    tcase_add_test(head, test_http_takeover__http_1_1_has_chunks);
    tcase_add_test(head, test_http_takeover__head_request_takes_nothing);
    TCase *socket = add_case(suite, "socket");
    tcase_add_test(socket, test_http_takeover__socket_is_ours_alone_and_sends_without_delay);
    tcase_add_test(socket, test_http_takeover__socket_that_is_not_taken_is_in_a_set);
    TCase *after = add_case(suite, "after");
    tcase_add_test(after, test_http_takeover__take_is_one_read_one_completion_one_free);
    tcase_add_loop_test(after, test_http_takeover__nothing_is_left_of_streams_that_we_end, 0, 2);
    tcase_add_loop_test(after, test_http_takeover__nothing_is_left_of_streams_whose_peer_leaves, 0,
                        2);
    tcase_add_test(after, test_http_takeover__peer_that_left_at_once_is_taken_or_freed);
    TCase *beside = add_case(suite, "beside");
    tcase_add_test(beside, test_http_takeover__kept_connection_goes_on_beside_streams);
    tcase_add_test(beside, test_http_takeover__stream_may_come_last_in_a_pipeline);
    tcase_add_test(beside, test_http_takeover__bytes_after_the_request_harm_nothing);
    TCase *files = add_case(suite, "files");
    tcase_add_loop_test(files, test_http_takeover__without_a_descriptor_the_stream_ends, 0, 3);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_takeover_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
