/*
 * The check against a server of the test's own on a free port, which answers well, badly, in pieces
 * or not at all.
 */
#include "healthcheck.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Long enough for any machine; and short, where it is to pass. */
enum { AMPLE_MS = 10000, SHORT_MS = 50, LINE_SIZE = 256, REQUEST_SIZE = 512 };

struct server {
    int listener;
    unsigned port;
    const char *const *pieces; /* of the answer; NULL at the end */
    char request[REQUEST_SIZE];
    pthread_t thread;
};

static bool listen_at(struct server *server, int family)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    socklen_t len = family == AF_INET ? sizeof address.v4 : sizeof address.v6;
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        address.v6.sin6_addr = in6addr_loopback;
    server->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, &address.any, len) < 0 ||
        listen(server->listener, 4) < 0 || getsockname(server->listener, &address.any, &len) < 0)
        return false;
    server->port = ntohs(family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return true;
}

/* Reads a request to its end and sends the pieces. */
static void *serve_one(void *argument)
{
    struct server *server = argument;
    int fd = accept(server->listener, NULL, NULL);
    size_t len = 0;
    while (!strstr(server->request, "\r\n\r\n")) {
        ssize_t count = recv(fd, server->request + len, REQUEST_SIZE - 1 - len, 0);
        if (count <= 0)
            break;
        len += (size_t)count;
    }
    for (const char *const *piece = server->pieces; *piece; piece++)
        send(fd, *piece, strlen(*piece), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void start(struct server *server, const char *const *pieces)
{
    memset(server, 0, sizeof *server);
    server->pieces = pieces;
    ck_assert(listen_at(server, AF_INET));
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve_one, server), 0);
}

static void stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* Runs the check and keeps its line. */
static bool run(const char *address, unsigned port, uint64_t timeout_ms, char line[LINE_SIZE])
{
    memset(line, 0, LINE_SIZE);
    FILE *out = fmemopen(line, LINE_SIZE - 1, "w");
    ck_assert_ptr_nonnull(out);
    bool alive = healthcheck_run("program", address, port, timeout_ms, out);
    fclose(out);
    return alive;
}

static bool run_against(const char *const *pieces, char line[LINE_SIZE])
{
    struct server server;
    start(&server, pieces);
    bool alive = run("127.0.0.1", server.port, AMPLE_MS, line);
    stop(&server);
    return alive;
}

START_TEST(test_healthcheck__a_200_is_alive)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL};
    ck_assert(run_against(pieces, line));
    ck_assert_str_eq(line, "program: alive\n");
}
END_TEST

START_TEST(test_healthcheck__asks_for_livez)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct server server;
    start(&server, pieces);
    ck_assert(run("127.0.0.1", server.port, AMPLE_MS, line));
    stop(&server);
    ck_assert_ptr_eq(strstr(server.request, "GET /livez HTTP/1.1\r\n"), server.request);
    ck_assert_ptr_nonnull(strstr(server.request, "\r\nHost: "));
}
END_TEST

START_TEST(test_healthcheck__asks_no_proxy)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    ck_assert(run_against(pieces, line));
}
END_TEST

START_TEST(test_healthcheck__prints_no_body)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", NULL};
    ck_assert(run_against(pieces, line));
    ck_assert_str_eq(line, "program: alive\n");
}
END_TEST

START_TEST(test_healthcheck__an_answer_in_pieces_is_read_whole)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HT", "TP/1.", "0 2", "0", "0 OK\r\n", "\r\n", NULL};
    ck_assert(run_against(pieces, line));
}
END_TEST

#define NOT_ALIVE "program: not alive: "

static const struct {
    const char *answer;
    const char *line;
} wrong_answers[] = {
    {"HTTP/1.1 503 Service Unavailable\r\n\r\n", NOT_ALIVE "the answer is not 200\n"},
    {"HTTP/1.1 204 No Content\r\n\r\n", NOT_ALIVE "the answer is not 200\n"},
    {"HTTP/1.1 404 Not Found\r\n\r\n", NOT_ALIVE "the answer is not 200\n"},
    {"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", NOT_ALIVE "the answer is not 200\n"},
    {"SSH-2.0-OpenSSH_9.2p1\r\n", NOT_ALIVE "Unsupported protocol\n"},
    {"HTTP/4.1 200 OK\r\n\r\n", NOT_ALIVE "Unsupported protocol\n"},
};

