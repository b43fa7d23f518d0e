/*
 * Clients that ask and never read: how much memory does a server hold for them?
 *
 * The resident memory of the processes is looked at before, all the time while the clients are
 * there, and some seconds after they have left. Each of them must have been answered 200, which is
 * looked at without taking it.
 *
 * Prints one line of JSON.
 */
#include "loop.h"
#include "usage.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SOCKETS_MAX = 1000,
    SECONDS_MAX = 60,
    SECOND_US = 1000 * 1000,
    LOOK_US = 10 * 1000,
    PATIENCE_US = 40 * SECOND_US, /* until all are answered */
};

struct options {
    struct sockaddr_in address;
    const char *path;
    struct usage_processes processes;
    unsigned sockets, seconds, after_s;
};

struct client {
    int fd;
    bool answered;
};

static void start(struct client *client, const struct options *options, unsigned index)
{
    char request[512];
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", options->path);
    if (len < 0 || (size_t)len >= sizeof request)
        loop_fail("the path is too long: %s", options->path);
    client->fd = loop_connect(&options->address, index);
    client->answered = false;
    loop_send(client->fd, request, (size_t)len);
}

/* Whether the answer has begun; it stays where it is. */
static bool look(struct client *client)
{
    static const char good[] = "HTTP/1.1 200 ";
    char begin[sizeof good - 1];
    ssize_t got = recv(client->fd, begin, sizeof begin, MSG_PEEK | MSG_DONTWAIT);
    if (got < (ssize_t)sizeof begin)
        return false;
    if (memcmp(begin, good, sizeof begin) != 0)
        loop_fail("a client was answered: %.*s", (int)sizeof begin, begin);
    return true;
}

/* How many of the clients have been answered. */
static unsigned look_at_all(struct client *clients, unsigned count)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!clients[i].answered)
            clients[i].answered = look(&clients[i]);
        answered += clients[i].answered;
    }
    return answered;
}

/* Waits until all are answered, and some seconds more; returns the largest resident memory of that
 * time, in KiB. */
static unsigned long watch(struct client *clients, const struct options *options)
{
    unsigned long most = 0;
    bool all = false;
    uint64_t end_us = loop_now_us() + PATIENCE_US;
    while (loop_now_us() < end_us) {
        unsigned long now = usage_of(&options->processes).resident_kib;
        most = now > most ? now : most;
        if (!all && look_at_all(clients, options->sockets) == options->sockets) {
            all = true;
            end_us = loop_now_us() + (uint64_t)options->seconds * SECOND_US;
        }
        usleep(LOOK_US);
    }
    if (!all)
        loop_fail("only %u of %u clients were answered", look_at_all(clients, options->sockets),
                  options->sockets);
    return most;
}

static const struct option option_names[] = {
    {"connect", required_argument, NULL, 'c'},
    {"path", required_argument, NULL, 'p'},
    {"sockets", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},
    {"after", required_argument, NULL, 'a'},
    {"pids", required_argument, NULL, 'i'},
    {0},
};

static struct options read_options(int argc, char *argv[])
{
    struct options options = {.sockets = 60, .seconds = 3, .after_s = 2};
    int name;
    while ((name = getopt_long(argc, argv, "", option_names, NULL)) != -1) {
        switch (name) {
        case 'c': options.address = loop_address(optarg); break;
        case 'p': options.path = optarg; break;
        case 'i': options.processes = usage_parse(optarg); break;
        case 'n': options.sockets = (unsigned)loop_number("sockets", optarg, 1, SOCKETS_MAX); break;
        case 's': options.seconds = (unsigned)loop_number("seconds", optarg, 1, SECONDS_MAX); break;
        case 'a': options.after_s = (unsigned)loop_number("after", optarg, 1, SECONDS_MAX); break;
        default: exit(EXIT_FAILURE);
        }
    }
    if (!options.address.sin_port || !options.path || !options.processes.count)
        loop_fail("--connect, --path and --pids are needed");
    return options;
}

int main(int argc, char *argv[])
{
    static struct client clients[SOCKETS_MAX];
    struct options options = read_options(argc, argv);
    unsigned long before = usage_of(&options.processes).resident_kib;
    for (unsigned i = 0; i < options.sockets; i++)
        start(&clients[i], &options, i);
    unsigned long most = watch(clients, &options);
    for (unsigned i = 0; i < options.sockets; i++)
        close(clients[i].fd);
    sleep(options.after_s);
    printf("{\"sockets\":%u,\"before_kib\":%lu,\"most_kib\":%lu,\"after_kib\":%lu}\n",
           options.sockets, before, most, usage_of(&options.processes).resident_kib);
    return EXIT_SUCCESS;
}
