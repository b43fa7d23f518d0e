/*
 * Clients that ask for rooms nobody knows, a new name each time, as fast as they are answered, and
 * others that ask for /livez and for a known room meanwhile: how long do those wait?
 *
 * The latter come steadily: a request counts from when it was due, whether or not a connection was
 * free to send it. They must be answered with 200; the former may be answered anything.
 *
 * Prints one line of JSON. Times are in microseconds.
 */
#include "getter.h"
#include "samples.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASKERS_MAX = 1000,
    CONNECTIONS = 16, /* of each probe */
    RATE_MAX = 1000,
    SECONDS_MAX = 60,
    SECOND_US = 1000 * 1000,
    HEAD_START_US = 500 * 1000, /* of those who ask, so that they are in the way */
    PATIENCE_US = 30 * 1000 * 1000,
};

struct load {
    struct sockaddr_in address;
    struct loop loop;
    const char *known;
    unsigned askers, rate, seconds;
    uint64_t asked, answers;
    bool over;
};

struct asker {
    struct getter getter;
    struct load *load;
};

struct probe;

struct probe_connection {
    struct getter getter;
    struct probe *probe;
    uint64_t due_us;
};

/* One path that is asked for steadily. */
struct probe {
    const char *path;
    unsigned sent, count, rate;
    uint64_t start_us;
    struct probe_connection connections[CONNECTIONS];
    struct samples latencies;
};

/* ---- those who ask for unknown rooms ---- */

static void ask(struct asker *asker)
{
    char path[64];
    snprintf(path, sizeof path, "/rooms/unknown-%" PRIu64 "/messages", asker->load->asked++);
    getter_ask(&asker->getter, path);
}

static void on_asker_answered(struct getter *getter, unsigned status)
{
    (void)status;
    struct asker *asker = (struct asker *)getter;
    asker->load->answers++;
    if (!asker->load->over)
        ask(asker);
}

/* ---- those who must not wait ---- */

static void on_probe_answered(struct getter *getter, unsigned status)
{
    struct probe_connection *connection = (struct probe_connection *)getter;
    struct probe *probe = connection->probe;
    if (status != 200)
        loop_fail("%s was answered %u", probe->path, status);
    samples_add(&probe->latencies, (int64_t)(loop_now_us() - connection->due_us));
}

static void probe_init(struct probe *probe, const char *path, const struct load *load)
{
    *probe = (struct probe){.path = path, .count = load->rate * load->seconds, .rate = load->rate};
    samples_init(&probe->latencies, probe->count);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        probe->connections[i].probe = probe;
        getter_init(&probe->connections[i].getter, &load->loop, &load->address, i,
                    on_probe_answered);
    }
}

static void probe_fini(struct probe *probe)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        getter_fini(&probe->connections[i].getter);
    samples_fini(&probe->latencies);
}

static struct probe_connection *free_connection(struct probe *probe)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (!probe->connections[i].getter.busy)
            return &probe->connections[i];
    return NULL;
}

/* Sends what is due; returns when the next is. */
static uint64_t send_due(struct probe *probe)
{
    while (probe->sent < probe->count) {
        uint64_t due_us = probe->start_us + (uint64_t)probe->sent * SECOND_US / probe->rate;
        if (due_us > loop_now_us())
            return due_us;
        struct probe_connection *connection = free_connection(probe);
        if (!connection)
            break;
        connection->due_us = due_us;
        probe->sent++;
        getter_ask(&connection->getter, probe->path);
    }
    return UINT64_MAX;
}

/* ---- the whole ---- */

static void run_until(struct load *load, uint64_t end_us)
{
    while (loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
}

static bool done(const struct probe *probe)
{
    return probe->latencies.count == probe->count;
}

static void run(struct load *load, struct probe probes[2])
{
    uint64_t start_us = loop_now_us();
    uint64_t end_us = start_us + (uint64_t)load->seconds * SECOND_US + PATIENCE_US;
    probes[0].start_us = probes[1].start_us = start_us;
    while (!done(&probes[0]) || !done(&probes[1])) {
        if (loop_now_us() >= end_us)
            loop_fail("%zu and %zu of %u were answered in time", probes[0].latencies.count,
                      probes[1].latencies.count, probes[0].count);
        uint64_t first_us = send_due(&probes[0]);
        uint64_t second_us = send_due(&probes[1]);
        uint64_t next_us = first_us < second_us ? first_us : second_us;
        loop_run(&load->loop, next_us < end_us ? next_us : end_us);
    }
    load->over = true;
}

static const struct option option_names[] = {
    {"connect", required_argument, NULL, 'c'}, {"known", required_argument, NULL, 'k'},
    {"askers", required_argument, NULL, 'n'},  {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 's'}, {0},
};

static void read_options(int argc, char *argv[], struct load *load)
{
    int name;
    while ((name = getopt_long(argc, argv, "", option_names, NULL)) != -1) {
        switch (name) {
        case 'c': load->address = loop_address(optarg); break;
        case 'k': load->known = optarg; break;
        case 'n': load->askers = (unsigned)loop_number("askers", optarg, 0, ASKERS_MAX); break;
        case 'r': load->rate = (unsigned)loop_number("rate", optarg, 1, RATE_MAX); break;
        case 's': load->seconds = (unsigned)loop_number("seconds", optarg, 1, SECONDS_MAX); break;
        default: exit(EXIT_FAILURE);
        }
    }
    if (!load->address.sin_port || !load->known)
        loop_fail("--connect and --known are needed");
}

int main(int argc, char *argv[])
{
    static struct asker askers[ASKERS_MAX];
    static struct probe probes[2];
    struct load load = {.askers = 64, .rate = 100, .seconds = 8};
    read_options(argc, argv, &load);
    loop_init(&load.loop);
    probe_init(&probes[0], "/livez", &load);
    probe_init(&probes[1], load.known, &load);
    for (unsigned i = 0; i < load.askers; i++) {
        askers[i].load = &load;
        getter_init(&askers[i].getter, &load.loop, &load.address, i, on_asker_answered);
        ask(&askers[i]);
    }
    uint64_t start_us = loop_now_us();
    run_until(&load, start_us + HEAD_START_US);
    run(&load, probes);

    printf("{\"askers\":%u,\"asked\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"seconds\":%.3f,",
           load.askers, load.asked, load.answers, (double)(loop_now_us() - start_us) / 1e6);
    samples_print(&probes[0].latencies, "livez_us");
    printf(",");
    samples_print(&probes[1].latencies, "known_us");
    printf("}\n");

    for (unsigned i = 0; i < load.askers; i++)
        getter_fini(&askers[i].getter);
    probe_fini(&probes[0]);
    probe_fini(&probes[1]);
    return EXIT_SUCCESS;
}
