/*
 * How long a service takes from its start until it is ready, and the memory that it has when it
 * then does nothing.
 *
 *   bench_start_time PORT PROGRAM
 *
 * The program gets this one's environment. It is asked for /readyz every half millisecond, over a
 * new connection each time, until it answers 200; a while later its memory is looked at, and it is
 * stopped. Prints one line of JSON.
 */
#include "loop.h"
#include "usage.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_US = 500, PATIENCE_US = 10 * 1000 * 1000, IDLE_US = 1500 * 1000 };

/* Starts the program, which ends with this process, however that ends. */
static pid_t start(char *program)
{
    pid_t pid = fork();
    if (pid < 0)
        loop_fail("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    char *arguments[] = {program, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(program, arguments);
    fprintf(stderr, "%s: %s\n", program, strerror(errno));
    _exit(EXIT_FAILURE);
}

static bool is_ready(const struct sockaddr_in *address)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    static const char good[] = "HTTP/1.1 200 ";
    char begin[sizeof good - 1];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        loop_fail("socket: %s", strerror(errno));
    bool ready = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
                 send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                 recv(fd, begin, sizeof begin, MSG_WAITALL) == (ssize_t)sizeof begin &&
                 memcmp(begin, good, sizeof begin) == 0;
    close(fd);
    return ready;
}

static void wait_until_ready(pid_t pid, const struct sockaddr_in *address, uint64_t end_us)
{
    while (!is_ready(address)) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            loop_fail("the program ended before it was ready");
        if (loop_now_us() > end_us)
            loop_fail("the program was not ready in time");
        usleep(PAUSE_US);
    }
}

int main(int argc, char *argv[])
{
    if (argc != 3)
        loop_fail("usage: bench_start_time PORT PROGRAM");
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%s", argv[1]);
    struct sockaddr_in address = loop_address(where);
    uint64_t start_us = loop_now_us();
    pid_t pid = start(argv[2]);
    wait_until_ready(pid, &address, start_us + PATIENCE_US);
    uint64_t ready_us = loop_now_us() - start_us;
    usleep(IDLE_US);
    struct usage_processes processes = {.pids = {(unsigned long)pid}, .count = 1};
    struct usage idle = usage_of(&processes);

    int status;
    kill(pid, SIGTERM);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        loop_fail("the program ended with status %d", status);
    printf("{\"ready_us\":%" PRIu64 ",\"resident_kib\":%lu,\"threads\":%lu}\n", ready_us,
           idle.resident_kib, idle.threads);
    return EXIT_SUCCESS;
}