START_TEST(test_healthcheck__any_other_answer_is_not_alive)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {wrong_answers[_i].answer, NULL};
    ck_assert(!run_against(pieces, line));
    ck_assert_str_eq(line, wrong_answers[_i].line);
}
END_TEST

START_TEST(test_healthcheck__half_a_status_is_not_alive)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 20", NULL};
    ck_assert(!run_against(pieces, line));
    ck_assert_str_eq(line, NOT_ALIVE "Server returned nothing (no headers, no data)\n");
}
END_TEST

START_TEST(test_healthcheck__nobody_listening_is_not_alive)
{
    char line[LINE_SIZE];
    struct server server = {0};
    ck_assert(listen_at(&server, AF_INET));
    close(server.listener);
    ck_assert(!run("127.0.0.1", server.port, AMPLE_MS, line));
    ck_assert_str_eq(line, NOT_ALIVE "Couldn't connect to server\n");
}
END_TEST

/* The kernel accepts; nobody reads. */
START_TEST(test_healthcheck__one_that_hangs_is_not_alive)
{
    char line[LINE_SIZE];
    struct server server = {0};
    ck_assert(listen_at(&server, AF_INET));
    ck_assert(!run("127.0.0.1", server.port, SHORT_MS, line));
    close(server.listener);
    ck_assert_str_eq(line, NOT_ALIVE "Timeout was reached\n");
}
END_TEST

START_TEST(test_healthcheck__all_addresses_are_asked_at_the_loopback)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct server server;
    start(&server, pieces);
    ck_assert(run("0.0.0.0", server.port, AMPLE_MS, line));
    stop(&server);
}
END_TEST

START_TEST(test_healthcheck__ipv6_too)
{
    char line[LINE_SIZE];
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct server server = {.pieces = pieces};
    if (!listen_at(&server, AF_INET6)) {
        /* A machine without IPv6: that is then the line's reason. */
        ck_assert(!run("::", 1, AMPLE_MS, line));
        return;
    }
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve_one, &server), 0);
    ck_assert(run("::", server.port, AMPLE_MS, line));
    stop(&server);
}
END_TEST

static const struct {
    const char *address;
    unsigned port;
    const char *line;
} unknown[] = {
    {"127.0.0.1", 0, NOT_ALIVE "its port is not known\n"},
    {"127.0.0.1", 65536, NOT_ALIVE "URL using bad/illegal format or missing URL\n"},
    {"", 8000, NOT_ALIVE "URL using bad/illegal format or missing URL\n"},
};

START_TEST(test_healthcheck__an_unknown_place_is_not_alive)
{
    char line[LINE_SIZE];
    ck_assert(!run(unknown[_i].address, unknown[_i].port, AMPLE_MS, line));
    ck_assert_str_eq(line, unknown[_i].line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("healthcheck");
    TCase *tcase = tcase_create("healthcheck");
    tcase_add_test(tcase, test_healthcheck__a_200_is_alive);
    tcase_add_test(tcase, test_healthcheck__asks_for_livez);
    tcase_add_test(tcase, test_healthcheck__asks_no_proxy);
    tcase_add_test(tcase, test_healthcheck__prints_no_body);
    tcase_add_test(tcase, test_healthcheck__an_answer_in_pieces_is_read_whole);
    tcase_add_loop_test(tcase, test_healthcheck__any_other_answer_is_not_alive, 0,
                        (int)(sizeof wrong_answers / sizeof wrong_answers[0]));
    tcase_add_test(tcase, test_healthcheck__half_a_status_is_not_alive);
    tcase_add_test(tcase, test_healthcheck__nobody_listening_is_not_alive);
    tcase_add_test(tcase, test_healthcheck__one_that_hangs_is_not_alive);
    tcase_add_test(tcase, test_healthcheck__all_addresses_are_asked_at_the_loopback);
    tcase_add_test(tcase, test_healthcheck__ipv6_too);
    tcase_add_loop_test(tcase, test_healthcheck__an_unknown_place_is_not_alive, 0,
                        (int)(sizeof unknown / sizeof unknown[0]));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
